package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"crmsync/internal/panics"
	"crmsync/internal/retry"
	"crmsync/schema/queue"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

const (
	// probeAfter is how long an unavailable system is left alone before a probe.
	probeAfter = 5 * time.Second

	// probing limits how long a probe may take.
	probing = 10 * time.Second

	// hangingAfter is how long a call may go unanswered before the system is probed: a large call may take long, but a
	// system that accepts calls and answers none is away. It is also how long such a probe may take.
	hangingAfter = 5 * time.Second

	// A system is considered away after several consecutive failures, or after fewer that continue for a while.
	failuresInARow = 5
	failuresSlow   = 3
	failingFor     = 4 * time.Second

	// saysAway is the wait from which a system's own answer means that it is away: over quota for the day, or
	// rejecting our login. No failures need to be counted then.
	saysAway = 30 * time.Second

	// reporting limits how long Postgres may take to record what a breaker has seen.
	reporting = 10 * time.Second

	// wokenFirst is how many waiting jobs are brought forward to find out whether a system that answers a probe works
	// again: as many as fill a batch.
	wokenFirst = 200
)

// breaker prevents calls to a system, or a part of it, that is away, and records in the store when an outage begins
// and ends. Calls pass through its guard.
//
// While the system is away, only probes are sent: an event's own call may fail for other reasons. After a successful
// probe calls are allowed again, and the first successful one ends the outage.
type breaker struct {
	system  string
	probe   func(ctx context.Context) error // succeeds whenever the system accepts our login
	store   *store.Store
	queue   *queue.Queue
	log     *slog.Logger
	circuit *gobreaker.CircuitBreaker[struct{}]
	parts   parts

	stopping context.Context //nolint:containedctx // of the probes, which no caller waits for
	stop     context.CancelFunc
	reports  sync.WaitGroup

	failingSince atomic.Int64 // Unix nanoseconds of the first consecutive failure; 0: none
	until        atomic.Int64 // Unix nanoseconds before which no call is sent, as requested by the system
	answered     atomic.Int64 // Unix nanoseconds of the last answer to a call
	recovering   atomic.Bool  // a probe has succeeded, and no call yet
	hanging      atomic.Int64 // calls that have gone unanswered for long
	doubted      atomic.Bool  // the system is being probed because of them
	code         atomic.Pointer[string]
}

// awayError is the error of a call that was not sent because the system, or a part of it, is away.
type awayError struct {
	key  string // of the outage
	wait time.Duration
}

func (e *awayError) Error() string             { return e.key + " is away" }
func (e *awayError) RetryAfter() time.Duration { return e.wait }
func (e *awayError) Outage() bool              { return true }

// WaitsFor returns the outage whose end the call waits for.
func (e *awayError) WaitsFor() string { return e.key }

func newBreaker(system string, probe func(ctx context.Context) error, s *store.Store, q *queue.Queue,
	log *slog.Logger) *breaker {
	b := &breaker{system: system, probe: probe, store: s, queue: q, log: log, parts: parts{open: map[string]*part{}}}
	b.stopping, b.stop = context.WithCancel(context.Background())
	b.circuit = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:          system,
		Timeout:       time.Millisecond, // probes have their own schedule
		IsSuccessful:  func(err error) bool { return !retry.Outage(err) },
		IsExcluded:    stoppedHere,
		ReadyToTrip:   b.trips,
		OnStateChange: b.onStateChange,
	})
	return b
}

// close stops the probes, and waits until everything seen has been recorded.
func (b *breaker) close() {
	b.stop()
	b.reports.Wait()
}

// guard sends a call unless the system, or a part that the call needs, is away. It is an sfclient.Guard and a
// mondayclient.Guard.
func (b *breaker) guard(scopes []string, call func() error) error {
	if wait := time.Until(time.Unix(0, b.until.Load())); wait > 0 {
		return &awayError{b.system, wait}
	}
	if b.circuit.State() != gobreaker.StateClosed {
		return &awayError{b.system, probeAfter}
	}
	if err := b.refuse(scopes); err != nil {
		return err
	}
	var partial error
	_, err := b.circuit.Execute(func() (struct{}, error) {
		err := b.watch(call)
		switch {
		case b.isPartial(scopes, err):
			partial, err = b.partAway(scopes, err), nil
		case err == nil, !stoppedHere(err) && !retry.Outage(err) && !slices.Contains(scopes, sfclient.ScopeCreation):
			b.partsBack(scopes) // only a successful create shows that there is storage again
		}
		b.observe(err)
		return struct{}{}, err
	})
	switch {
	case partial != nil:
		return partial
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		return &awayError{b.system, probeAfter}
	}
	return err
}

// watch sends a call, and has the system probed while the call goes unanswered for long.
func (b *breaker) watch(call func() error) error {
	timer := time.AfterFunc(hangingAfter, func() {
		b.hanging.Add(1)
		b.reports.Go(func() { _ = panics.Catch(b.probeHanging) })
	})
	defer func() {
		if !timer.Stop() {
			b.hanging.Add(-1)
		}
	}()
	return call()
}

// probeHanging probes the system while calls go unanswered, unless it is already being probed.
func (b *breaker) probeHanging() (err error) {
	for b.hanging.Load() > 0 && b.doubted.CompareAndSwap(false, true) {
		err = b.probeWhileHanging()
		if b.circuit.State() != gobreaker.StateClosed || b.stopping.Err() != nil {
			break
		}
	}
	return err
}

// probeWhileHanging probes the system while calls go unanswered, until it is known to be away. A probe that is not
// answered either counts as a failed call. While probes are answered, they become rarer.
func (b *breaker) probeWhileHanging() error {
	defer b.doubted.Store(false)
	for wait := time.Duration(0); b.hanging.Load() > 0 && b.circuit.State() == gobreaker.StateClosed; {
		select {
		case <-b.stopping.Done():
			return nil
		case <-time.After(wait):
		}
		_, err := b.circuit.Execute(func() (struct{}, error) { return struct{}{}, b.ask(hangingAfter) })
		if wait = 0; !retry.Outage(err) {
			b.failingSince.Store(0)
			wait = 4 * probeAfter
		}
	}
	return nil
}

// stoppedHere reports whether this process stopped the call, which says nothing about the system.
func stoppedHere(err error) bool { return errors.Is(err, context.Canceled) }

// observe records the result of a call, before the circuit counts it.
func (b *breaker) observe(err error) {
	if stoppedHere(err) {
		return
	}
	if !retry.Outage(err) {
		b.failingSince.Store(0)
		b.answered.Store(time.Now().UnixNano())
		if b.recovering.CompareAndSwap(true, false) {
			b.report(b.back)
		}
		return
	}
	b.note(err)
}

// note records a failure, for the report and for the time of the next probe.
func (b *breaker) note(err error) {
	b.failingSince.CompareAndSwap(0, time.Now().UnixNano())
	code := describe(err).Code
	b.code.Store(&code)
	if wait := retry.After(err); wait >= saysAway {
		b.until.Store(time.Now().Add(wait).UnixNano())
	}
}

func (b *breaker) trips(counts gobreaker.Counts) bool {
	failing := time.Since(time.Unix(0, b.failingSince.Load()))
	return counts.ConsecutiveFailures >= failuresInARow ||
		counts.ConsecutiveFailures >= failuresSlow && failing >= failingFor ||
		time.Now().UnixNano() < b.until.Load()
}

// onStateChange starts probing a system that went away.
func (b *breaker) onStateChange(_ string, from, to gobreaker.State) {
	if to != gobreaker.StateOpen || from != gobreaker.StateClosed {
		return
	}
	b.recovering.Store(false)
	code := *b.code.Load()
	b.log.Warn("system is away", "system", b.system, "code", code)
	b.report(func(ctx context.Context) error { return b.store.StartOutage(ctx, b.system, code) })
	b.reports.Go(func() {
		for panics.Catch(b.probeUntilBack) != nil { // after a panic, or the system would never be probed again
		}
	})
}

// probeUntilBack probes the system until it answers.
func (b *breaker) probeUntilBack() error {
	for {
		wait := max(probeAfter, time.Until(time.Unix(0, b.until.Load())))
		select {
		case <-b.stopping.Done():
			return nil
		case <-time.After(wait):
		}
		_, err := b.circuit.Execute(func() (struct{}, error) { return struct{}{}, b.ask(probing) })
		if b.circuit.State() == gobreaker.StateClosed {
			b.recovering.Store(true)
			b.report(b.wakeFirst)
			return nil
		}
		if retry.Outage(err) {
			b.report(func(ctx context.Context) error { return b.store.SeeOutage(ctx, b.system) })
		}
	}
}

// ask sends one probe.
func (b *breaker) ask(within time.Duration) error {
	ctx, cancel := context.WithTimeout(b.stopping, within)
	defer cancel()
	err := b.probe(ctx)
	if retry.Outage(err) {
		b.note(err)
	}
	return err
}

// wakeFirst brings some of the waiting jobs forward: their calls show whether the system works again.
func (b *breaker) wakeFirst(ctx context.Context) error {
	_, err := b.queue.Wake(ctx, b.system, wokenFirst)
	return err
}

// back ends the outage.
func (b *breaker) back(ctx context.Context) error {
	b.log.Info("system is back", "system", b.system)
	return b.recordEnd(ctx, b.system)
}

// recordEnd records the end of an outage, and brings forward the jobs that wait for it.
func (b *breaker) recordEnd(ctx context.Context, key string) error {
	if err := b.store.EndOutage(ctx, key, time.Now()); err != nil {
		return err
	}
	return b.queue.WakeEnded(ctx)
}

// report records something independently of the call that caused it.
func (b *breaker) report(what func(ctx context.Context) error) {
	b.reports.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), reporting)
		defer cancel()
		if err := panics.Catch(func() error { return what(ctx) }); err != nil {
			b.log.Error("could not record the state of a system", "system", b.system, "error", err)
		}
	})
}

// settle ends outages that no worker will end: the system has answered this worker since the outage was last seen,
// and the worker that saw it has not called again, or is gone.
func (b *breaker) settle(ctx context.Context) error {
	if b.circuit.State() != gobreaker.StateClosed || b.answered.Load() == 0 {
		return nil
	}
	quiet := time.Unix(0, min(b.answered.Load(), time.Now().Add(-4*probeAfter).UnixNano()))
	if err := b.store.EndOutage(ctx, b.system, quiet); err != nil {
		return fmt.Errorf("settling an outage of %s: %w", b.system, err)
	}
	return b.settleParts(ctx)
}
