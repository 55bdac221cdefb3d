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

const (
	// attempts of a call, or of a record in it, that fails for a reason that may pass.
	attempts = 6

	// firstWait is the pause after the first failed attempt. It doubles with each further one.
	firstWait = 200 * time.Millisecond

	// concurrency is the most calls to Monday that a session has under way; the smallest account may have 40.
	concurrency = 4

	// lookupSize is the most items that Monday is asked about in one call.
	lookupSize = 100
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
	holder    uuid.UUID // of its leases
	until     time.Time // no page begins after this
	deadline  time.Time // all has ended by then
	stopping  *atomic.Bool

	calls      *semaphore.Weighted // to Monday that are under way
	progressed atomic.Bool         // it did something that no later session has to do again
	noticed    atomic.Int64        // Unix nanoseconds of the last notice that it waits
}

// mayBegin reports whether another page may begin.
func (s *session) mayBegin() bool { return time.Now().Before(s.until) && !s.stopping.Load() }

// pause waits, unless the session would be over by then. It reports whether it waited.
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

// repeat makes a call until it succeeds, its error says that repeating it has no point, or the session is over.
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

// inParallel makes a call to Monday for each part. The answers stand in the order of the parts.
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

// turn waits until the session may have one more call to Monday under way. The call ends with done.
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

// awaitBudget waits until more than the reserve of Monday's budget is left, at the latest when its minute is over.
func (s *session) awaitBudget(ctx context.Context) error {
	err := s.config.Reserve.CheckMonday()
	if err == nil {
		return nil
	}
	wait := retry.After(err)
	s.notice(err.Error(), wait)
	if !s.pause(ctx, wait) {
		return err
	}
	return nil
}

// notice logs that the session waits, and why; not more often than every ten seconds.
func (s *session) notice(reason string, wait time.Duration) {
	last, now := s.noticed.Load(), time.Now().UnixNano()
	if now-last < int64(10*time.Second) || !s.noticed.CompareAndSwap(last, now) {
		return
	}
	s.config.Log.Info("migration waits",
		"board", s.job.BoardID, "job", s.job.ID, "reason", reason, "wait", wait.Round(time.Millisecond))
}
