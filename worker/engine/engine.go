// Package engine updates Salesforce from webhook events about Monday's items. It is independent of the queue: it
// gathers the events it receives into batches, and takes each batch as a set through the stages claim, merge, read,
// plan, resolve, send, record and commit.
package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"crmsync/internal/batch"
	"crmsync/internal/panics"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/send"
)

// Engine processes events. It is safe for concurrent use.
type Engine struct {
	tools
	batches *batch.Batcher[*Event, answer]
	busy    *waitingRoom
	present atomic.Int64 // events in Do
}

// Directions, as metrics name them.
const (
	toSalesforce = "to_salesforce"
	toMonday     = "to_monday"
)

// answer is the result of an event.
type answer struct {
	outcome Outcome
	err     error
}

// New returns an engine, which is idle until it receives events.
func New(c Config) *Engine {
	e := &Engine{busy: newWaitingRoom(c.Places, c.Store.Leased), tools: tools{
		Config: c,
		sender: &send.Sender{Salesforce: c.Salesforce, Size: c.BatchSize, Now: c.Now},
		users:  newUsers(c.Monday, c.Salesforce, c.Now),
		size: promauto.With(c.Registerer).NewHistogram(prometheus.HistogramOpts{
			Name:    "crmsync_batch_items",
			Help:    "Items processed in one batch.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}),
		conflicts: promauto.With(c.Registerer).NewCounterVec(prometheus.CounterOpts{
			Name: "crmsync_conflicts_total",
			Help: "Changes that lost to a change of the same field on the other side, by the side that won.",
		}, []string{"winner"}),
		lag: promauto.With(c.Registerer).NewHistogramVec(prometheus.HistogramOpts{
			Name:    "crmsync_sync_lag_seconds",
			Help:    "Time from a change in one system until the other one has it, by direction.",
			Buckets: prometheus.ExponentialBuckets(0.025, 2, 16), // 25 ms to about 14 min
		}, []string{"direction"}),
	}}
	for _, winner := range []mapping.Side{mapping.Monday, mapping.Salesforce} {
		e.conflicts.WithLabelValues(string(winner)) // exports zero before the first one
	}
	for _, direction := range []string{toSalesforce, toMonday} {
		e.lag.WithLabelValues(direction)
	}
	e.batches = batch.New(batch.Config[*Event]{
		Max:         eventsPerItem * c.BatchSize,
		Keys:        c.BatchSize,
		Concurrency: c.Concurrency,
		Complete:    func() bool { return c.Places > 0 && e.present.Load() >= int64(c.Places) },
		// An item is in one batch at a time; its later events wait for the next.
		Key:    func(ev *Event) int64 { return ev.ItemID },
		Within: c.Timeout,
	}, e.run)
	promauto.With(c.Registerer).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "crmsync_batch_waiting_events",
		Help: "Events that a worker has taken from the queue and that wait for their batch.",
	}, func() float64 { return float64(e.batches.Waiting()) })
	return e
}

// eventsPerItem is the average number of events that a batch takes for each item. More than one, so that a busy item
// does not make the batches small.
const eventsPerItem = 5

// Do processes an event, together with others that arrive while it waits. It returns once the event's effect and its
// row in sync_logs are committed, or an error whose behavior says what to do: one with RetryAfter asks to come back
// after that time at no cost, a Permanent one dead-letters the event, and after any other the event is attempted
// again. The engine may keep reading the event after that.
func (e *Engine) Do(ctx context.Context, ev *Event) (Outcome, error) {
	e.present.Add(1)
	defer e.present.Add(-1)
	began := time.Now()
	if e.busy.awaits(ev.ItemID) {
		return e.await(ctx, ev, answer{Failed, &BusyError{What: theItem}}, began)
	}
	a, err := e.batches.Do(ctx, ev)
	if err != nil {
		return Failed, e.interruption(err)
	}
	if _, busy := errors.AsType[*BusyError](a.err); busy {
		return e.await(ctx, ev, a, began)
	}
	return a.outcome, a.err
}

// await processes an event again whenever what it found busy may be free, until it has waited too long.
func (e *Engine) await(ctx context.Context, ev *Event, a answer, began time.Time) (Outcome, error) {
	ctx, cancel := context.WithDeadline(ctx, began.Add(e.Timeout))
	defer cancel()
	for pause := busyFirst; ; pause = min(2*pause, busyMost) {
		busy, isBusy := errors.AsType[*BusyError](a.err)
		switch {
		case !isBusy:
			return a.outcome, a.err
		case busy.What == theItem && e.busy.wait(ctx, ev.ItemID, began):
		case busy.What != theItem && e.busy.pause(ctx, pause, began):
		default:
			return a.outcome, a.err
		}
		var err error
		if a, err = e.batches.Do(ctx, ev); err != nil {
			return Failed, e.interruption(err)
		}
	}
}

// manyEvents is a full batch by default.
const manyEvents = 200

// IsBusy reports whether many events are being processed, so that work that is not urgent should wait.
func (e *Engine) IsBusy() bool { return e.present.Load() > manyEvents }

// Close waits for the running batches; if ctx ends first, it interrupts them.
func (e *Engine) Close(ctx context.Context) error {
	e.busy.close()
	return e.batches.Close(ctx)
}

// interruption returns the error of an event whose caller stopped waiting for the batch. The event is not at fault;
// when it comes back, what was done is recognized as done.
func (e *Engine) interruption(err error) error {
	var panicked *panics.Error
	if errors.As(err, &panicked) {
		e.Log.Error("batch panicked", "error", err, "stack", string(panicked.Stack))
		return err
	}
	return fmt.Errorf("waiting for the batch: %w", &BusyError{What: theItem})
}
