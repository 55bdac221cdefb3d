package app

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"crmsync/internal/console"
	"crmsync/jobs"
	"crmsync/schema/ledger"
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
			return s.insert(ctx, tx, jobs.SweepBoardArgs{SweepID: w.ID, BoardID: w.BoardID})
		},
		Release: s.resyncs(jobs.ItemResyncArgs{Release: true}),
		Take:    s.resyncs(jobs.ItemResyncArgs{Chosen: true}),
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

// resyncs returns a function that queues a resync of each item in the transaction.
func (s *Service) resyncs(args jobs.ItemResyncArgs) func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error {
	return func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error {
		all := make([]river.JobArgs, len(items))
		for n, item := range items {
			args.BoardID, args.ItemID = item.BoardID, item.ItemID
			all[n] = args
		}
		return s.insert(ctx, tx, all...)
	}
}

// insert queues jobs in the transaction.
func (s *Service) insert(ctx context.Context, tx pgx.Tx, all ...river.JobArgs) error {
	params := make([]river.InsertManyParams, len(all))
	for n, args := range all {
		params[n].Args = args
	}
	if len(params) == 0 {
		return nil
	}
	if _, err := s.queue.InsertManyTx(ctx, tx, params); err != nil {
		return fmt.Errorf("queueing %d jobs: %w", len(params), err)
	}
	return nil
}
