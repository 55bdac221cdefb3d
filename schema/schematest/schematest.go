// Package schematest gives a test a Postgres database of its own, with the schema in it.
//
// The databases are copies of one template, on the server that $TEST_DATABASE_URL names (its role must
// be allowed to create databases) or else on a private one that all test processes of this user share
// and the last one stops. A test without a server fails; it does not skip.
package schematest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/internal/pglocal"
)

// New returns a pool on a database of the test's own, migrated and empty. Both go when the test ends.
// The pool's Config().ConnString() is the database's URL.
func New(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), URL(t))
	if err != nil {
		t.Fatalf("connecting to the test's database: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL returns the postgres:// URL of a database of the test's own, migrated and empty, which is dropped
// when the test ends. Every call makes another one.
func URL(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("preparing test databases: %v", err)
	}
	name := fmt.Sprintf("%s_%d", s.name, s.count.Add(1))
	if err := s.exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+s.template); err != nil {
		t.Fatalf("creating the test's database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := s.exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	return database(s.url, name)
}

// session is this process's use of the server. It ends with the process: by then its own databases are
// dropped, unless the process was killed, and another session's sweep drops what is left.
type session struct {
	url      string // of the maintenance database
	name     string // of the session; begins the names of its databases
	template string
	count    atomic.Int64

	// server is held on to: it stops with its last user, which is this process at times.
	server *pglocal.Server

	// conn says for as long as the process lives that the session's databases are in use.
	conn *pgx.Conn
}

// shared is the one session of the process: every test of a package draws on the same server.
var shared = sync.OnceValues(func() (*session, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if named := os.Getenv("TEST_DATABASE_URL"); named != "" {
		return open(ctx, named, fingerprint())
	}
	server, err := startServer(ctx)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, server.URL("postgres"), fingerprint())
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	s.server = server
	return s, nil
})

// exec runs one statement over a connection of its own.
func (s *session) exec(ctx context.Context, sql string) (err error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// database is the connection string with another database in it.
func database(connString, name string) string {
	u, err := url.Parse(connString)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return connString + " dbname=" + name // keywords and values: the last one counts
	}
	u.Path = "/" + name
	return u.String()
}
