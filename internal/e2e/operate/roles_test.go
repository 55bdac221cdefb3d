package operate_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
)

// TestRoles follows an operator's steps: roles, schema as the owner, roles again; then it sends an event through an
// ingest that may only insert jobs and a worker that may only read and write rows.
func TestRoles(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Exec("DROP SCHEMA public CASCADE; CREATE SCHEMA public") // as a new database has it
	roles, err := os.ReadFile("../../../deploy/postgres/roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	w.Exec(string(roles))
	own := w.Env["DATABASE_URL"]
	w.Env["DATABASE_URL"] = as(t, own, "crmsync_owner")
	if code, _, stderr := w.Command("schema", "up"); code != cli.ExitDone {
		t.Fatalf("schema up as the owner exited with %d: %s", code, stderr)
	}
	w.Exec(string(roles))

	w.Env["SCHEMA_UP"] = "off"
	w.Env["DATABASE_URL"] = as(t, own, "crmsync_ingest")
	w.Start("ingest")
	w.Env["DATABASE_URL"] = as(t, own, "crmsync_worker")
	w.Start("worker")
	w.Subscribe()
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	w.Record("Lead", lead)
	w.Monday.DeleteItem(lead)
	w.Quiet()
	w.None("Lead")

	w.Expect(2, "SELECT count(*) FROM processes")

	before := w.Count("SELECT count(*) FROM river_job")
	for range 2 { // a repeated event, and an unreadable one, which becomes a dead letter
		for _, body := range []string{`{"event":{"type":"create_pulse","boardId":1001,"pulseId":77,"triggerUuid":"roles","triggerTime":"2026-09-23T12:03:55.044Z"}}`, `not JSON`} {
			w.Deliver(body)
		}
	}
	w.Expect(before+2, "SELECT count(*) FROM river_job")
	w.Message("unreadable")
	for _, args := range [][]string{
		{"replay", "--all"}, {"plan", "leads"}, {"apply", "leads", "--yes"}, {"held"}, {"status"}, {"errors"}, {"conflicts"},
		{"subject", "--email", "ada@example.org"}, {"erase", "--item", fmt.Sprint(lead), "--suppress"},
	} {
		if code, _, stderr := w.Command(args...); code != cli.ExitDone {
			t.Errorf("%v as the worker exited with %d: %s", args, code, stderr)
		}
	}
	w.Quiet()
	w.Expect(1, "SELECT count(*) FROM sync_log_history WHERE event = 'unreadable'")
	w.Expect(0, `SELECT count(*) FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p
		WHERE  relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT IN ('goose_db_version', 'river_migration')
		AND    NOT has_table_privilege('crmsync_worker', c.oid, p)`)
	w.Env["DATABASE_URL"] = as(t, own, "crmsync_console")
	for _, args := range [][]string{{"status"}, {"errors"}, {"logs", "export"}, {"replay"}, {"subject", "--email", "ada@example.org"}} {
		if code, _, stderr := w.Command(args...); code != cli.ExitDone {
			t.Errorf("%v as the console exited with %d: %s", args, code, stderr)
		}
	}
	for _, args := range [][]string{{"replay", "--all"}, {"erase", "--item", fmt.Sprint(lead)}} {
		if code, _, _ := w.Command(args...); code != cli.ExitFailed {
			t.Errorf("%v as the console exited with %d", args, code)
		}
	}
	for n, log := range w.Logs {
		for _, word := range []string{"permission denied", "lacks a right", "42501"} {
			if log.Contains(word) {
				t.Errorf("process %d lacks a right: %s", n, log.Tail(20))
			}
		}
	}
	denies(w, own)
}

// denies attempts what the roles must not be able to do.
func denies(w *e2e.World, own string) {
	w.T.Helper()
	tests := map[string][]string{
		"crmsync_ingest": {
			"SELECT FROM river_job", "SELECT args FROM river_job", "SELECT id FROM river_job", "COPY river_job TO STDOUT",
			"UPDATE river_job SET kind = kind", "INSERT INTO river_job (kind) VALUES ('x') RETURNING id", "SELECT FROM causes", "SELECT FROM operations",
			"SELECT FROM conflicts", "SELECT FROM items", "SELECT FROM links", "SELECT FROM sync_logs", "SELECT FROM error_logs", "SELECT FROM dead_letters",
			"SELECT FROM river_queue", "UPDATE river_job SET state = 'available'", "UPDATE river_job SET args = '{}'", "DELETE FROM river_job",
			"TRUNCATE river_job", "INSERT INTO sync_logs DEFAULT VALUES", "SELECT setval('river_job_id_seq', 1)", "CREATE TABLE mine (id int)",
			"CREATE TEMPORARY TABLE mine (id int)", "SET ROLE crmsync_owner", "SET ROLE crmsync_worker",
		},
		"crmsync_console": {
			"INSERT INTO operations DEFAULT VALUES", "UPDATE items SET name = ''", "DELETE FROM sync_logs", "UPDATE dead_letters SET replayed_at = now()",
			"INSERT INTO river_job (kind) VALUES ('x')", "SELECT nextval('river_job_id_seq')", "CREATE TABLE mine (id int)", "SET ROLE crmsync_worker",
		},
		"crmsync_worker": {
			"CREATE TABLE mine (id int)", "CREATE TEMPORARY TABLE mine (id int)", "CREATE SCHEMA mine", "DROP TABLE items", "ALTER TABLE items ADD mine int",
			"CREATE INDEX mine ON items (name)", "TRUNCATE items", "DELETE FROM river_migration", "INSERT INTO goose_db_version DEFAULT VALUES",
			"SET ROLE crmsync_owner",
		},
	}
	for role, statements := range tests {
		conn, err := pgx.Connect(w.T.Context(), own)
		if err != nil {
			w.T.Fatal(err)
		}
		defer conn.Close(context.Background())
		// As if logged in as the role: a superuser's session can always set any role.
		if _, err := conn.Exec(w.T.Context(), "SET SESSION AUTHORIZATION "+role); err != nil {
			w.T.Fatal(err)
		}
		for _, statement := range statements {
			_, err := conn.Exec(w.T.Context(), statement)
			var refused *pgconn.PgError
			if !errors.As(err, &refused) || refused.Code != pgerrcode.InsufficientPrivilege {
				w.T.Errorf("%s as %s: got %v, want insufficient privilege", statement, role, err)
			}
		}
	}
}

// as returns the database's URL with the rights of a role, whatever the server's authentication method.
func as(t *testing.T, database, role string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("options", "-crole="+role)
	u.RawQuery = q.Encode()
	return u.String()
}
