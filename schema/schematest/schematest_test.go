package schematest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m) // users of the package check their own goroutines
}

func TestNew(t *testing.T) {
	t.Parallel()
	first, second := New(t), New(t)
	if _, err := first.Exec(t.Context(), "INSERT INTO items (item_id, board_id) VALUES (1, 2)"); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{
		"first's items":  count(t, first, "items"),
		"second's items": count(t, second, "items"),
		"second's jobs":  count(t, second, "river_job"),
	}
	want := map[string]int{"first's items": 1, "second's items": 0, "second's jobs": 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func count(t *testing.T, pool *pgxpool.Pool, table string) int {
	t.Helper()
	var n int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	var name string
	ok := t.Run("user", func(t *testing.T) {
		pool := New(t)
		name = pool.Config().ConnConfig.Database
		conn, err := pgx.Connect(t.Context(), pool.Config().ConnString())
		if err != nil {
			t.Fatal(err)
		}
		// A connection that the test forgot does not prevent the drop.
		forgotten := context.WithoutCancel(t.Context())
		t.Cleanup(func() { conn.Close(forgotten) })
	})
	s, err := shared()
	if err != nil || !ok {
		t.Fatal(err)
	}
	if names := databases(t, s.url); slices.Contains(names, name) || !slices.Contains(names, s.template) {
		t.Errorf("databases = %q, want %q without %q", names, s.template, name)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	begin := func(fingerprint string) (template, database string, end func()) {
		t.Helper()
		session, err := open(t.Context(), s.url, fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.WithoutCancel(t.Context())
		end = func() {
			session.conn.Close(ctx)
			for isConnected(t, s.url, session.name) { // its backend ends a moment later
			}
		}
		t.Cleanup(end)
		if err := session.exec(t.Context(), "CREATE DATABASE "+session.name+"_1"); err != nil {
			t.Fatal(err)
		}
		return session.template, session.name + "_1", end
	}
	deadTemplate, dead, end := begin("dead")
	end()
	livingTemplate, living, _ := begin("living")
	_, lost, end := begin("living")
	end()
	begin("next")
	got := databases(t, s.url)
	for name, want := range map[string]bool{
		deadTemplate: false, dead: false, livingTemplate: true, living: true, lost: false,
	} {
		if slices.Contains(got, name) != want {
			t.Errorf("database %s exists = %v, want %v", name, !want, want)
		}
	}
}

// isConnected reports whether the server still has a connection of a session.
func isConnected(t *testing.T, url, session string) (connected bool) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	const query = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1)"
	if err := conn.QueryRow(ctx, query, session).Scan(&connected); err != nil {
		t.Fatal(err)
	}
	return connected
}

func databases(t *testing.T, url string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), "SELECT datname::text FROM pg_database")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestProcessesAtOnce does what `go test ./...` does: test binaries start and end concurrently and share a server
// that none of them was given. At first their home contains neither a server nor a template.
func TestProcessesAtOnce(t *testing.T) {
	home := t.TempDir()
	if err := os.Chmod(filepath.Dir(home), 0o755); err != nil { // root's server runs as another user
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("TEST_DATABASE_URL", "")
	var processes sync.WaitGroup
	for range 6 {
		processes.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNew$", "-test.count=3")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("test process: %v\n%s", err, out)
			}
		})
	}
	processes.Wait()

	// The server stops with its last user, which from here on is this process.
	server, err := startServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"postgres://u:p@h:5432/main?sslmode=disable": "h/other",
		"postgres://u@/main?host=%2Ftmp%2Fdir":       "/tmp/dir/other",
		"postgresql://h":                             "h/other",
		"host=h user=u dbname=main":                  "h/other",
	}
	for connString, want := range tests {
		config, err := pgx.ParseConfig(database(connString, "other"))
		if err != nil {
			t.Errorf("%s: %v", connString, err)
			continue
		}
		if got := strings.TrimPrefix(config.Host, "//") + "/" + config.Database; got != want {
			t.Errorf("%s: got %s, want %s", connString, got, want)
		}
	}
}
