package cli

import (
	"context"
	"errors"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestRoles goes the way of an operator: roles, schema as the owner, roles again; then an event through an ingest that may
// only insert jobs and a worker that may only read and write rows.
func TestRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("DROP SCHEMA public CASCADE; CREATE SCHEMA public") // as a new database has it
	roles, err := os.ReadFile("../../deploy/postgres/roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	w.exec(string(roles))
	own := w.env["DATABASE_URL"]
	w.env["DATABASE_URL"] = as(t, own, "crmsync_owner")
	if code, _, stderr := w.command("schema", "up"); code != exitDone {
		t.Fatalf("schema up as the owner exited with %d: %s", code, stderr)
	}
	w.exec(string(roles))

	w.env["SCHEMA_UP"] = "off"
	w.env["DATABASE_URL"] = as(t, own, "crmsync_ingest")
	w.start("ingest")
	w.env["DATABASE_URL"] = as(t, own, "crmsync_worker")
	w.start("worker")
	w.subscribe()
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.quiet()
	w.record("Lead", lead)
	w.monday.DeleteItem(lead)
	w.quiet()
	w.none("Lead")

	before := w.count("SELECT count(*) FROM river_job")
	for range 2 { // an event that comes again, and one that nobody can read, which becomes a dead letter
		for _, body := range []string{`{"event":{"type":"create_pulse","boardId":1001,"pulseId":77,"triggerUuid":"roles","triggerTime":"2026-09-23T12:03:55.044Z"}}`, `not JSON`} {
			w.deliver(body)
		}
	}
	w.expect(before+2, "SELECT count(*) FROM river_job")
	w.told("unreadable")
	if code, _, stderr := w.command("replay", "--all"); code != exitDone {
		t.Errorf("replay as the worker exited with %d: %s", code, stderr)
	}
	w.refuses(own)
}

// refuses tries what the roles must not do.
func (w *world) refuses(own string) {
	w.t.Helper()
	tests := map[string][]string{
		"crmsync_ingest": {
			"SELECT FROM items", "SELECT FROM links", "SELECT FROM sync_logs", "SELECT FROM error_logs", "SELECT FROM dead_letters",
			"SELECT FROM river_queue", "UPDATE river_job SET state = 'available'", "UPDATE river_job SET args = '{}'", "DELETE FROM river_job",
			"TRUNCATE river_job", "INSERT INTO sync_logs DEFAULT VALUES", "SELECT setval('river_job_id_seq', 1)", "CREATE TABLE mine (id int)",
			"CREATE TEMPORARY TABLE mine (id int)", "SET ROLE crmsync_owner", "SET ROLE crmsync_worker",
		},
		"crmsync_worker": {
			"CREATE TABLE mine (id int)", "CREATE TEMPORARY TABLE mine (id int)", "CREATE SCHEMA mine", "DROP TABLE items", "ALTER TABLE items ADD mine int",
			"CREATE INDEX mine ON items (name)", "TRUNCATE items", "DELETE FROM river_migration", "INSERT INTO goose_db_version DEFAULT VALUES",
			"SET ROLE crmsync_owner",
		},
	}
	for role, statements := range tests {
		conn, err := pgx.Connect(w.t.Context(), own)
		if err != nil {
			w.t.Fatal(err)
		}
		defer conn.Close(context.Background())
		// As if logged in by the role: a session of a superuser may always set any role.
		if _, err := conn.Exec(w.t.Context(), "SET SESSION AUTHORIZATION "+role); err != nil {
			w.t.Fatal(err)
		}
		for _, statement := range statements {
			_, err := conn.Exec(w.t.Context(), statement)
			var refused *pgconn.PgError
			if !errors.As(err, &refused) || refused.Code != pgerrcode.InsufficientPrivilege {
				w.t.Errorf("%s as %s: got %v, want insufficient privilege", statement, role, err)
			}
		}
	}
}

// as is the database's URL with the rights of a role, whatever the server's way to log in.
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
