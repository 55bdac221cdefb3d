package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"crmsync/internal/panics"
	"crmsync/mondayclient"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine"
)

const (
	// probeAfter is how long a system that is away is left alone before one call tries it again.
	probeAfter = 5 * time.Second

	// A system counts as away after some failures in a row, or after fewer that go on for a while.
	failuresInARow = 5
	failuresSlow   = 3
	failingFor     = 4 * time.Second

	// saysAway is the wait from which a system's own answer says that it is away: over quota for the day, or
	// refusing our login. Nothing needs to be counted then.
	saysAway = 30 * time.Second
)

// breaker keeps calls from a system that is away, and tells the store when that begins and ends.
type breaker struct {
	system  string
	store   *store.Store
	log     *slog.Logger
	circuit *gobreaker.CircuitBreaker[any]
	reports sync.WaitGroup

	failingSince atomic.Int64 // Unix nanoseconds of the first failure in a row; 0: none
	until        atomic.Int64 // Unix nanoseconds before which no call is made, as the system asked
	answered     atomic.Int64 // Unix nanoseconds of the last answer
	code         atomic.Pointer[string]
}

// awayError is a call that was not made because the system is away.
type awayError struct {
	system string
	wait   time.Duration
}

func (e *awayError) Error() string             { return e.system + " is away" }
func (e *awayError) RetryAfter() time.Duration { return e.wait }
func (e *awayError) Outage() bool              { return true }

func newBreaker(system string, s *store.Store, log *slog.Logger) *breaker {
	b := &breaker{system: system, store: s, log: log}
	b.circuit = gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		Name:          system,
		Timeout:       probeAfter,
		IsSuccessful:  func(err error) bool { return !away(err) },
		IsExcluded:    givenUp,
		ReadyToTrip:   b.trips,
		OnStateChange: b.changed,
	})
	return b
}

// through makes a call unless the system is away.
func through[T any](b *breaker, call func() (T, error)) (T, error) {
	var none T
	if wait := time.Until(time.Unix(0, b.until.Load())); wait > 0 {
		return none, &awayError{b.system, wait}
	}
	result, err := b.circuit.Execute(func() (any, error) {
		result, err := call()
		b.saw(err)
		return result, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return none, &awayError{b.system, probeAfter}
	}
	typed, _ := result.(T)
	return typed, err
}

// givenUp reports a call that was stopped from here: it says nothing of the system.
func givenUp(err error) bool { return errors.Is(err, context.Canceled) }

// saw takes note of an answer before the circuit counts it.
func (b *breaker) saw(err error) {
	if givenUp(err) {
		return
	}
	if !away(err) {
		b.failingSince.Store(0)
		b.answered.Store(time.Now().UnixNano())
		return
	}
	b.failingSince.CompareAndSwap(0, time.Now().UnixNano())
	code := describe(err).Code
	b.code.Store(&code)
	var waits interface{ RetryAfter() time.Duration }
	if errors.As(err, &waits) && waits.RetryAfter() >= saysAway {
		b.until.Store(time.Now().Add(waits.RetryAfter()).UnixNano())
	}
}

func (b *breaker) trips(counts gobreaker.Counts) bool {
	failing := time.Since(time.Unix(0, b.failingSince.Load()))
	return counts.ConsecutiveFailures >= failuresInARow ||
		counts.ConsecutiveFailures >= failuresSlow && failing >= failingFor ||
		time.Now().UnixNano() < b.until.Load()
}

// changed tells the store, apart from the call that brought the change about.
func (b *breaker) changed(_ string, from, to gobreaker.State) {
	b.reports.Go(func() {
		if err := panics.Catch(func() error { return b.report(from, to) }); err != nil {
			b.log.Error("could not store the state of a system", "system", b.system, "error", err)
		}
	})
}

func (b *breaker) report(from, to gobreaker.State) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	switch {
	case to == gobreaker.StateOpen && from == gobreaker.StateClosed:
		b.log.Warn("system is away", "system", b.system, "code", *b.code.Load())
		return b.store.StartOutage(ctx, b.system, *b.code.Load())
	case to == gobreaker.StateOpen:
		return b.store.SeeOutage(ctx, b.system)
	case to == gobreaker.StateClosed:
		b.log.Info("system is back", "system", b.system)
		return b.store.EndOutage(ctx, b.system, time.Now())
	}
	return nil
}

// settle ends an outage that nobody else will: the system has answered this worker since it was last seen away, and the
// worker that saw it has had no cause to ask again, or is gone.
func (b *breaker) settle(ctx context.Context) error {
	if b.circuit.State() != gobreaker.StateClosed || b.answered.Load() == 0 {
		return nil
	}
	quiet := time.Unix(0, min(b.answered.Load(), time.Now().Add(-4*probeAfter).UnixNano()))
	if err := b.store.EndOutage(ctx, b.system, quiet); err != nil {
		return fmt.Errorf("settling an outage of %s: %w", b.system, err)
	}
	return nil
}

// guardedSalesforce is Salesforce behind its breaker.
type guardedSalesforce struct {
	engine.Salesforce
	b *breaker
}

func (g guardedSalesforce) Create(ctx context.Context, object string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	return through(g.b, func() ([]sfclient.Result, error) { return g.Salesforce.Create(ctx, object, records, options) })
}

func (g guardedSalesforce) Update(ctx context.Context, object string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	return through(g.b, func() ([]sfclient.Result, error) { return g.Salesforce.Update(ctx, object, records, options) })
}

func (g guardedSalesforce) Upsert(ctx context.Context, object, key string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	return through(g.b, func() ([]sfclient.Result, error) { return g.Salesforce.Upsert(ctx, object, key, records, options) })
}

func (g guardedSalesforce) Delete(ctx context.Context, ids []string) ([]sfclient.Result, error) {
	return through(g.b, func() ([]sfclient.Result, error) { return g.Salesforce.Delete(ctx, ids) })
}

func (g guardedSalesforce) Select(ctx context.Context, soql string) ([]sfclient.Record, error) {
	return through(g.b, func() ([]sfclient.Record, error) { return g.Salesforce.Select(ctx, soql) })
}

// guardedMonday is Monday behind its breaker.
type guardedMonday struct {
	engine.Monday
	b *breaker
}

func (g guardedMonday) Items(ctx context.Context, ids []int64, columns []string) ([]mondayclient.Item, error) {
	return through(g.b, func() ([]mondayclient.Item, error) { return g.Monday.Items(ctx, ids, columns) })
}

func (g guardedMonday) Write(ctx context.Context, writes []mondayclient.Write) ([]error, error) {
	return through(g.b, func() ([]error, error) { return g.Monday.Write(ctx, writes) })
}

func (g guardedMonday) UserEmails(ctx context.Context, ids []int64) (map[int64]string, error) {
	return through(g.b, func() (map[int64]string, error) { return g.Monday.UserEmails(ctx, ids) })
}
