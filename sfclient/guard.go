package sfclient

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// ScopeCreation is the scope of calls that may create records: only they fail while the org's storage is
// full.
const ScopeCreation = "creation"

var creation = []string{ScopeCreation}

const objectScope = "object "

// ScopeObject returns the scope of calls that describe an object. They fail while the integration user may not see it.
func ScopeObject(name string) string { return objectScope + name }

// IsScopeObject reports whether a scope is that of an object.
func IsScopeObject(scope string) bool { return strings.HasPrefix(scope, objectScope) }

// Guard decides whether a call is sent, and sees its result. It returns the result of call, or an error of its own if
// it does not send the call. scopes name what the call depends on besides the system as a whole.
type Guard func(scopes []string, call func() error) error

// WithGuard returns a client that shares c's session and sends every call through the guard.
func (c *Client) WithGuard(guard Guard) *Client {
	guarded := *c
	guarded.guard = guard
	return &guarded
}

// do sends a call through the guard. The guard also sees what q.refused reports, which does not fail the call.
func (c *Client) do(ctx context.Context, q call, decode decoder) error {
	if c.guard == nil {
		return q.about(c.attempt(ctx, q, decode))
	}
	var failed error
	sent := false
	err := c.guard(q.scopes, func() error {
		sent = true
		if failed = q.about(c.attempt(ctx, q, decode)); failed != nil || q.refused == nil {
			return failed
		}
		return q.refused()
	})
	if sent && failed == nil {
		return nil
	}
	return err
}

// Scoped reports whether the error concerns one of the call's scopes, so that calls without it succeed.
func (e *Error) Scoped() bool { return e.ofObject || e.Class() == StorageFull }

// about marks the error of a call that describes an object as one that concerns only the object, if it does: Salesforce
// has answered, and is not away or over a limit. For an object that it does not know, there is another description.
func (q call) about(err error) error {
	e, failed := errors.AsType[*Error](err)
	if failed && slices.ContainsFunc(q.scopes, IsScopeObject) && e.Status >= http.StatusBadRequest &&
		e.Status != http.StatusNotFound {
		class := e.Class()
		e.ofObject = class == Permanent || class == Gone || class == Transient
	}
	return err
}

// errNothingCreated tells the guard that a call that may create records succeeded without creating one.
var errNothingCreated = errors.New("salesforce: nothing was created")

// guardError returns what the rows of a successful call tell the guard: that storage is missing, or that nothing was
// created, so that the call does not show that storage is available again.
func (q call) guardError(results []Result) error {
	if err := storageError(results); err != nil {
		return err
	}
	isNew := func(r Result) bool { return r.Success && (r.Created || strings.HasPrefix(q.operation, "create")) }
	if slices.Contains(q.scopes, ScopeCreation) && !slices.ContainsFunc(results, isNew) {
		return errNothingCreated
	}
	return nil
}

// storageError returns the error of a row that could not be created for lack of storage, or nil.
func storageError(results []Result) error {
	for _, result := range results {
		for _, e := range result.Errors {
			if e.Class() == StorageFull {
				return &Error{Status: http.StatusBadRequest, Code: codeStorage}
			}
		}
	}
	return nil
}
