package migration

import (
	"errors"
	"fmt"
	"time"

	"crmsync/mondayclient"
)

// BusyError says that a migration has to wait for its turn.
type BusyError struct{ What string }

func (e *BusyError) Error() string { return e.What + " is with another worker" }

// RetryAfter is when to come back.
func (e *BusyError) RetryAfter() time.Duration { return time.Second }

// HoldError says that what Monday allows until its minute is over is left to live events.
type HoldError struct{ Wait time.Duration }

func (e *HoldError) Error() string { return "monday's budget of the minute is left to live events" }

// RetryAfter is the time until the minute is over.
func (e *HoldError) RetryAfter() time.Duration { return e.Wait }

// ErasedError says that a call whose answer is not known cannot be repeated, since its values were erased. What it made is
// looked up as soon as Monday is sure to find it.
type ErasedError struct{ Wait time.Duration }

func (e *ErasedError) Error() string {
	return "a call whose values were erased: what it made can be looked up later"
}

// RetryAfter is the time until then.
func (e *ErasedError) RetryAfter() time.Duration { return e.Wait }

// UnmappedError says that the mapping has no migration for a board.
type UnmappedError struct{ BoardID int64 }

func (e *UnmappedError) Error() string {
	return fmt.Sprintf("the mapping has no migration for board %d", e.BoardID)
}

// Permanent says that there is no point in trying again.
func (e *UnmappedError) Permanent() bool { return true }

// RowError is a record that Salesforce did not take.
type RowError struct{ Object, Code string }

func (e *RowError) Error() string { return e.Object + ": " + e.Code }

func retryAfter(err error) time.Duration {
	var waits interface{ RetryAfter() time.Duration }
	if errors.As(err, &waits) {
		return waits.RetryAfter()
	}
	return 0
}

func permanent(err error) bool {
	var p interface{ Permanent() bool }
	return errors.As(err, &p) && p.Permanent()
}

// codeOf is the code that the system which refused something gave.
func codeOf(err error) string {
	var row *RowError
	var monday *mondayclient.Error
	switch {
	case errors.As(err, &row):
		return row.Code
	case errors.As(err, &monday) && monday.Code != "":
		return monday.Code
	}
	return "REFUSED"
}
