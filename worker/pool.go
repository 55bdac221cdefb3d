package worker

import (
	"context"
	"errors"
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
	"crmsync/worker/feed"
	"crmsync/worker/migration"
	"crmsync/worker/sweep"
)

// restartAfter is the pause before a background task that panicked restarts.
const restartAfter = time.Second

// Config configures a Pool. Durations and numbers come from the program's environment.
type Config struct {
	Mapping    *mapping.Mapping
	DB         *pgxpool.Pool
	QueueDB    *pgxpool.Pool // of River's client; nil: DB
	Salesforce *sfclient.Client
	Monday     *mondayclient.Client
	Channels   []alert.Channel // deliver alerts about dead letters and outages; none: they are logged

	AlertPauses []time.Duration // minimum times between messages about one cause
	PublicURL   string          // address of the console, for links in alerts; empty: there are none

	MaxAttempts      int           // attempts of an event before it becomes a dead letter
	RetryBase        time.Duration // delay before the second attempt; it doubles with each further one
	RetryMax         time.Duration // the maximum delay
	JobTimeout       time.Duration // maximum duration of an attempt
	RescueAfter      time.Duration // a job left running by a dead worker is rescued after this
	AlertInterval    time.Duration // interval for alerting dead letters and outages
	LogRetention     time.Duration // how long logs are kept
	BatchSize        int           // maximum events in a batch
	BatchConcurrency int           // maximum batches at once
	MaxWorkers       int           // maximum jobs at once; each waits for its batch
	ShutdownGrace    time.Duration // how long running jobs may take to end after Stop

	// SalesforceReserve and MondayReserve are the percentage of each system's calls that bulk work leaves to others
	// and to live events.
	SalesforceReserve, MondayReserve int

	// Backfill compares the items of a board for which the mapping has changed.
	Backfill bool
	// FeedInterval is the interval of reading changes in Salesforce if the mapping syncs fields to Monday; 0: depends
	// on activity and the day's calls. FeedOff: never.
	FeedInterval time.Duration
	FeedOff      bool

	// PollOnly polls for jobs instead of listening for them, as needed behind a pooler that shares connections.
	PollOnly bool

	// HasNewerMapping reports whether another process has a newer mapping. If so, the pool leaves it the events that
	// its own mapping does not contain. nil: never.
	HasNewerMapping func(context.Context) (bool, error)

	// Share returns which share of the items this pool prefers among the running ones; nil: there are no shares.
	Share queue.Share

	// MigrationsOnly leaves all queues except the migrations' to other pools.
	MigrationsOnly bool

	// Waiting, if not nil, is called when an import or a comparison of a board waits, with the reason and the time of
	// the next attempt.
	Waiting func(board int64, reason string, until time.Time)

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
	feed     *feed.Feed // nil: there is none
	client   *river.Client[pgx.Tx]
	breakers []*breaker
	alerter  *alert.Alerter
	metric   metrics
	done     sync.WaitGroup
	stop     context.CancelFunc
}

// background runs a task beside the jobs until ctx ends. A panic ends neither the process nor the task, which
// restarts after a moment.
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

// requeue queues a resync of each item.
func (p *Pool) requeue(ctx context.Context, tx pgx.Tx, items []ledger.Ref, force bool) error {
	all := make([]river.JobArgs, len(items))
	for n, item := range items {
		all[n] = jobs.ItemResyncArgs{BoardID: item.BoardID, ItemID: item.ItemID, Force: force}
	}
	return jobs.Insert(ctx, p.client, tx, all...)
}
