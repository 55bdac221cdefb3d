package send

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"crmsync/sfclient"
)

// RowError is a write that was refused for a reason that passes, such as a lock.
type RowError struct {
	Object       string
	SalesforceID string // empty where there is no record yet
	Code         string

	class sfclient.Class
	wait  time.Duration
}

func (e *RowError) Error() string { return e.Object + ": " + e.Code }

// RetryAfter is how long to wait; 0: another attempt may be made at any time.
func (e *RowError) RetryAfter() time.Duration { return e.wait }

// Outage reports whether it is no fault of the write, which waits until the org is ready.
func (e *RowError) Outage() bool {
	return e.class == sfclient.Outage || e.class == sfclient.Quota || e.class == sfclient.StorageFull
}

// CreatesOnly reports whether only new records are concerned, as by a full storage: updates go on.
func (e *RowError) CreatesOnly() bool { return e.class == sfclient.StorageFull }

// storageWait is how long no record is created after the org's storage was found full.
const storageWait = 5 * time.Second

// waits are of the classes that concern more than the row.
var waits = map[sfclient.Class]time.Duration{
	sfclient.Outage:      5 * time.Second,
	sfclient.Throttle:    2 * time.Second,
	sfclient.Quota:       5 * time.Minute,
	sfclient.StorageFull: storageWait,
}

// passing is the error of a row that was refused for a reason that passes; nil: it does not pass.
func passing(w Write, e sfclient.RowError) error {
	class := e.Class()
	switch class {
	case sfclient.Transient, sfclient.Oversized, sfclient.Outage, sfclient.Quota, sfclient.Throttle, sfclient.StorageFull:
	default:
		if w.Op != Upsert || e.Code != codeValue || !slices.Contains(e.Fields, w.Key) && !mentions(e.Message, w.Key) {
			return nil
		}
		// Two first upserts with the same key ran at once: the other one has created the record.
	}
	return &RowError{Object: w.Object, SalesforceID: w.ID, Code: cmp.Or(e.Code, codeNone), class: class, wait: waits[class]}
}

// refused reports whether a call was refused because of something in it, so that it fails in the same way until that changes.
func refused(err error) bool {
	var e interface{ Refused() bool }
	return errors.As(err, &e) && e.Refused()
}

// lost is the outcome of a call that failed as a whole: Retry where it certainly did nothing.
func lost(err error) Outcome {
	e, ok := errors.AsType[*sfclient.Error](err)
	var away interface{ Outage() bool }
	switch {
	case !ok && errors.As(err, &away): // the call was not made
		return Retry{Err: err}
	case !ok:
		return Unknown{Err: err}
	case e.Status == 0:
		var op *net.OpError
		var dns *net.DNSError
		if errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns) {
			return Retry{Err: err}
		}
	case e.Status >= http.StatusMultipleChoices && e.Status < http.StatusInternalServerError && e.Status != http.StatusRequestTimeout:
		return Retry{Err: err}
	}
	return Unknown{Err: err}
}

// rowError is a refusal of a call with one row, as one of that row.
func rowError(err error) sfclient.RowError {
	e, ok := errors.AsType[*sfclient.Error](err)
	if !ok {
		return sfclient.RowError{Code: "REFUSED"}
	}
	return e.Row()
}
