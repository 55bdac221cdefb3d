// Package postgres holds what every package that speaks to Postgres needs: errors that say by their behaviour whether
// waiting helps.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// WaitError is a statement that failed because Postgres is away, restarting or too slow. Its effect is unknown: the
// caller runs it again.
type WaitError struct{ err error }

func (e *WaitError) Error() string { return "postgres is away: " + e.err.Error() }
func (e *WaitError) Unwrap() error { return e.err }

// RetryAfter is how long to wait before asking Postgres again.
func (e *WaitError) RetryAfter() time.Duration { return 2 * time.Second }

// ErrOldSchema says that the database lacks tables or columns that the program needs.
var ErrOldSchema = errors.New("the database has no tables of crmsync, or those of an older version: run crmsync schema up first")

// Wrap adds to an error what was being done, and turns those that time heals into a WaitError. It drops the server's
// detail, which quotes rows.
func Wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	var answered *pgconn.PgError
	if !errors.As(err, &answered) {
		if isAway(err) {
			return fmt.Errorf("%s: %w", what, &WaitError{err})
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	err = fmt.Errorf("postgres: SQLSTATE %s", answered.Code)
	switch {
	case answered.Code == "42P01", answered.Code == "42703": // undefined table, undefined column
		return fmt.Errorf("%s: %w", what, ErrOldSchema)
	case strings.HasPrefix(answered.Code, "08"), // connection exceptions
		strings.HasPrefix(answered.Code, "57"), // shutdown, crash, starting up, statement cancelled
		strings.HasPrefix(answered.Code, "53"), // out of connections, memory or disk
		strings.HasPrefix(answered.Code, "40"): // deadlock, serialization
		return fmt.Errorf("%s: %w", what, &WaitError{err})
	}
	return fmt.Errorf("%s: %w", what, err)
}

// isAway reports whether an error is of the connection rather than of the statement.
func isAway(err error) bool {
	var network net.Error
	var connecting *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connecting) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, pgx.ErrTxClosed)
}
