package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"

	"crmsync/internal/panics"
	"crmsync/jobs"
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/queue"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/alert"
	"crmsync/worker/engine"
	"crmsync/worker/migration"
	"crmsync/worker/sweep"
)

// restartAfter is the pause before a background task that panicked begins again.
const restartAfter = time.Second

// Config is what a Pool works with. Durations and numbers are those of the program's environment.
type Config struct {
	Mapping    *mapping.Mapping
	DB         *pgxpool.Pool
	Salesforce *sfclient.Client
	Monday     *mondayclient.Client
	Channels   []alert.Channel // through which people are told of dead letters and outages; none: the log is

	MaxAttempts      int           // tries of an event before it is a dead letter
	RetryBase        time.Duration // delay before the second try; it doubles with each further one
	RetryMax         time.Duration // the longest delay
	JobTimeout       time.Duration // longest a try may run
	RescueAfter      time.Duration // a job that a dead worker left running is taken up after this
	AlertInterval    time.Duration // how often dead letters are swept up
	LogRetention     time.Duration // how long logs are kept
	BatchSize        int           // most events in a batch
	BatchConcurrency int           // most batches at once
	MaxWorkers       int           // most jobs at once; each waits for its batch
	ShutdownGrace    time.Duration // how long running jobs may take to end after Stop

	// SalesforceReserve and MondayReserve are the percent of either system's calls that bulk work leaves to others and to live
	// events.
	SalesforceReserve, MondayReserve int

	// PollOnly looks for jobs instead of listening for them, as where a pooler shares connections between sessions.
	PollOnly bool

	// MigrationsOnly leaves all queues but that of the migrations to other pools.
	MigrationsOnly bool

	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// Pool is a pool of workers. Any number of pools may work on one database.
type Pool struct {
	config   Config
	store    *store.Store
	queue    *queue.Queue
	engine   *engine.Engine
	migrator *migration.Migrator
	sweeper  *sweep.Sweeper
	client   *river.Client[pgx.Tx]
	breakers []*breaker
	alerter  *alert.Alerter
	metric   metrics
	done     sync.WaitGroup
	stop     context.CancelFunc
}

// background runs a task beside the jobs until ctx ends. A panic ends neither the process nor the task, which begins again
// a moment later.
func (p *Pool) background(ctx context.Context, task string, run func(context.Context)) {
	p.done.Go(func() {
		for {
			err := panics.Catch(func() error { run(ctx); return nil })
			if err == nil {
				return
			}
			p.config.Log.Error("background task panicked", "task", task, "error", err, "stack", stackOf(err))
			select {
			case <-ctx.Done():
				return
			case <-time.After(restartAfter):
			}
		}
	})
}

// stackOf returns the stack of a panic.
func stackOf(err error) string {
	if panicked, ok := errors.AsType[*panics.Error](err); ok {
		return string(panicked.Stack)
	}
	return ""
}

// requeue queues a comparison of each item with Salesforce.
func (p *Pool) requeue(ctx context.Context, tx pgx.Tx, items []ledger.Ref, force bool) error {
	params := make([]river.InsertManyParams, len(items))
	for n, item := range items {
		params[n].Args = jobs.ItemResyncArgs{BoardID: item.BoardID, ItemID: item.ItemID, Force: force}
	}
	if _, err := p.client.InsertManyTx(ctx, tx, params); err != nil {
		return fmt.Errorf("queueing %d comparisons: %w", len(items), err)
	}
	return nil
}
