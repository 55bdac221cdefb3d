package worker

import (
	"errors"
	"strconv"

	"crmsync/internal/panics"
	"crmsync/internal/retry"
	"crmsync/mondayclient"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine"
)

// describe returns what is stored about an error: its source, and what it concerns.
func describe(err error) store.Failure {
	f := store.Failure{Class: "transient", Code: "ERROR", Message: err.Error()}
	if retry.Permanent(err) {
		f.Class = "permanent"
	}
	var refused *engine.RefusedError
	var row *engine.RowError
	var salesforce *sfclient.Error
	var monday *mondayclient.Error
	var panicked *panics.Error
	var unreadable *unreadableError
	switch {
	case errors.As(err, &refused):
		f.Object, f.SalesforceID, f.Code = refused.Object, refused.SalesforceID, refused.Code
	case errors.As(err, &row):
		f.Object, f.SalesforceID, f.Code = row.Object, row.SalesforceID, row.Code
	case errors.As(err, &salesforce):
		f.Code = codeOr(salesforce.Code, salesforce.Status)
	case errors.As(err, &monday):
		f.Code = codeOr(monday.Code, monday.Status)
	case errors.As(err, &panicked):
		f.Class, f.Code, f.Trace = "panic", "PANIC", string(panicked.Stack)
	case errors.As(err, &unreadable):
		f.Code = "UNREADABLE"
	}
	return f
}

// codeOr returns an answer's code, or its HTTP status if it has none, as for the page of an org that is away.
func codeOr(code string, status int) string {
	if code == "" && status != 0 {
		return strconv.Itoa(status)
	}
	return code
}

// unreadableError is why a delivery cannot be decoded.
type unreadableError struct{ reason string }

func (e *unreadableError) Error() string   { return "unreadable delivery: " + e.reason }
func (e *unreadableError) Permanent() bool { return true }
