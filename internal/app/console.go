package app

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/internal/console"
	"crmsync/jobs"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker"
)

// consoles serves the console for the mapping in use.
type consoles struct {
	service *Service
	db      *pgxpool.Pool

	mu  sync.Mutex
	of  *mapping.Mapping
	now *console.Console
}

// ServeHTTP serves a page.
func (c *consoles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now, err := c.current()
	if err != nil {
		c.service.Log.Error("no console", "error", err)
		answer(w, http.StatusInternalServerError, "the console cannot be shown; the log has the reason")
		return
	}
	now.ServeHTTP(w, r)
}

// current returns the console, and creates a new one if the mapping has changed.
func (c *consoles) current() (*console.Console, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.service.mapping()
	if c.of == m {
		return c.now, nil
	}
	now, err := c.service.newConsole(c.db, m)
	if err == nil {
		c.of, c.now = m, now
	}
	return now, err
}

func (s *Service) newConsole(db *pgxpool.Pool, m *mapping.Mapping) (*console.Console, error) {
	return console.New(console.Config{
		Mapping:  m,
		Store:    store.New(db),
		Queue:    worker.Queue(db),
		Reporter: s.newReporter(db, m, s.workers.Salesforce, s.workers.Monday),
		QueueSweep: func(ctx context.Context, tx pgx.Tx, w store.Sweep) error {
			return jobs.Insert(ctx, s.queue, tx, jobs.SweepBoardArgs{SweepID: w.ID, BoardID: w.BoardID})
		},
		Release: resyncs(s.queue, jobs.ItemResyncArgs{Release: true}),
		Take:    resyncs(s.queue, jobs.ItemResyncArgs{Chosen: true}),
		Erase: func(ctx context.Context, item int64, forGood bool, by store.By) (int, error) {
			erase := Erase
			if forGood {
				erase = EraseForGood
			}
			erased, err := erase(ctx, db, item, by)
			return int(erased.Rows()), err
		},
		MaxAttempts: s.Config.MaxAttempts, Jobs: Dashboard, Log: s.Log, Now: time.Now,
	})
}
