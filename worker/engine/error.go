package engine

import (
	"errors"
	"fmt"
	"strings"

	"crmsync/internal/retry"
	"crmsync/mondayclient"
	"crmsync/worker/engine/send"
)

// BusyError means that another worker has leased the item, or the value by which it is matched: come back soon.
type BusyError = retry.BusyError

// theItem is what another worker has leased in most cases.
const theItem = "the item"

// RejectedError is a part of an event that Salesforce or Monday rejected, or for which the mapping has no value. The
// event becomes a dead letter; the rest of it went through.
type RejectedError struct {
	Object       string
	SalesforceID string // empty: there is no record yet
	Field        string // empty: the record as a whole was rejected
	Code         string
	Detail       string // for people; no customer's value
	ByMonday     bool   // Monday rejects what the record holds
	Response     any    // JSON object, as in a store.Log: what the event did apart from that

	record string // name of the record in the mapping
}

func (e *RejectedError) Error() string {
	what := e.Object
	if e.Field != "" {
		what += "." + e.Field
	}
	if e.Detail != "" {
		return fmt.Sprintf("%s: %s: %s", what, e.Code, strings.TrimPrefix(e.Detail, e.Code+": "))
	}
	return fmt.Sprintf("%s: %s", what, e.Code)
}

// Permanent reports that another attempt of the event would fail too.
func (e *RejectedError) Permanent() bool { return true }

// RowError is a row that failed for a temporary reason, such as a lock.
type RowError = send.RowError

// AwayError means that Monday does not show the item's board, or no longer shows the item on it: a token may lose
// access to a board for a while.
type AwayError struct{}

func (e *AwayError) Error() string {
	return "monday does not show the item's board: it may be out of the token's reach"
}

// UnconfirmedError means that Monday does not confirm a delete: it shows the item neither on a board nor in the
// archive or the bin.
type UnconfirmedError struct{}

func (e *UnconfirmedError) Error() string {
	return "monday does not confirm that the item was deleted: it may be out of the token's reach"
}

func waits(err error) bool { return retry.After(err) > 0 }

func permanent(err error) bool { return retry.Permanent(err) }

// asBehaviour returns the first error in err's chain that is a T.
func asBehaviour[T any](err error) (t T, ok bool) {
	ok = errors.As(err, &t)
	return t, ok
}

// isMissing reports whether Monday no longer shows the item.
func isMissing(err error) bool {
	monday, ok := errors.AsType[*mondayclient.Error](err)
	return ok && (monday.Code == "ResourceNotFoundException" || monday.Code == "ItemNotFoundException")
}
