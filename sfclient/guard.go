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
		return c.attempt(ctx, q, decode)
	}
	var failed error
	sent := false
	err := c.guard(q.scopes, func() error {
		sent = true
		if failed = c.attempt(ctx, q, decode); failed != nil || q.refused == nil {
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
func (e *Error) Scoped() bool { return e.Class() == StorageFull }

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
