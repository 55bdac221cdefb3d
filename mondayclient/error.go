package mondayclient

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Our own codes, for errors that Monday has no code for.
const (
	codeUnreachable = "UNREACHABLE"
	codeTimeout     = "TIMEOUT"
	codeUnreadable  = "UNREADABLE_ANSWER"       // not GraphQL, such as a proxy's page
	codeUnexpected  = "UNEXPECTED_ANSWER"       // GraphQL, but not what was asked for
	codeNoFate      = "NO_ANSWER"               // the answer says nothing about this write
	codeNoBoard     = "InvalidBoardIdException" // Monday's own, but not always sent
	codeRefused     = "NOT_AUTHENTICATED"
	codeComplexity  = "COMPLEXITY_BUDGET_EXHAUSTED"
	codeRate        = "RATE_LIMIT_EXCEEDED"
	codeDaily       = "DAILY_LIMIT_EXCEEDED"
)

// How long to wait if Monday does not say, and the longest wait that it can ask for.
const (
	waitThrottled = 15 * time.Second
	waitBusy      = 5 * time.Second
	waitOutage    = 5 * time.Second
	waitLogin     = time.Minute
	waitDaily     = time.Minute // a rejected call counts little, and somebody may raise the limit
	waitLongest   = 15 * time.Minute
)

// Error is an error that Monday answered with, or the lack of an answer. Its text leaves out Monday's message, which
// may repeat a customer's value.
//
// https://developer.monday.com/api-reference/docs/errors
type Error struct {
	Status    int           // HTTP status, or the status_code in the answer; 0: no answer
	Code      string        // Monday's code, such as "ColumnValueException"; may be empty
	RequestID string        // for Monday's support; may be empty
	Wait      time.Duration // what Monday asked for; 0: nothing
	Column    string        // id of the column whose value was rejected; empty if unnamed

	// Single reports whether the error concerns one item or one write of a call that was otherwise answered.
	Single bool

	// BoardID and ItemID are what the error is about; 0 if unknown.
	BoardID, ItemID int64

	version string // of the API, as requested
	cause   error  // why no answer came
}

func (e *Error) Error() string {
	text := "monday: " + cmp.Or(e.Code, http.StatusText(e.Status), "error")
	if e.Status != 0 {
		text = fmt.Sprintf("monday: %d %s", e.Status, cmp.Or(e.Code, http.StatusText(e.Status)))
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the reason why no answer came.
func (e *Error) Unwrap() error { return e.cause }

// RetryAfter returns how long to wait before the call is repeated: Monday is busy, over a limit or unavailable, or
// refuses our login. 0 means that waiting does not help.
func (e *Error) RetryAfter() time.Duration {
	switch e.class() {
	case throttled:
		return e.wait(waitThrottled)
	case busy:
		return e.wait(waitBusy)
	case outage:
		return e.wait(waitOutage)
	case login:
		return waitLogin
	case daily:
		return waitDaily
	}
	return 0
}

func (e *Error) wait(unless time.Duration) time.Duration {
	if e.Wait <= 0 {
		return unless
	}
	return min(e.Wait, waitLongest)
}

// Permanent reports whether the same call would fail again: the board, the item or the column does not exist, or the
// column does not accept the value.
func (e *Error) Permanent() bool { return e.class() == permanent }

// RejectsValue reports whether Monday rejects the value of a column: it may accept the item without that column.
func (e *Error) RejectsValue() bool {
	switch plain(e.Code) {
	case "columnvalueexception", "correctedvalueexception", "invalidargumentexception", "invalidcolumnidexception",
		"invaliduseridexception",
		"recordinvalidexception":
		return true
	}
	return false
}

// Outage reports whether Monday cannot be used at all: it is unavailable, refuses our login, or the day's calls are
// spent.
func (e *Error) Outage() bool {
	switch e.class() {
	case outage, login, daily:
		return true
	}
	return false
}

// class is what an error means to the caller.
type class int

const (
	other class = iota // possibly transient: retry
	throttled
	busy
	outage
	login
	daily
	permanent
)

// classes maps the codes that say more than the status, as plain returns them, since Monday spells them in several
// ways.
var classes = map[string]class{
	"complexitybudgetexhausted": throttled,
	"complexityexception":       throttled,
	"ratelimitexceeded":         throttled,
	"minutelimitrateexceeded":   throttled,
	"minuteratelimitexceeded":   throttled,
	"maxconcurrencyexceeded":    throttled,
	"concurrencylimitexceeded":  throttled,
	"fieldlimitexceeded":        throttled,
	"ipratelimitexceeded":       throttled,
	"dailylimitexceeded":        daily,
	"idempotencyconflict":       busy,

	"unreachable":           outage,
	"timeout":               outage,
	"unreadableanswer":      outage,
	"internalservererror":   outage,
	"apitemporarilyblocked": outage,

	"notauthenticated":           login,
	"unauthorized":               login,
	"useraccessdenied":           login,
	"userunauthorized":           login, // from 2025-07
	"userunauthorizedexception":  login,
	"missingrequiredpermissions": login,
	"invalidversionexception":    login,

	"columnvalueexception":      permanent,
	"correctedvalueexception":   permanent,
	"invalidargumentexception":  permanent,
	"invalidboardidexception":   permanent,
	"invalidcolumnidexception":  permanent,
	"invaliditemidexception":    permanent,
	"invaliduseridexception":    permanent,
	"itemnametoolongexception":  permanent,
	"itemslimitationexception":  permanent,
	"recordinvalidexception":    permanent,
	"recordnotfoundexception":   permanent,
	"resourcenotfoundexception": permanent,
}

func (e *Error) class() class {
	c, known := classes[plain(e.Code)]
	if !known {
		c = e.statusClass()
	}
	if !e.Single {
		return c
	}
	switch c { // the rest of the call was answered: Monday is available
	case login:
		return permanent
	case outage:
		return other
	}
	return c
}

func (e *Error) statusClass() class {
	switch status := e.Status; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return login
	case status == http.StatusTooManyRequests:
		return throttled
	case status == http.StatusLocked:
		return busy
	case status >= 500, status >= 300 && status < 400: // Monday redirects nothing
		return outage
	case status == http.StatusBadRequest, status == http.StatusNotFound, status == http.StatusUnprocessableEntity:
		if e.Single {
			return permanent
		}
	}
	return other
}

// plain returns a code in lower case, without separators.
func plain(code string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '_' || r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code))
}
