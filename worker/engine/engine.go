// Package engine updates Salesforce from webhook events about Monday's items. It is independent of the queue: it
// gathers the events it receives into batches, and takes each batch as a set through the stages claim, merge, read,
// plan, resolve, send, record and commit.
package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"crmsync/internal/batch"
	"crmsync/internal/panics"
	"crmsync/worker/engine/send"
)

// Engine processes events. It is safe for concurrent use.
type Engine struct {
	tools
	batches   *batch.Batcher[Event, answer]
	closing   chan struct{} // closed when the engine closes, which ends all waits
	closeOnce sync.Once
}

// answer is the result of an event.
type answer struct {
	outcome Outcome
	err     error
}

// New returns an engine, which is idle until it receives events.
func New(c Config) *Engine {
	e := &Engine{closing: make(chan struct{}), tools: tools{
		Config: c,
		sender: &send.Sender{Salesforce: c.Salesforce, Size: c.BatchSize, Now: c.Now},
		users:  newUsers(c.Monday, c.Salesforce, c.Now),
		size: promauto.With(c.Registerer).NewHistogram(prometheus.HistogramOpts{
			Name:    "crmsync_batch_items",
			Help:    "Items processed in one batch.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}),
		lag: promauto.With(c.Registerer).NewHistogram(prometheus.HistogramOpts{
			Name:    "crmsync_sync_lag_seconds",
			Help:    "Time from Monday's trigger to Salesforce's answer.",
			Buckets: prometheus.ExponentialBuckets(0.025, 2, 16), // 25 ms to about 14 min
		}),
	}}
	e.batches = batch.New(batch.Config[Event]{
		Max:         c.BatchSize,
		Concurrency: c.Concurrency,
		// An item is in one batch at a time; its later events wait for the next.
		Key: func(ev Event) int64 { return ev.ItemID },
	}, e.run)
	return e
}

// Do processes an event, together with others that arrive while it waits. It returns when the event's effect and its
// row in sync_logs are committed, or an error whose behavior says what to do: one with RetryAfter asks to come back
// then, at no cost; a Permanent one dead-letters the event; after any other it is attempted again.
func (e *Engine) Do(ctx context.Context, ev Event) (Outcome, error) {
	over := time.Now().Add(busyFor)
	for pause := busyFirst; ; pause = min(2*pause, busyLongest) {
		a, err := e.batches.Do(ctx, ev)
		if err != nil {
			return Failed, e.interrupted(err)
		}
		var busy *BusyError
		if !errors.As(a.err, &busy) || time.Now().Add(pause).After(over) || !e.wait(ctx, pause) {
			return a.outcome, a.err
		}
	}
}

// An event of an item that another worker has waits here for a while before it goes back to the queue: waiting in the
// process costs nothing, and a batch takes only tens of milliseconds if Salesforce is fast. The order of the waiting
// events does not matter, since events commute.
const (
	busyFirst   = 20 * time.Millisecond
	busyLongest = 200 * time.Millisecond
	busyFor     = 2 * time.Second
)

// wait waits, with some jitter, and reports whether the wait was complete: it is cut short if the engine closes or
// ctx ends.
func (e *Engine) wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause/2 + rand.N(pause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-e.closing:
	}
	return false
}

// Close waits for the running batches; if ctx ends first, it interrupts them.
func (e *Engine) Close(ctx context.Context) error {
	e.closeOnce.Do(func() { close(e.closing) })
	return e.batches.Close(ctx)
}

// interrupted returns the error for a call that left its batch. The event is not at fault; when it comes back, what
// was done is recognized as done.
func (e *Engine) interrupted(err error) error {
	var panicked *panics.Error
	if errors.As(err, &panicked) {
		e.Log.Error("batch panicked", "error", err, "stack", string(panicked.Stack))
		return err
	}
	return fmt.Errorf("waiting for the batch: %w", &BusyError{What: "the item"})
}
