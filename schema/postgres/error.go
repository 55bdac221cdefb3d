// Package postgres contains what every user of Postgres needs: connections that also work through a pooler, and errors
// that say what is wrong, what to do, and, by their behavior, whether waiting helps.
package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// WaitError means that a statement failed because Postgres is unavailable, restarting, too slow, or not usable as
// configured. Its effect is unknown: the caller runs it again.
type WaitError struct{ err error }

func (e *WaitError) Error() string { return e.err.Error() }
func (e *WaitError) Unwrap() error { return e.err }

// RetryAfter returns how long to wait before the next attempt.
func (e *WaitError) RetryAfter() time.Duration { return 2 * time.Second }

// Wrap adds to an error what was being done and what a person can do about it. It turns errors that are temporary, or
// that a person can resolve, into a WaitError. It drops the server's message, which may quote rows or a part of the
// connection string.
func Wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	var answered *pgconn.PgError
	switch {
	case errors.As(err, &answered):
		failed := fmt.Errorf("postgres: %w", describe(answered.Code))
		if heals(answered.Code) {
			failed = &WaitError{failed}
		}
		return fmt.Errorf("%s: %w", what, failed)
	case isAway(err):
		return fmt.Errorf("%s: %w", what, &WaitError{fmt.Errorf("postgres is away: %w", connection(err))})
	}
	return fmt.Errorf("%s: %w", what, err)
}

// heals reports whether a code describes a temporary state, or one that a person can end.
func heals(code string) bool {
	for _, class := range []string{
		"08", // connection exceptions
		"57", // shutdown, crash, starting up, statement cancelled
		"53", // out of connections, memory or disk
		"40", // deadlock, serialization
		"28", // login
		"3D", // no such database
	} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return code == "25006" // read-only, for example after a failover
}

// sentences explain codes and say what to do.
var sentences = map[string]string{
	"3F000": "there is no such schema. Correct the search_path",
	"28000": "the login is refused: there is no such user, or pg_hba.conf does not let it in, or only over TLS. Correct " +
		"the user in DATABASE_URL, create it, or add sslmode=require",
	"28P01": "the login is refused. Correct the user and password in DATABASE_URL",
	"3D000": "there is no such database. Correct its name in DATABASE_URL, or create it",
	"53300": "there are no connections left. Raise max_connections, lower BATCH_CONCURRENCY (each process takes up to " +
		"that and 8), or put a pooler in front",
	"53100": "the disk is full. Make room; nothing is lost meanwhile",
	"53200": "the server is out of memory",
	"25006": "the server is read-only: it is a standby, or its disk is being protected. DATABASE_URL must lead to the " +
		"primary",
	"42501": "the role lacks a right. Run postgres/roles.sql again, as after every upgrade",
	"57P01": "the server is shutting down",
	"57P03": "the server is starting up or shutting down",
	"57014": "the statement took too long",
	"08P01": "the connection is refused by a pooler or a server that does not know one of its parameters. Take it out " +
		"of DATABASE_URL, or let the pooler ignore it " +
		"(ignore_startup_parameters)",
}

// ErrOldSchema means that the database lacks tables or columns that the program needs.
var ErrOldSchema = errors.New("the database has no tables of crmsync, or those of an older version: run crmsync " +
	"schema up first")

// describe returns what a code means, or an unknown code itself.
func describe(code string) error {
	switch code {
	case "42P01", "42703", "42883": // undefined table, column, function
		return ErrOldSchema
	}
	if sentence := sentences[code]; sentence != "" {
		return errors.New(sentence)
	}
	return fmt.Errorf("SQLSTATE %s", code)
}

// isAway reports whether an error concerns the connection rather than the statement.
func isAway(err error) bool {
	var network net.Error
	var connecting *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connecting) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, pgx.ErrTxClosed)
}

// connection returns the part of an error that is only about the network.
func connection(err error) error {
	var op *net.OpError
	var lookup *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return certificate
	case errors.As(err, &lookup):
		return lookup
	case errors.As(err, &op):
		return op
	case errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return context.Canceled
	}
	return errors.New("the connection broke")
}
