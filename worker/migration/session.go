package migration

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"crmsync/internal/panics"
	"crmsync/internal/retry"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/engine/send"
)

// session is a limited time of work on a run.
type session struct {
	config    *Config
	sender    *send.Sender
	job       Job
	migration *mapping.Migration
	board     board
	run       *store.Run
	backlog   backlog
	clashes   map[clash]bool                     // found so far
	begin     func(context.Context, *page) error // what to do with a prepared page
	finish    func(context.Context, *page) error // and after that, in the order of the pages
	holder    uuid.UUID                          // of its leases
	until     time.Time                          // no page starts after this
	deadline  time.Time                          // end of all work
	stopping  *atomic.Bool

	calls      *semaphore.Weighted // concurrent calls to Monday
	progressed atomic.Bool         // it did something that no later session has to repeat
	noticed    atomic.Int64        // Unix nanoseconds of the last log line about waiting
}

// clash is a value of Salesforce that Monday does not take, because the column changed, too.
type clash struct {
	salesforceID, field string
	value               any
}

// mayBegin reports whether another page may start.
func (s *session) mayBegin() bool { return time.Now().Before(s.until) && !s.stopping.Load() }

// pause waits, unless the session would end first. It reports whether it waited.
func (s *session) pause(ctx context.Context, d time.Duration) bool {
	if time.Until(s.deadline) < d+d/2 {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// repeat repeats a call until it succeeds, its error is not transient, or the session is over.
func repeat[T any](ctx context.Context, s *session, what string, call func() (T, error)) (answer T, err error) {
	wait := firstWait
	for n := range attempts {
		if answer, err = call(); err == nil {
			return answer, nil
		}
		if retry.Permanent(err) || errors.Is(err, context.Canceled) || n == attempts-1 {
			break
		}
		if !s.pause(ctx, max(retry.After(err), wait)) {
			break
		}
		wait *= 2
	}
	return answer, fmt.Errorf("%s: %w", what, err)
}

// inParallel calls Monday for each part. The answers are in the order of the parts.
func inParallel[P, A any](ctx context.Context, s *session, parts []P, call func(P) (A, error)) ([]A, error) {
	answers := make([]A, len(parts))
	var calls panics.Group
	for n, part := range parts {
		calls.Go(func() error {
			done, err := s.turn(ctx)
			if err != nil {
				return err
			}
			defer done()
			answers[n], err = repeat(ctx, s, "asking monday", func() (A, error) { return call(part) })
			return err
		})
	}
	return answers, calls.Wait()
}

// turn waits until the session may start one more call to Monday. done must be called when the call ends.
func (s *session) turn(ctx context.Context) (done func(), err error) {
	if err := s.calls.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	if err := s.awaitBudget(ctx); err != nil {
		s.calls.Release(1)
		return nil, err
	}
	return func() { s.calls.Release(1) }, nil
}

// awaitBudget waits until more than the reserve of Monday's budget is left, at most until its minute is over.
func (s *session) awaitBudget(ctx context.Context) error {
	err := s.config.Reserve.CheckMonday()
	if err == nil {
		return nil
	}
	wait := retry.After(err)
	s.notice(ctx, err.Error(), wait)
	if !s.pause(ctx, wait) {
		return err
	}
	return nil
}

// notice logs and stores that the session is waiting, and why, at most every ten seconds.
func (s *session) notice(ctx context.Context, reason string, wait time.Duration) {
	last, now := s.noticed.Load(), time.Now().UnixNano()
	if now-last < int64(10*time.Second) || !s.noticed.CompareAndSwap(last, now) {
		return
	}
	s.config.Log.Info("migration waiting",
		"board", s.job.BoardID, "job", s.job.ID, "reason", reason, "wait", wait.Round(time.Millisecond))
	if err := s.config.Store.ImportWaits(ctx, s.job.ID, reason, wait); err != nil {
		s.config.Log.Warn("could not store why a migration waits", "job", s.job.ID, "error", err)
	}
}
