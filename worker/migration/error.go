package migration

import (
	"errors"
	"fmt"
	"time"

	"crmsync/internal/advice"
	"crmsync/mondayclient"
)

// ErasedError means that a call whose answer was lost cannot be repeated, since its values were erased. What it created
// is looked up as soon as Monday is sure to find it.
type ErasedError struct{ Wait time.Duration }

func (e *ErasedError) Error() string {
	return "the values of an unanswered call were erased: the items it may have created can be looked up later"
}

// RetryAfter returns the time until then.
func (e *ErasedError) RetryAfter() time.Duration { return e.Wait }

// UnmappedError means that the mapping has no migration for a board. Another process may have a newer mapping and take
// the job.
type UnmappedError struct {
	BoardID int64
	Final   bool // no other process has taken it
}

func (e *UnmappedError) Error() string {
	return fmt.Sprintf("the mapping of this process has no migration for board %d: restart it with the newer mapping",
		e.BoardID)
}

// RetryAfter returns the time within which another process should have had a chance to take the job.
func (e *UnmappedError) RetryAfter() time.Duration {
	if e.Final {
		return 0
	}
	return time.Second
}

// Permanent reports that another attempt would fail in the same way.
func (e *UnmappedError) Permanent() bool { return e.Final }

// BoardError means that a board lacks something that every item of a migration needs.
type BoardError struct {
	Board   string // its name in the mapping
	BoardID int64
	What    string // such as `group "imported"`
	For     string // what it is needed for
}

func (e *BoardError) Error() string {
	return fmt.Sprintf("board %s (%d) has no %s, %s: correct the board or the mapping", e.Board, e.BoardID, e.What, e.For)
}

// Permanent reports that another attempt would fail in the same way.
func (e *BoardError) Permanent() bool { return true }

// PageError means that all records of a page failed for one reason, so that the records after it would fail too.
type PageError struct {
	Records int
	Cause   error
}

func (e *PageError) Error() string {
	return fmt.Sprintf("all %d records of a page that needed an item or a change failed for the same reason: %v",
		e.Records, e.Cause)
}

// Permanent reports that another attempt would fail in the same way.
func (e *PageError) Permanent() bool { return true }

// recordError is the error of a record that Salesforce did not accept.
type recordError struct{ object, code string }

func (e *recordError) Error() string { return e.object + ": " + e.code }

// codeOf returns the error code of the rejecting system.
func codeOf(err error) string {
	if e, ok := errors.AsType[*recordError](err); ok {
		return e.code
	}
	if e, ok := errors.AsType[*mondayclient.Error](err); ok && e.Code != "" {
		return e.Code
	}
	return advice.Refused
}

// columnOf returns the column whose value Monday rejects, if it names one; ok reports whether it rejects a value at
// all.
func columnOf(err error) (id string, ok bool) {
	e, is := errors.AsType[*mondayclient.Error](err)
	if !is || !e.RejectsValue() {
		return "", false
	}
	return e.Column, true
}
