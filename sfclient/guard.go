package sfclient

import (
	"context"
	"net/http"
)

// ScopeCreation is the scope of the calls that may create records: they alone fail while the org's storage is full.
const ScopeCreation = "creation"

var creation = []string{ScopeCreation}

// Guard decides whether a call is made, and sees what came of it. It returns what call returned, or an error of its own
// when it makes no call. scopes name what the call depends on beyond the system as a whole.
type Guard func(scopes []string, call func() error) error

// Guarded returns a client that shares c's session and makes every call through the guard.
func (c *Client) Guarded(guard Guard) *Client {
	guarded := *c
	guarded.guard = guard
	return &guarded
}

// do makes a call through the guard. The guard also sees what q.refused reports, which is no failure of the call.
func (c *Client) do(ctx context.Context, q call, decode decoder) error {
	if c.guard == nil {
		return c.attempt(ctx, q, decode)
	}
	var failed error
	made := false
	err := c.guard(q.scopes, func() error {
		made = true
		if failed = c.attempt(ctx, q, decode); failed != nil || q.refused == nil {
			return failed
		}
		return q.refused()
	})
	if made && failed == nil {
		return nil
	}
	return err
}

// Scoped reports whether the error is of one of the call's scopes, so that calls without it go through.
func (e *Error) Scoped() bool { return e.Class() == StorageFull }

// storageError is that of a row that could not be created for want of storage, or nil.
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
