// Package retry decides what an error means for the next attempt. It looks at an error's behavior, not at its type:
// an error with RetryAfter asks to wait, a Permanent one occurs again in the same way, and an Outage means that a
// whole system is unavailable for a while.
package retry

import (
	"errors"
	"time"
)

// After returns how long err asks to wait before the next attempt, or 0.
func After(err error) time.Duration {
	var waits interface{ RetryAfter() time.Duration }
	if errors.As(err, &waits) {
		return max(waits.RetryAfter(), 0)
	}
	return 0
}

// Permanent reports whether the next attempt would fail in the same way.
func Permanent(err error) bool {
	var p interface{ Permanent() bool }
	return errors.As(err, &p) && p.Permanent()
}

// Outage reports whether a system is unreachable, over quota, or rejects our login.
func Outage(err error) bool {
	var o interface{ Outage() bool }
	return errors.As(err, &o) && o.Outage()
}

// BusyError means that another worker is working on something. It does not count as an attempt.
type BusyError struct{ What string }

func (e *BusyError) Error() string { return "another worker is working on " + e.What }

// RetryAfter is about the time that another worker may take.
func (e *BusyError) RetryAfter() time.Duration { return time.Second }
