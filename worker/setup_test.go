package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/schematest"
	"crmsync/schema/store"
)

var quiet = slog.New(slog.DiscardHandler)

// world is a store with a database of the test's own.
type world struct {
	*store.Store
	t  *testing.T
	db *pgxpool.Pool
}

func setup(t *testing.T) *world {
	t.Helper()
	db := schematest.New(t)
	return &world{store.New(db), t, db}
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	schematest.Exec(w.t, w.db, query, args...)
}

func ask[T any](w *world, query string, args ...any) T {
	w.t.Helper()
	return schematest.Ask[T](w.t, w.db, query, args...)
}

// fault is an error with configurable behavior.
type fault struct {
	wait              time.Duration
	permanent, outage bool
}

func (fault) Error() string               { return "fault" }
func (f fault) RetryAfter() time.Duration { return f.wait }
func (f fault) Permanent() bool           { return f.permanent }
func (f fault) Outage() bool              { return f.outage }

// breaker returns a breaker for Salesforce.
func (w *world) breaker(p *prober) *breaker {
	return newBreaker("salesforce", p.probe, w.Store, Queue(w.db), quiet)
}

// until waits until a query returns true.
func (w *world) until(what, query string) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if ask[bool](w, query) {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("%s: not within a minute", what)
		}
	}
}

// unreachable returns a pool whose Postgres is away.
func unreachable(t *testing.T) (*pgxpool.Pool, func()) {
	t.Helper()
	config, err := pgxpool.ParseConfig("postgres://u@h/db?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.DialFunc = func(context.Context, string, string) (net.Conn, error) { return nil, io.ErrUnexpectedEOF }
	config.ConnConfig.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	return pool, pool.Close
}

var errTrouble = errors.New("trouble")
