package postgres_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"crmsync/schema/postgres"
	"crmsync/schema/schematest"
)

// TestParseURL: no error contains a part of the connection string, and a password that ends too early is noticed.
func TestParseURL(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		url  string
		want string // part of the error; empty: none
	}{
		"plain":                     {"postgres://u:zebra@127.0.0.1:1/db", ""},
		"keywords":                  {"host=127.0.0.1 user=u password=zebra dbname=db", ""},
		"a user with an at sign":    {"postgres://u%40tenant:zebra@127.0.0.1:1/db", ""},
		"encoded":                   {"postgres://u:zebra%40quagga@127.0.0.1:1/db", ""},
		"an at sign":                {"postgres://u:zebra@quagga@127.0.0.1:1/db", "%40"},
		"digits and a slash":        {"postgres://u:12/quagga@127.0.0.1:1/db", "%2F"},
		"a slash":                   {"postgres://u:zebra/quagga@127.0.0.1:1/db", "not a valid"},
		"a percent sign":            {"postgres://u:zebra%quagga@127.0.0.1:1/db", "not a valid"},
		"a space":                   {"postgres://u:zebra quagga@127.0.0.1:1/db", "not a valid"},
		"an open quote":             {"host=127.0.0.1 user=u password='zebra quagga dbname=db", "not a valid"},
		"no scheme":                 {"u:zebra-quagga@127.0.0.1/db", "not a valid"},
		"another scheme":            {"mysql://u:zebra@quagga/db", "not a valid"},
		"a parameter of no meaning": {"postgres://u:zebra-quagga@127.0.0.1:1/db?sslmode=zebra", "not a valid"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.ParseURL(tt.url)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), "zebra") || strings.Contains(err.Error(), "quagga")) {
				t.Errorf("error contains a part of the password: %v", err)
			}
		})
	}
}

// TestSentences: errors of a real server say in words what is wrong and what to do.
func TestSentences(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t)
	url := pool.Config().ConnString()
	changed := func(change func(*pgx.ConnConfig)) func() error {
		return func() error {
			c, err := pgx.ParseConfig(url)
			if err != nil {
				return err
			}
			change(c)
			conn, err := pgx.ConnectConfig(t.Context(), c)
			if err == nil {
				conn.Close(t.Context())
			}
			return err
		}
	}
	exec := func(sql string) func() error {
		return func() error {
			_, err := pool.Exec(t.Context(), sql)
			return err
		}
	}
	tests := map[string]struct {
		err   func() error
		want  string
		waits bool
	}{
		"no schema":          {exec("SELECT * FROM zebra"), "run crmsync schema up first", false},
		"an older schema":    {exec("SELECT zebra FROM items"), "run crmsync schema up first", false},
		"no such user":       {changed(func(c *pgx.ConnConfig) { c.User = "zebra" }), "there is no such user", true},
		"no such database":   {changed(func(c *pgx.ConnConfig) { c.Database = "zebra" }), "there is no such database", true},
		"read-only":          {exec("BEGIN READ ONLY; DELETE FROM items; COMMIT"), "the server is read-only", true},
		"a parameter":        {changed(func(c *pgx.ConnConfig) { c.RuntimeParams["zebra"] = "zebra" }), "SQLSTATE 42704", false},
		"out of connections": {func() error { return &pgconn.PgError{Code: "53300", Message: "zebra"} }, "Raise max_connections", true},
		"disk full":          {func() error { return &pgconn.PgError{Code: "53100", Message: "zebra"} }, "the disk is full", true},
		"wrong password":     {func() error { return &pgconn.PgError{Code: "28P01", Message: "zebra"} }, "Correct the user and password", true},
		"no server":          {changed(func(c *pgx.ConnConfig) { c.Host, c.Port, c.Fallbacks = "127.0.0.1", 1, nil }), "connection refused", true},
		"no such host": {changed(func(c *pgx.ConnConfig) {
			c.Host, c.Fallbacks = "nowhere.invalid", nil
			c.LookupFunc = func(context.Context, string) ([]string, error) {
				return nil, &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}
			}
		}), "lookup nowhere.invalid: no such host", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := postgres.Wrap("testing", tt.err())
			if err == nil || !strings.HasPrefix(err.Error(), "testing: postgres") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "zebra") {
				t.Errorf("error repeats the server's message: %v", err)
			}
			var waits interface{ RetryAfter() time.Duration }
			if errors.As(err, &waits) != tt.waits {
				t.Errorf("waits: %v, want %v", !tt.waits, tt.waits)
			}
		})
	}
}
