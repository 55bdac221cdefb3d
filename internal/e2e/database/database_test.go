// Package database_test runs the program on Postgres as it is found in practice: with TLS, in a schema, with few
// connections, with a full disk, restarted, and failed over.
package database_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	"crmsync/internal/pglocal"
	"crmsync/internal/stage"
)

// with adds a parameter to a URL.
func with(t *testing.T, database, name, value string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

// synced checks that each item has its one record, and shows it.
func synced(w *e2e.World, items []int64) {
	w.T.Helper()
	for _, item := range items {
		if id := w.Record("Account", item)["Id"]; w.Shown(item, "text_sfid") != id {
			w.T.Errorf("item %d shows %q, want %v", item, w.Shown(item, "text_sfid"), id)
		}
	}
	w.Healthy()
}

// TestSchema: everything is in the schema that search_path names, and nothing in another one.
func TestSchema(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Exec("DROP SCHEMA public CASCADE")
	w.Exec("CREATE SCHEMA crm")
	w.Env["DATABASE_URL"] = with(t, w.Env["DATABASE_URL"], "search_path", "crm")
	w.Start("serve")
	w.Subscribe()
	items := w.Items(e2e.Accounts, 5, "Account ")
	w.Eventually("all is done", func() bool {
		return w.Monday.Pending() == 0 && w.Count("SELECT count(*) FROM crm.river_job WHERE state <> 'completed'") == 0 && w.Monday.Pending() == 0
	})
	for _, item := range items {
		w.Record("Account", item)
	}
	w.Expect(5, "SELECT count(*) FROM crm.items")
	w.Expect(0, "SELECT count(*) FROM crm.dead_letters")
	w.Expect(0, `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname NOT IN ('crm', 'pg_catalog', 'information_schema', 'pg_toast') AND c.relkind IN ('r', 'S', 'i')`)
	if status := w.Crmsync("status"); !strings.Contains(status, "dead letters") {
		t.Errorf("status says\n%s", status)
	}
}

// TestNoSchema: a schema that does not exist is refused at the start, with a clear error.
func TestNoSchema(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Env["DATABASE_URL"] = with(t, w.Env["DATABASE_URL"], "search_path", "nowhere")
	for _, command := range []string{"schema up", "serve"} {
		code, _, stderr := w.Command(strings.Fields(command)...)
		if code == cli.ExitDone || !strings.Contains(stderr, "there is no such schema. Correct the search_path") {
			t.Errorf("%s: exit code %d, %q", command, code, stderr)
		}
	}
}

// TestFewConnections: a role, or the URL, allows fewer connections than a process wants. The process uses what it
// gets, leaves one for a command, and says so. If there are too few, it says at the start what to do.
func TestFewConnections(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	role := "few_" + w.Text("SELECT current_database()")
	w.Exec("DROP SCHEMA public CASCADE")
	w.Exec(fmt.Sprintf("CREATE ROLE %s LOGIN CONNECTION LIMIT 5", role))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, sql := range []string{"DROP OWNED BY " + role + " CASCADE", "DROP ROLE " + role} {
			if _, err := w.DB.Exec(ctx, sql); err != nil {
				t.Error(err)
			}
		}
	})
	w.Exec(fmt.Sprintf("CREATE SCHEMA public AUTHORIZATION %s", role))
	u, err := url.Parse(w.Env["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	super := u.String()
	u.User = url.User(role)
	w.Env["DATABASE_URL"] = u.String()
	stop := w.Start("serve")
	w.Subscribe()
	items := w.Items(e2e.Accounts, 30, "Account ")
	w.Deliver("not JSON")
	w.Quiet()
	for _, item := range items {
		w.Record("Account", item)
	}
	w.Expect(1, "SELECT count(*) FROM dead_letters")
	if log := w.Logs[0]; !log.Contains(`"allowed":4,"wanted":12`) {
		t.Errorf("the log does not say how few there are:\n%s", log.Tail(20))
	}
	stop()
	w.Eventually("its connections have ended", func() bool { return w.Count("SELECT count(*) FROM pg_stat_activity WHERE usename = $1", role) == 0 })

	w.Exec(fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT 4", role))
	refused := map[string]string{u.String(): "Raise the limit of the role", with(t, super, "pool_max_conns", "3"): "Raise pool_max_conns"}
	for database, want := range refused {
		w.Env["DATABASE_URL"] = database
		code, _, stderr := w.Command("serve")
		if code != cli.ExitUsage || !strings.Contains(stderr, "3 connections are not enough, each process needs at least 4. "+want) {
			t.Errorf("%s: exit code %d, %q", want, code, stderr)
		}
	}
}

// TestDiskFull: while Postgres rejects rows for lack of space, Monday is answered with 503 and delivers again, workers
// wait, and nothing costs an attempt. Once there is space, everything continues.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	// The items of a failed commit stay leased for JOB_TIMEOUT and 15 seconds.
	w := e2e.Serving(t, e2e.With("JOB_TIMEOUT", "2s"), e2e.With("RESCUE_AFTER", "4s"))
	items := w.Items(e2e.Accounts, 3, "Account ")
	w.Quiet()
	w.Exec(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$`)
	full := func(table, when string) {
		w.Exec(fmt.Sprintf("CREATE TRIGGER full_disk BEFORE %s ON %s FOR EACH STATEMENT EXECUTE FUNCTION full_disk()", when, table))
	}
	room := func(table string) { w.Exec("DROP TRIGGER full_disk ON " + table) }

	full("river_job", "INSERT")
	items = append(items, w.Items(e2e.Accounts, 3, "Account ")...)
	log := w.Logs[0]
	w.Eventually("the log says what is wrong", func() bool { return log.Contains("the disk is full. Make room") })
	if n := w.Monday.Pending(); n == 0 {
		t.Error("Monday counts deliveries that could not be stored as done")
	}
	full("sync_logs", "INSERT")
	room("river_job")
	w.Eventually("events are stored and wait", func() bool {
		return w.Monday.Pending() == 0 && w.Count("SELECT count(*) FROM river_job WHERE state <> 'completed' AND (metadata->>'snoozes')::int > 0") > 0
	})
	room("sync_logs")
	w.Quiet()
	synced(w, items)
}

// TestFailover: Postgres restarts while the program works, cleanly and by a crash, and for a while the URL leads to a
// standby that rejects writes.
func TestFailover(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, func(_ *e2e.World, c *stage.Config) {
		c.Database, c.Postgres = "", &pglocal.Config{Testing: true}
	})
	w.Start("serve")
	w.Subscribe()
	items := w.Items(e2e.Accounts, 40, "Account ")
	for _, mode := range []pglocal.Mode{pglocal.Fast, pglocal.Immediate} {
		if err := w.Postgres.Restart(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
		items = append(items, w.Items(e2e.Accounts, 20, "Account ")...)
	}
	w.Exec("ALTER DATABASE postgres SET default_transaction_read_only = on")
	w.Exec(terminate)
	items = append(items, w.Items(e2e.Accounts, 20, "Account ")...)
	log := w.Logs[0]
	w.Eventually("the log says what is wrong", func() bool { return log.Contains("the server is read-only") })
	w.Exec("SET default_transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only")
	w.Exec(terminate)
	w.Quiet()
	synced(w, items)
}

// terminate ends the program's connections, as a failover does.
const terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crmsync'"
