package worker

import (
	"errors"
	"strconv"

	"crmsync/internal/advice"
	"crmsync/internal/panics"
	"crmsync/internal/retry"
	"crmsync/mondayclient"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine"
)

// describe returns what is stored about an error: its source, and what it concerns.
func describe(err error) store.Failure {
	f := store.Failure{Class: "transient", Code: "ERROR", Message: err.Error(), System: advice.Own}
	if retry.Permanent(err) {
		f.Class = "permanent"
	}
	var rejected *engine.RejectedError
	var row *engine.RowError
	var salesforce *sfclient.Error
	var monday *mondayclient.Error
	var panicked *panics.Error
	var unreadable *unreadableError
	switch {
	case errors.As(err, &rejected):
		f.Object, f.SalesforceID, f.Field, f.Code = rejected.Object, rejected.SalesforceID, rejected.Field, rejected.Code
		f.Response = rejected.Response
		if f.System = advice.SystemOf(rejected.Code); rejected.ByMonday && f.System == advice.Salesforce {
			f.System = advice.Monday // an unknown code
		}
	case errors.As(err, &row):
		f.Object, f.SalesforceID, f.Code, f.System = row.Object, row.SalesforceID, row.Code, advice.Salesforce
	case errors.As(err, &salesforce):
		f.Code, f.System = codeOr(salesforce.Code, salesforce.Status), advice.Salesforce
	case errors.As(err, &monday):
		f.Code, f.System = codeOr(monday.Code, monday.Status), advice.Monday
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
