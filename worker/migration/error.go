package migration

import (
	"errors"
	"fmt"
	"time"

	"crmsync/mondayclient"
)

// BudgetError says that what Monday allows until its minute is over is left to live events.
type BudgetError struct{ Wait time.Duration }

func (e *BudgetError) Error() string { return "monday's budget of the minute is left to live events" }

// RetryAfter is the time until the minute is over.
func (e *BudgetError) RetryAfter() time.Duration { return e.Wait }

// ErasedError says that a call whose answer was lost cannot be repeated, since its values were erased. What it created
// is looked up as soon as Monday is sure to find it.
type ErasedError struct{ Wait time.Duration }

func (e *ErasedError) Error() string {
	return "the values of an unanswered call were erased: the items it may have created can be looked up later"
}

// RetryAfter is the time until then.
func (e *ErasedError) RetryAfter() time.Duration { return e.Wait }

// UnmappedError says that the mapping has no migration for a board. Another process may have a newer mapping, and take
// the job.
type UnmappedError struct {
	BoardID int64
	Final   bool // no other process took it
}

func (e *UnmappedError) Error() string {
	return fmt.Sprintf("the mapping of this process has no migration for board %d: start it again with the newer mapping",
		e.BoardID)
}

// RetryAfter is when another process should have had the chance to take the job.
func (e *UnmappedError) RetryAfter() time.Duration {
	if e.Final {
		return 0
	}
	return time.Second
}

// Permanent reports that another attempt fails in the same way.
func (e *UnmappedError) Permanent() bool { return e.Final }

// BoardError says that a board lacks something that every item of a migration needs.
type BoardError struct {
	Board   string // its name in the mapping
	BoardID int64
	What    string // such as `group "imported"`
	For     string // what it is needed for
}

func (e *BoardError) Error() string {
	return fmt.Sprintf("board %s (%d) has no %s, %s: correct the board or the mapping", e.Board, e.BoardID, e.What, e.For)
}

// Permanent reports that another attempt fails in the same way.
func (e *BoardError) Permanent() bool { return true }

// PageError says that all records of a page failed for one reason, so that those after it would fail too.
type PageError struct {
	Records int
	Cause   error
}

func (e *PageError) Error() string {
	return fmt.Sprintf("all %d records of a page that needed an item or a change failed for the same reason: %v",
		e.Records, e.Cause)
}

// Permanent reports that another attempt fails in the same way.
func (e *PageError) Permanent() bool { return true }

// recordError is a record that Salesforce did not take.
type recordError struct{ object, code string }

func (e *recordError) Error() string { return e.object + ": " + e.code }

// codeOf returns the code of the system that refused something.
func codeOf(err error) string {
	if e, ok := errors.AsType[*recordError](err); ok {
		return e.code
	}
	if e, ok := errors.AsType[*mondayclient.Error](err); ok && e.Code != "" {
		return e.Code
	}
	return "REFUSED"
}

// columnOf returns the column whose value Monday refuses, where it names one; ok reports that a value is refused at
// all.
func columnOf(err error) (id string, ok bool) {
	e, is := errors.AsType[*mondayclient.Error](err)
	if !is || !e.RejectsValue() {
		return "", false
	}
	return e.Column, true
}
