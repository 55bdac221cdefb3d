package engine

import (
	"errors"
	"fmt"
	"strings"

	"crmsync/internal/retry"
	"crmsync/worker/engine/send"
)

// BusyError says that another worker has the item, or the value that it is matched by: come back soon.
type BusyError = retry.BusyError

// theItem is what another worker has in most cases.
const theItem = "the item"

// RefusedError is a part of an event that Salesforce or Monday will not take, or that the mapping has no value for. The
// event becomes a dead letter; the rest of it went through.
type RefusedError struct {
	Object       string
	SalesforceID string // empty where there is no record yet
	Field        string // empty where the record as a whole was refused
	Code         string
	Detail       string // what the mapping says; no customer's value
}

func (e *RefusedError) Error() string {
	what := e.Object
	if e.Field != "" {
		what += "." + e.Field
	}
	if e.Detail != "" {
		return fmt.Sprintf("%s: %s: %s", what, e.Code, strings.TrimPrefix(e.Detail, e.Code+": "))
	}
	return fmt.Sprintf("%s: %s", what, e.Code)
}

// Permanent reports that another attempt of the event would fail, too.
func (e *RefusedError) Permanent() bool { return true }

// RowError is a row that failed for a reason that passes, such as a lock.
type RowError = send.RowError

// AwayError is an item whose board Monday does not show, or on which it no longer is: a token may lose a board for a
// while.
type AwayError struct{}

func (e *AwayError) Error() string {
	return "monday does not let the token write to the item's board: it may be out of the token's reach"
}

// UnconfirmedError is a delete that Monday does not confirm: it shows the item neither on a board nor in the archive or
// the bin.
type UnconfirmedError struct{}

func (e *UnconfirmedError) Error() string {
	return "monday does not confirm that the item was deleted: it may be out of the token's reach"
}

func waits(err error) bool { return retry.After(err) > 0 }

func permanent(err error) bool { return retry.Permanent(err) }

// asBehaviour finds an error in err's chain that is a T.
func asBehaviour[T any](err error) (t T, ok bool) {
	ok = errors.As(err, &t)
	return t, ok
}
