package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"crmsync/internal/retry"
	"crmsync/mondayclient"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

const (
	// An unavailable part of a system is probed by one call that needs it, after a wait that doubles up to a limit:
	// each probe uses one of the day's calls.
	partWait    = probeAfter
	partLongest = 5 * time.Minute

	// partForgotten is how long after a worker last saw the outage of a part it counts as over.
	partForgotten = 3 * partLongest
)

// parts are the parts of a system that are away while the rest of it answers: a board that our token cannot see, an
// object that the integration user cannot see, or the storage for new records. Each is named by the scope of the calls
// that need it.
type parts struct {
	mu   sync.Mutex
	open map[string]*part
}

type part struct {
	wait time.Duration
	next time.Time // time from which one call may probe it
}

// partError is the error of a call that failed, or was not sent, because of one of its scopes. Calls without that scope
// succeed.
type partError struct {
	system string
	scopes []string
	wait   time.Duration
	err    error // nil: the call was not sent
}

func (e *partError) Error() string {
	text := e.WaitsFor() + " is away"
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

func (e *partError) Unwrap() error             { return e.err }
func (e *partError) RetryAfter() time.Duration { return e.wait }
func (e *partError) Outage() bool              { return true }
func (e *partError) Permanent() bool           { return false }

// Divisible reports whether the call had several scopes: sent for each of them separately, it may succeed for some.
func (e *partError) Divisible() bool { return len(e.scopes) > 1 }

// WaitsFor returns the outage whose end the call waits for.
func (e *partError) WaitsFor() string { return store.OutageKey(e.system, strings.Join(e.scopes, ", ")) }

// refuse rejects a call that needs parts that are away. The first call after a part's wait is allowed.
func (b *breaker) refuse(scopes []string) error {
	b.parts.mu.Lock()
	defer b.parts.mu.Unlock()
	now := time.Now()
	var due []*part
	for _, scope := range scopes {
		p := b.parts.open[scope]
		if p == nil {
			continue
		}
		if wait := p.next.Sub(now); wait > 0 || len(scopes) > 1 {
			return &partError{system: b.system, scopes: scopes, wait: max(wait, time.Second)}
		}
		due = append(due, p)
	}
	for _, p := range due {
		p.next = now.Add(p.wait)
	}
	return nil
}

// isPartial reports whether a call failed because of one of its scopes. If the error does not show that, it probes
// the system to see whether the login works.
func (b *breaker) isPartial(scopes []string, err error) bool {
	if err == nil || len(scopes) == 0 {
		return false
	}
	var known interface{ Scoped() bool }
	if errors.As(err, &known) {
		return known.Scoped()
	}
	var asked interface{ IsAccessDenied() bool }
	if !retry.Outage(err) || !errors.As(err, &asked) || !asked.IsAccessDenied() {
		return false
	}
	ctx, cancel := context.WithTimeout(b.stopping, probing)
	defer cancel()
	probed := b.probe(ctx)
	return !retry.Outage(probed) && !stoppedHere(probed)
}

// partAway records that a part is away, if the call shows which one.
func (b *breaker) partAway(scopes []string, err error) error {
	failed := &partError{system: b.system, scopes: scopes, wait: partWait, err: err}
	if len(scopes) > 1 {
		failed.wait = time.Second // the caller repeats the call for each of them
		return failed
	}
	b.parts.mu.Lock()
	defer b.parts.mu.Unlock()
	p := b.parts.open[scopes[0]]
	if p == nil {
		p = &part{wait: partWait}
		b.parts.open[scopes[0]] = p
		b.log.Warn("part of a system is away", "system", b.system, "part", scopes[0], "code", describe(err).Code)
	} else {
		p.wait = min(2*p.wait, partLongest)
	}
	p.next = time.Now().Add(p.wait)
	failed.wait = p.wait
	key, code := failed.WaitsFor(), describe(err).Code
	b.report(func(ctx context.Context) error { return b.store.StartOutage(ctx, key, code) })
	return failed
}

// partsBack records a successful call: none of its scopes is away.
func (b *breaker) partsBack(scopes []string) {
	b.parts.mu.Lock()
	defer b.parts.mu.Unlock()
	for _, scope := range scopes {
		if b.parts.open[scope] == nil {
			continue
		}
		delete(b.parts.open, scope)
		b.log.Info("part of a system is back", "system", b.system, "part", scope)
		key := store.OutageKey(b.system, scope)
		b.report(func(ctx context.Context) error { return b.recordEnd(ctx, key) })
	}
}

// settleParts ends the outages of parts that no worker has seen for a long time.
func (b *breaker) settleParts(ctx context.Context) error {
	outages, err := b.store.OpenOutages(ctx)
	if err != nil {
		return err
	}
	for _, o := range outages {
		if o.System != b.system || o.Part == "" || b.isOpen(o.Part) {
			continue
		}
		if err := b.store.EndOutage(ctx, store.OutageKey(o.System, o.Part), time.Now().Add(-partForgotten)); err != nil {
			return fmt.Errorf("settling an outage of %s: %w", o.Part, err)
		}
	}
	return nil
}

func (b *breaker) isOpen(part string) bool {
	b.parts.mu.Lock()
	defer b.parts.mu.Unlock()
	return b.parts.open[part] != nil
}

// waitsFor returns the outage whose end an error says to wait for, or "".
func waitsFor(err error) string {
	var waits interface{ WaitsFor() string }
	if errors.As(err, &waits) {
		return waits.WaitsFor()
	}
	salesforce, ok := errors.AsType[*sfclient.Error](err)
	switch {
	case ok && salesforce.Class() == sfclient.StorageFull:
		return store.OutageKey("salesforce", sfclient.ScopeCreation)
	case !retry.Outage(err):
		return ""
	case ok:
		return "salesforce"
	}
	if _, ok := errors.AsType[*mondayclient.Error](err); ok {
		return "monday"
	}
	return ""
}
