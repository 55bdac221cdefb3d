package mondayclient

import (
	"context"
	"fmt"
	"slices"
)

// Guard decides whether a call is made, and sees what came of it. It returns what call returned, or an error of its own
// when it makes no call. scopes name what the call depends on beyond Monday as a whole, such as "board 1001".
type Guard func(scopes []string, call func() error) error

// Guarded returns a client that makes every call through the guard, and shares all else with c.
func (c *Client) Guarded(guard Guard) *Client {
	guarded := *c
	guarded.guard = guard
	return &guarded
}

// notMadeError is a call that the guard did not make.
type notMadeError struct{ error }

func (e notMadeError) Unwrap() error { return e.error }

// through makes a call through the guard. A query whose one part failed as a whole call does counts as a failed call.
func (c *Client) through(call *call, run func() ([]failure, error)) (failures []failure, err error) {
	if c.guard == nil {
		return run()
	}
	made := false
	refused := c.guard(call.scopes, func() error {
		made = true
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
	case !made:
		return nil, notMadeError{refused}
	case refused != nil:
		return nil, refused
	}
	return failures, nil
}

type boardsKey struct{}

// OnBoards names the boards whose items the calls with the returned context read. Items themselves do not tell.
func OnBoards(ctx context.Context, boards ...int64) context.Context {
	return context.WithValue(ctx, boardsKey{}, boards)
}

// onBoards are the scopes of a call on boards.
func onBoards(boards ...int64) (scopes []string) {
	for _, board := range boards {
		if scope := fmt.Sprintf("board %d", board); !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// onNamed are the scopes of a call on the boards that OnBoards named.
func onNamed(ctx context.Context) []string {
	boards, _ := ctx.Value(boardsKey{}).([]int64)
	return onBoards(boards...)
}

// Refused reports whether Monday refuses us something: our login as a whole, or no more than what the call asked for. The
// error alone does not tell which; WhoAmI does.
func (e *Error) Refused() bool {
	return !e.Single && e.class() == login && plain(e.Code) != "invalidversionexception"
}
