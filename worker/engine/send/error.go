package send

import (
	"errors"
	"net/http"
	"slices"

	"crmsync/internal/advice"
	"crmsync/sfclient"
)

// RowError is the error of a write that was rejected for a transient reason, such as a lock. It unwraps to Salesforce's
// error, whose behavior says when to retry, and whether only new records are affected.
type RowError struct {
	Object       string
	SalesforceID string // empty if there is no record yet
	Code         string

	err *sfclient.Error
}

func (e *RowError) Error() string { return e.Object + ": " + e.Code }

// Unwrap returns the error that Salesforce gave for the row.
func (e *RowError) Unwrap() error {
	if e.err == nil {
		return nil
	}
	return e.err
}

// passing returns the error of a row that was rejected for a transient reason, or nil.
func passing(w Write, e sfclient.RowError) error {
	switch e.Class() {
	case sfclient.Transient, sfclient.Oversized, sfclient.Outage, sfclient.Quota, sfclient.Throttle, sfclient.StorageFull:
	default:
		if w.Op != Upsert || e.Code != codeValue || !slices.Contains(e.Fields, w.Key) && !mentions(e.Message, w.Key) {
			return nil
		}
		// Two first upserts with the same key ran at once: the other one has created the record.
	}
	err := e.Err()
	return &RowError{Object: w.Object, SalesforceID: w.ID, Code: err.Code, err: err}
}

// isRejection reports whether a call was rejected because of something in it: it fails in the same way until that
// changes.
func isRejection(err error) bool {
	var e interface{ IsRejection() bool }
	return errors.As(err, &e) && e.IsRejection()
}

// lost returns the outcome of a call that failed as a whole: Retry if it certainly had no effect, else Unknown.
func lost(err error) Outcome {
	e, ok := errors.AsType[*sfclient.Error](err)
	var away interface{ Outage() bool }
	switch {
	case !ok && errors.As(err, &away): // the call was not sent
		return Retry{Err: err}
	case !ok:
		return Unknown{Err: err}
	case e.Unsent():
		return Retry{Err: err}
	case e.Status/100 == 3, e.Status/100 == 4 && e.Status != http.StatusRequestTimeout:
		return Retry{Err: err}
	}
	return Unknown{Err: err}
}

// rowError converts the rejection of a call with one row to that row's.
func rowError(err error) sfclient.RowError {
	e, ok := errors.AsType[*sfclient.Error](err)
	if !ok {
		return sfclient.RowError{Code: advice.Refused}
	}
	return e.Row()
}
