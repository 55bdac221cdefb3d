package mondayclient

import (
	"context"
	"fmt"
	"slices"
)

// Guard decides whether a call is sent, and sees its result. It returns the result of call, or an error of its own if
// it does not send the call. scopes name what the call depends on besides Monday as a whole, such as "board 1001".
type Guard func(scopes []string, call func() error) error

// WithGuard returns a client that sends every call through the guard and shares everything else with c.
func (c *Client) WithGuard(guard Guard) *Client {
	guarded := *c
	guarded.guard = guard
	return &guarded
}

// unsentError is the error of a call that the guard did not send.
type unsentError struct{ error }

func (e unsentError) Unwrap() error { return e.error }

// through sends a call through the guard. To the guard, a query also counts as failed if one of its top-level fields
// failed with an outage.
func (c *Client) through(call *call, run func() ([]failure, error)) (failures []failure, err error) {
	if c.guard == nil {
		return run()
	}
	sent := false
	refused := c.guard(call.scopes, func() error {
		sent = true
		if failures, err = run(); err != nil {
			return err
		}
		for _, f := range failures {
			if call.key == "" && len(f.path) < 2 && f.field() != "complexity" && f.err.Outage() {
				return f.err
			}
		}
		return nil
	})
	switch {
	case !sent:
		return nil, unsentError{refused}
	case refused != nil:
		return nil, refused
	}
	return failures, nil
}

type boardsKey struct{}

// OnBoards returns a context for calls that read items of these boards: the ids of items do not show their boards.
func OnBoards(ctx context.Context, boards ...int64) context.Context {
	return context.WithValue(ctx, boardsKey{}, boards)
}

// onBoards returns the scopes of a call on boards.
func onBoards(boards ...int64) (scopes []string) {
	for _, board := range boards {
		if scope := fmt.Sprintf("board %d", board); !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// onNamed returns the scopes of a call on the boards that were passed to OnBoards.
func onNamed(ctx context.Context) []string {
	boards, _ := ctx.Value(boardsKey{}).([]int64)
	return onBoards(boards...)
}

// IsAccessDenied reports whether Monday denies us access: to everything, or only to what the call asked for. The error
// alone does not show which; WhoAmI does.
func (e *Error) IsAccessDenied() bool {
	return !e.Single && e.class() == login && plain(e.Code) != "invalidversionexception"
}
