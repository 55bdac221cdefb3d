package sfclient

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Codes of failures for which Salesforce has none.
const (
	codeUnreachable = "UNREACHABLE"       // no connection, or a broken one
	codeTimeout     = "TIMEOUT"           // no answer in time: the call may or may not have taken effect
	codeUnexpected  = "UNEXPECTED_ANSWER" // an answer the API does not document
	codeTooLarge    = "ANSWER_TOO_LARGE"
	codeTooMany     = "TOO_MANY_RECORDS"
	codeForeignHost = "FOREIGN_HOST" // the token would have gone to a host not known to be Salesforce's
	codeUnencodable = "UNENCODABLE"  // a value that JSON cannot represent
	codeSeveral     = "MULTIPLE_CHOICES"
	codeNoKey       = "MISSING_KEY" // an upsert of a record without external ID
)

// Error is the failure of a whole call. Its text contains no secret and no value of a record.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html
type Error struct {
	Status  int      // HTTP status; 0: no answer
	Code    string   // Salesforce's errorCode, the error of a login, or one of this package; may be empty
	Fields  []string // named by the error
	Matches []string // Ids of the existing records it would duplicate

	message  string        // Salesforce's; some classes differ only in it
	wait     time.Duration // Retry-After
	login    bool          // the login failed
	unsent   bool          // the call was not sent: there was no session
	edge     bool          // the answer came from something in front of the API
	ofObject bool          // it concerns only the object that the call is about
	moved    bool          // nothing at the instance's host answers as the API: the org may have moved
	cause    error
}

func (e *Error) Error() string {
	text := "salesforce:"
	if e.Status != 0 {
		text += " " + strconv.Itoa(e.Status)
	}
	text += " " + cmp.Or(e.Code, http.StatusText(e.Status), "error")
	if len(e.Fields) > 0 {
		text += fmt.Sprintf(" %v", e.Fields)
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the network's error, or context.DeadlineExceeded after a timeout.
func (e *Error) Unwrap() error { return e.cause }

// Class returns how the error should be handled.
func (e *Error) Class() Class {
	switch {
	case e.login || e.edge || e.Code == codeUnreachable || e.Code == codeTimeout || e.Code == codeForeignHost:
		return Outage
	case e.Code == codeUnexpected:
		return Transient
	case e.Code == codeRequestLimit, governor.MatchString(e.message):
		return classOf(e.Code, e.message)
	}
	if class, fixed := statusClasses[e.Status]; fixed {
		return class
	}
	switch _, known := classes[e.Code]; {
	case known && e.Code != "", e.Code == codeTrigger, e.Code == codeFlow:
		return classOf(e.Code, e.message)
	case e.Status >= 500 || e.Code == "" && e.Status < 300:
		return Transient
	case e.Status == http.StatusNotFound:
		return Gone
	case e.Status > 300 && e.Status < 400:
		return Outage
	}
	return Permanent
}

// statusClasses lists the statuses that say more than the code beside them.
var statusClasses = map[int]Class{
	http.StatusMultipleChoices:    Duplicate,
	http.StatusUnauthorized:       Outage,
	http.StatusNotAcceptable:      Transient, // seen under load
	http.StatusRequestTimeout:     Transient,
	http.StatusConflict:           Transient,
	http.StatusTooManyRequests:    Throttle,
	http.StatusBadGateway:         Outage,
	http.StatusServiceUnavailable: Outage,
	http.StatusGatewayTimeout:     Outage,
}

// RetryAfter returns how long to wait before the next attempt; 0 if it may come at any time, or would be pointless.
func (e *Error) RetryAfter() time.Duration {
	switch class := e.Class(); {
	case class == StorageFull:
		return 5 * time.Minute
	case class != Outage && class != Throttle && class != Quota:
		return 0
	case e.wait > 0:
		return e.wait
	case class == Throttle:
		return 2 * time.Second
	case class == Quota:
		return time.Minute // the limit is rolling, and other programs use it: calls may be allowed again at any time
	case e.login:
		return 30 * time.Second
	}
	return 5 * time.Second
}

// Permanent reports whether the same call can never succeed.
func (e *Error) Permanent() bool { return e.Class() == Permanent }

// Outage reports whether Salesforce is unavailable to all calls for a while.
func (e *Error) Outage() bool { return e.Class() == Outage || e.Class() == Quota }

// IsRejection reports whether a call with several records was rejected as a whole because of its content: nothing was
// written, and the other records may succeed without the one at fault.
func (e *Error) IsRejection() bool {
	if e.Class() == Oversized {
		return true
	}
	switch e.Status {
	case 0, http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong,
		http.StatusRequestHeaderFieldsTooLarge:
		class := e.Class()
		return class == Permanent || class == Gone
	}
	return false
}

// Unsent reports whether the call had no effect for certain because it never reached Salesforce.
func (e *Error) Unsent() bool {
	switch e.Code {
	case codeForeignHost, codeTooMany, codeUnencodable, codeNoKey:
		return true
	}
	return e.unsent || e.Status == 0 && e.moved
}

// Row returns the error as that of a row, for a call that was rejected and had only one.
func (e *Error) Row() RowError {
	return RowError{Code: cmp.Or(e.Code, strconv.Itoa(e.Status)), Fields: e.Fields, Message: e.message}
}

// isExpired reports whether the session was rejected.
func (e *Error) isExpired() bool {
	return !e.login && (e.Status == http.StatusUnauthorized || e.Code == codeSession)
}

// answerError returns the error for an answer that is not a success.
func answerError(a *answer) *Error {
	e := &Error{Status: a.status, wait: retryAfter(a.header)}
	body := gjson.ParseBytes(a.body)
	switch {
	case !gjson.ValidBytes(a.body):
		body = gjson.Result{}
	case a.status == http.StatusMultipleChoices:
		e.Code, e.Matches = codeSeveral, choices(body)
		return e
	case body.IsArray():
		body = body.Get("0")
	}
	e.Code = name(cmp.Or(body.Get("errorCode").String(), body.Get("error").String()))
	e.message = body.Get("message").String()
	for _, field := range body.Get("fields").Array() {
		e.Fields = append(e.Fields, field.String())
	}
	e.Fields = names(e.Fields)
	// Salesforce misspells it
	e.Matches = append(matches(body.Get("duplicateResut")), matches(body.Get("duplicateResult"))...)
	switch a.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect:
		e.edge, e.moved = true, true
	case http.StatusNotFound:
		e.edge = e.Code == "" // the API adds a code to each of its own
		e.moved = e.edge
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong,
		http.StatusRequestHeaderFieldsTooLarge:
		// The gateway in front of the API rejects these by itself because of the request.
	default:
		e.edge = e.Code == "" && (a.status >= 500 || a.isPage())
	}
	return e
}

// matches returns the Ids of the records that a duplicate rule found.
func matches(result gjson.Result) (ids []string) {
	for _, found := range result.Get("matchResults").Array() {
		for _, record := range found.Get("matchRecords").Array() {
			if id, ok := ID18(record.Get("record.Id").String()); ok && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// choices returns the Ids of the records that an external ID stands for, which come as URLs.
func choices(urls gjson.Result) (ids []string) {
	for _, u := range urls.Array() {
		path := u.String()
		if id, ok := ID18(path[strings.LastIndexByte(path, '/')+1:]); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// unexpected returns the error for a success that makes no sense. A page comes from something in front of the
// API, or in its place.
func unexpected(a *answer) *Error {
	return &Error{Status: a.status, Code: codeUnexpected, edge: a.isPage(), moved: a.isPage()}
}

// isPage reports whether the answer is for people, as HTML is.
func (a *answer) isPage() bool { return bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<")) }

// networkError returns the error for a call without an answer. If the caller canceled it, it returns the
// cause unchanged, which is not a failure.
func networkError(ctx context.Context, err error) error {
	var network net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		return &Error{Code: codeTimeout, cause: context.DeadlineExceeded, moved: noHost(err)}
	}
	return &Error{Code: codeUnreachable, cause: connection(err), moved: noHost(err)}
}

// noHost reports whether no connection to the host was established, as opposed to one that broke.
func noHost(err error) bool {
	var op *net.OpError
	var lookup *net.DNSError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &lookup) || errors.As(err, &certificate)
}

// connection returns the part of err that is about the connection alone, because the rest may repeat a URL or
// an answer.
func connection(err error) error {
	var op *net.OpError
	var lookup *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &op):
		return op
	case errors.As(err, &lookup):
		return lookup
	case errors.As(err, &certificate):
		return certificate
	}
	return nil
}

// retryAfter parses the header, in seconds or as a date; 0 if it is missing or invalid. The result is at most
// an hour.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = time.Until(at)
	}
	return max(0, min(wait, time.Hour))
}

var isName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,99}$`)

// name returns a code or field unchanged if it has the form of one: it ends up in logs, which must not
// contain values.
func name(s string) string {
	if !isName.MatchString(s) {
		return ""
	}
	return s
}

func names(fields []string) []string {
	return slices.DeleteFunc(fields, func(field string) bool { return name(field) == "" })
}
