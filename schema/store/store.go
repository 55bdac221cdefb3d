// Package store keeps what crmsync knows in Postgres: every SQL statement of the program is here.
//
// Statements take and give sets: a batch of items is one statement, whatever its size.
package store

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
	"github.com/jackc/pgx/v5/pgxpool"
)

// Store runs statements on a pool of connections. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
}

// New returns a store on the pool, which stays the caller's to close.
func New(pool *pgxpool.Pool) *Store {
	return &Store{pool: pool}
}

// Ping says whether Postgres answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.pool.Ping(ctx)
}

// WaitError is a statement that failed because Postgres is away, restarting or too slow. What it was to do may
// or may not have been done: do it again.
type WaitError struct{ err error }

func (e *WaitError) Error() string { return "postgres is away: " + e.err.Error() }
func (e *WaitError) Unwrap() error { return e.err }

// RetryAfter is how long to wait before asking Postgres again.
func (e *WaitError) RetryAfter() time.Duration { return 2 * time.Second }

// doing adds to an error what was being done, and marks the ones that time heals. The server's detail is
// left out: it quotes rows.
func doing(what string, err error) error {
	if err == nil {
		return nil
	}
	var answered *pgconn.PgError
	if !errors.As(err, &answered) {
		if away(err) {
			return fmt.Errorf("%s: %w", what, &WaitError{err})
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	err = fmt.Errorf("postgres: SQLSTATE %s", answered.Code)
	switch {
	case strings.HasPrefix(answered.Code, "08"), // connection exceptions
		strings.HasPrefix(answered.Code, "57"), // shutdown, crash, starting up, statement cancelled
		strings.HasPrefix(answered.Code, "53"), // out of connections, memory or disk
		strings.HasPrefix(answered.Code, "40"): // deadlock, serialization
		return fmt.Errorf("%s: %w", what, &WaitError{err})
	}
	return fmt.Errorf("%s: %w", what, err)
}

// away reports an error of the connection rather than of the statement.
func away(err error) bool {
	var network net.Error
	var connecting *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connecting) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, pgx.ErrTxClosed)
}
