// Package engine brings what webhooks tell of Monday's items into Salesforce. It knows no queue: it is given events, gathers
// them into batches, and takes each batch as a set through the stages claim, merge, read, plan, apply and commit.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"crmsync/internal/batch"
	"crmsync/internal/panics"
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine/send"
)

// Salesforce is what the engine asks of Salesforce. Each method is one API call, of up to 200 records.
type Salesforce interface {
	send.Salesforce
	Select(ctx context.Context, soql string) ([]sfclient.Record, error) // a call for each page
	Shape(ctx context.Context, object string) (*sfclient.Object, error) // no call where it is known
}

// Monday is what the engine asks of Monday. Each method is one API call.
type Monday interface {
	Items(ctx context.Context, ids []int64, columns []string) ([]mondayclient.Item, error) // up to 100 ids
	Write(ctx context.Context, writes []mondayclient.Write) ([]error, error)               // up to 50 writes
	UserEmails(ctx context.Context, ids []int64) (map[int64]string, error)
}

// Config is what an Engine works with.
type Config struct {
	Mapping    *mapping.Mapping
	Store      *store.Store
	Salesforce Salesforce
	Monday     Monday

	// BatchSize is the most events in a batch, and the most records in a call; 200 is Salesforce's limit.
	BatchSize int

	// Concurrency is the most batches that are out at once.
	Concurrency int

	// Timeout is how long a batch may take. Items are leased for a little longer, so that nobody else begins while a
	// call of this batch may still be under way.
	Timeout time.Duration

	// Requeue queues a comparison of each item, in the transaction; force sends every field again.
	Requeue func(ctx context.Context, tx pgx.Tx, items []ledger.Ref, force bool) error

	Registerer prometheus.Registerer
	Log        *slog.Logger
	Now        func() time.Time
}

// Engine works off events. It is safe for concurrent use.
type Engine struct {
	Config
	batches *batch.Batcher[Event, answer]
	users   *users
	sender  *send.Sender
	size    prometheus.Histogram
	lag     prometheus.Histogram
}

// answer is what becomes of an event.
type answer struct {
	outcome Outcome
	err     error
}

// New returns an engine, which stays idle until it is given events.
func New(c Config) *Engine {
	e := &Engine{
		Config: c,
		size: promauto.With(c.Registerer).NewHistogram(prometheus.HistogramOpts{
			Name:    "crmsync_batch_items",
			Help:    "Items that went through the engine together.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}),
		lag: promauto.With(c.Registerer).NewHistogram(prometheus.HistogramOpts{
			Name:    "crmsync_sync_lag_seconds",
			Help:    "Time from Monday's trigger to Salesforce's answer.",
			Buckets: prometheus.ExponentialBuckets(0.025, 2, 16), // 25 ms to about 14 min
		}),
	}
	e.sender = &send.Sender{Salesforce: c.Salesforce, Size: c.BatchSize, Now: c.Now}
	e.users = newUsers(c.Monday, c.Salesforce, c.Now)
	e.batches = batch.New(batch.Config[Event]{
		Max:         c.BatchSize,
		Concurrency: c.Concurrency,
		// An item is in one batch at a time; its later events wait for the next.
		Key: func(ev Event) int64 { return ev.ItemID },
	}, e.run)
	return e
}

// Do brings an event to its end, together with others that come while it waits. It returns when its effect and its row in
// sync_logs are committed, or an error that says by its behaviour what is to become of it: one with RetryAfter is to come
// back then, at no cost; one that is Permanent is given up; any other is tried again.
func (e *Engine) Do(ctx context.Context, ev Event) (Outcome, error) {
	a, err := e.batches.Do(ctx, ev)
	if err != nil {
		return Failed, e.interrupted(err)
	}
	return a.outcome, a.err
}

// Close waits for the batches that are out; when ctx ends first, it interrupts them.
func (e *Engine) Close(ctx context.Context) error {
	return e.batches.Close(ctx)
}

// interrupted is a call that left its batch: the event is not at fault, and what was done of it is found done when it
// comes back.
func (e *Engine) interrupted(err error) error {
	var panicked *panics.Error
	if errors.As(err, &panicked) {
		e.Log.Error("batch panicked", "error", err, "stack", string(panicked.Stack))
		return err
	}
	return fmt.Errorf("waiting for the batch: %w", &BusyError{What: "the item"})
}

// asBehaviour finds an error in err's chain that is a T.
func asBehaviour[T any](err error) (t T, ok bool) {
	ok = errors.As(err, &t)
	return t, ok
}
