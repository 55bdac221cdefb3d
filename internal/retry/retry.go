// Package retry says what an error means for the next attempt. It goes by what the error can do, and not by whose it is: an
// error with RetryAfter asks to wait, one that is Permanent comes back in the same way, one that is an Outage says that a whole
// system is of no use for a while.
package retry

import (
	"errors"
	"time"
)

// After returns how long err asks to wait before the next attempt; 0 where it asks for nothing.
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

// Outage reports whether a system is unreachable, over quota, or refuses our login.
func Outage(err error) bool {
	var o interface{ Outage() bool }
	return errors.As(err, &o) && o.Outage()
}

// BusyError is work on something that another worker has at the moment. It costs no attempt.
type BusyError struct{ What string }

func (e *BusyError) Error() string { return e.What + " is with another worker" }

// RetryAfter is about how long another worker may take.
func (e *BusyError) RetryAfter() time.Duration { return time.Second }
