// Package schematest provides each test with its own Postgres database, with the schema applied.
//
// The databases are copies of a template, on the server in $TEST_DATABASE_URL (whose role must be allowed to create
// databases) or else on a private one, which all test processes of this user share and the last one stops. Without a
// server a test fails; it does not skip.
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

// New returns a pool on the test's own database, migrated and empty. Both are removed when the test ends. The pool's
// Config().ConnString() is the database's URL.
func New(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), URL(t))
	if err != nil {
		t.Fatalf("connecting to the test's database: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL returns the postgres:// URL of the test's own database, migrated and empty, which is dropped when the test
// ends. Every call creates another one.
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

// session is this process's use of the server. It ends with the process, which has dropped its databases by then,
// unless it was killed; in that case another session's sweep drops them.
type session struct {
	url      string // of the maintenance database
	name     string // of the session; prefix of the names of its databases
	template string
	count    atomic.Int64

	// server is kept open: it stops with its last user, which may be this process.
	server *pglocal.Server

	// conn shows, as long as the process lives, that the session's databases are in use.
	conn *pgx.Conn
}

// shared is the only session of the process: all tests of a package use the same server.
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

// exec runs one statement over its own connection.
func (s *session) exec(ctx context.Context, sql string) (err error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// database returns the connection string with another database name.
func database(connString, name string) string {
	u, err := url.Parse(connString)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return connString + " dbname=" + name // keywords and values: the last one counts
	}
	u.Path = "/" + name
	return u.String()
}
