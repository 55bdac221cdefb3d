package migrate_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// leadsOnly is a mapping with labels that a board may lack.
const leadsOnly = `
version: 1
boards:
  leads:
    board: 1003
    migrate: { record: lead }
    records:
      lead:
        object: Lead
        id_column: text_sfid
        fields:
          FirstName: { from: name, as: first_name }
          LastName: { from: name, as: last_name }
          Company: company
          Email: email
          Rating: { from: status, labels: { Qualified: Hot, Follow-up: Warm, Hopeless: Cold } }
          Industry: interests
`

// failing runs a command that must exit with 1, and returns its output on both streams.
func failing(t *testing.T, w *e2e.World, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := w.Command(args...)
	if code != cli.ExitFailed {
		t.Fatalf("crmsync %s exited with %d, want 1:\n%s\n%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout, stderr
}

// rejecting makes Monday reject every new item while on returns true, each for the same reason.
func rejecting(w *e2e.World, code string, on func() bool) {
	var nulls, errors []string
	for n := range 50 {
		nulls = append(nulls, fmt.Sprintf(`"a%d":null`, n))
		errors = append(errors, fmt.Sprintf(`{"message":"x","path":["a%d"],"extensions":{"code":%q,"status_code":200}}`, n, code))
	}
	body := `{"data":{` + strings.Join(nulls, ",") + `},"errors":[` + strings.Join(errors, ",") + `]}`
	w.Monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(c.Operation, "create_item") && on() {
			return &mondaysim.Fault{Status: http.StatusOK, Body: body}
		}
		return nil
	})
}

// forgetOverlap moves the end of the last run forward so that the next one reads none of its records again.
func forgetOverlap(w *e2e.World) {
	w.Exec(`UPDATE migration_runs SET cursor = cursor || jsonb_build_object('at', to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`)
}

// TestMigrateLeavesColumnOut: a value that Monday rejects is left out and reported, and the item is created. The
// engine, which gets the item's event, does not mistake the empty column for a change. Once the value is valid, the
// next run writes it.
func TestMigrateLeavesColumnOut(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	w.Start("serve")
	w.Subscribe(e2e.Accounts)
	w.Plant(60)
	site := w.Salesforce.Insert("Account", map[string]any{"Name": "Odd site", "Website": "company.example.org", "Phone": "+1 212 555 0100"})
	both := w.Salesforce.Insert("Account", map[string]any{"Name": "Odd both", "Website": "company.example.org", "Phone": "call Ada"})
	w.Salesforce.Insert("Account", map[string]any{"Name": strings.Repeat("ö", 255)})
	stdout, stderr := failing(t, w, "migrate", "accounts")
	if !strings.Contains(stderr, "the items of 2 records of accounts lack a column that Monday rejected") {
		t.Errorf("the command says:\n%s\n%s", stdout, stderr)
	}
	w.Quiet()
	items := w.Paired("Account", e2e.Accounts, 63)
	if text := items[site].Text; text["website"] != "" || text["phone"] != "+1 212 555 0100" {
		t.Errorf("item of the record with one bad value: %v", text)
	}
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE (read, created, failed, left_out) = (63, 63, 0, 2) AND state = 'done'")
	for id, columns := range map[string][]string{site: {"website"}, both: {"website", "phone"}} {
		for _, column := range columns {
			w.Expect(1, `SELECT count(*) FROM error_logs WHERE salesforce_id = $1 AND column_id = $2 AND item_id = $3 AND code = 'ColumnValueException'
				AND event = 'migrate_board'`, id, column, items[id].ID)
		}
	}
	w.Expect(3, "SELECT count(*) FROM error_logs")
	w.Holds(w.Salesforce.Get("Account", both), map[string]any{"Website": "company.example.org", "Phone": "call Ada"})

	forgetOverlap(w)
	w.Salesforce.Update("Account", site, map[string]any{"Website": "https://company.example.org"})
	if _, stderr := failing(t, w, "migrate", "accounts"); !strings.Contains(stderr, "the items of 1 record of accounts lack a column") {
		t.Errorf("the second run says:\n%s", stderr)
	}
	w.Quiet()
	if got := w.Shown(items[site].ID, "website"); got != "https://company.example.org" {
		t.Errorf("after the value was corrected the item shows %q", got)
	}
	w.Expect(1, "SELECT count(*) FROM migration_failed WHERE salesforce_id = $1 AND columns @> '{website,phone}' AND runs = 2", both)
	w.Expect(1, "SELECT count(*) FROM migration_failed")
	w.Expect(0, "SELECT count(*) FROM dead_letters")
}

// TestMigrateMissingLabel: a label that the board does not have is left out, and a dry run reports it beforehand.
func TestMigrateMissingLabel(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(leadsOnly))
	for n, values := range []map[string]any{{"Rating": "Hot"}, {"Rating": "Cold"}, {"Rating": "Cold", "Industry": "Banking"}, {"Rating": "Warm", "Industry": "Training"}} {
		values["LastName"], values["Company"] = fmt.Sprint("King ", n), "Engines"
		w.Salesforce.Insert("Lead", values)
	}
	report := w.Crmsync("migrate", "--dry-run")
	for _, line := range []string{
		"leads: of 4 records 4 would be created",
		`status (Rating): the board has no label "Hopeless"; 2 of the items would lack the column.`,
		`interests (Industry): the board has no label "Banking"; 1 of the items would lack the column.`,
	} {
		if !strings.Contains(report, line) {
			t.Errorf("the dry run does not say %q:\n%s", line, report)
		}
	}
	failing(t, w, "migrate")
	w.Paired("Lead", e2e.Leads, 4)
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE (created, failed, left_out) = (4, 0, 2)")
	w.Expect(2, "SELECT count(*) FROM error_logs WHERE column_id = 'status'")
	w.Expect(1, "SELECT count(*) FROM error_logs WHERE column_id = 'interests'")
	for _, item := range w.Monday.Items(e2e.Leads) {
		rating := w.Record("Lead", item.ID)["Rating"]
		if want := map[any]string{"Hot": "Qualified", "Warm": "Follow-up", "Cold": ""}[rating]; item.Text["status"] != want {
			t.Errorf("item of a %v lead shows %q, want %q", rating, item.Text["status"], want)
		}
	}
}

// TestMigrateMissingColumn: a board that lacks what every item needs is reported before anything is created.
func TestMigrateMissingColumn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ from, to, want string }{
		"group":     {"group: imported", "group: bygone", `board contacts (1002) has no group "bygone", where new items go`},
		"id column": {"id_column: text_sfid\n        fields:\n          FirstName", "id_column: text_bygone\n        fields:\n          FirstName", `board contacts (1002) has no column "text_bygone"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := fmt.Sprintf(e2e.Migrating, "")
			w := e2e.Setup(t, e2e.Mapped(strings.Replace(text, tt.from, tt.to, 1)))
			w.Plant(30)
			if _, stderr := failing(t, w, "migrate"); !strings.Contains(stderr, "the import of contacts failed: "+tt.want) {
				t.Errorf("the command says:\n%s", stderr)
			}
			w.Expect(1, "SELECT count(*) FROM migration_runs WHERE board = 'contacts' AND state = 'failed' AND read = 0 AND cursor = '{}'")
			if n := w.Monday.Calls()["create_item"]; n != 1 {
				t.Errorf("%d calls that create, want one for the accounts", n)
			}
			w.Env["MAPPING"] = w.Mapping(text)
			w.Crmsync("migrate")
			w.Paired("Contact", e2e.Contacts, 30)
		})
	}
}

// TestMigrateFailsWhole: a page whose records are all rejected for one reason stops the run at that page. The next run
// attempts all of them.
func TestMigrateFailsWhole(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	var refuse atomic.Bool
	rejecting(w, "ResourceNotFoundException", refuse.Load)
	w.Plant(60)
	refuse.Store(true)
	for run := range 2 { // the second one knows that they failed before
		if _, stderr := failing(t, w, "migrate", "accounts"); !strings.Contains(stderr, "all 60 records of a page that needed an item or a change failed for the same reason") ||
			!strings.Contains(stderr, "ResourceNotFoundException") {
			t.Errorf("run %d says:\n%s", run, stderr)
		}
		w.Expect(run+1, "SELECT count(*) FROM migration_runs WHERE state = 'failed' AND failed = 60 AND NOT cursor ? 'at'")
		w.Expect(run+1, "SELECT count(*) FROM error_logs")
	}
	w.Expect(60, "SELECT count(*) FROM migration_failed WHERE runs = 2")
	refuse.Store(false)
	w.Crmsync("migrate", "accounts")
	w.Paired("Account", e2e.Accounts, 60)
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'done' AND (read, created, failed) = (60, 60, 0)")
	w.Expect(0, "SELECT count(*) FROM migration_failed")
	w.Expect(0, "SELECT count(*) FROM migration_documents")
}

// TestMigrateKeysRejected: if Salesforce rejects the keys of all records, the created items stay linked, the run stops
// at that page, and the next one writes the keys.
func TestMigrateKeysRejected(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	w.Plant(60)
	ids := w.Salesforce.Records("Account")
	for _, record := range ids[1:] {
		w.Salesforce.Lock("Account", record["Id"].(string), true)
	}
	failing(t, w, "migrate", "accounts")
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'done' AND (read, created, failed) = (60, 1, 59)")
	w.Expect(60, "SELECT count(*) FROM links")
	w.Expect(59, "SELECT count(*) FROM error_logs WHERE code = 'ENTITY_IS_LOCKED'")
	for _, record := range ids[1:] {
		w.Salesforce.Lock("Account", record["Id"].(string), false)
	}
	forgetOverlap(w)
	w.Crmsync("migrate", "accounts")
	w.Paired("Account", e2e.Accounts, 60)
	w.Expect(0, "SELECT count(*) FROM migration_failed")
}

// TestMigrateHeavyOrg: an org whose triggers can handle only few rows at once gets its keys in small calls.
func TestMigrateHeavyOrg(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	w.Salesforce.LimitRows("Account", 20)
	w.Plant(250)
	w.Crmsync("migrate", "accounts")
	w.Paired("Account", e2e.Accounts, 250)
	w.Healthy()
}

// TestMigrateRetriesFailed: failed records are attempted by the next run, however old they are; those that are gone are
// dropped.
func TestMigrateRetriesFailed(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	w.Plant(30)
	w.Crmsync("migrate", "accounts")
	var refuse atomic.Bool
	rejecting(w, "UserUnauthorizedException", refuse.Load)
	var later []string
	for n := range 3 {
		later = append(later, w.Salesforce.Insert("Account", map[string]any{"Name": fmt.Sprint("Late ", n)}))
	}
	w.Salesforce.Update("Account", w.Salesforce.Records("Account")[0]["Id"].(string), map[string]any{"Phone": "+1 212 555 0999"})
	refuse.Store(true)
	if _, stderr := failing(t, w, "migrate", "accounts"); !strings.Contains(stderr, "3 records of accounts failed") {
		t.Errorf("the command says:\n%s", stderr)
	}
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'done' AND (updated, failed) = (1, 3)")
	w.Expect(3, "SELECT count(*) FROM migration_failed WHERE code = 'UserUnauthorizedException'")

	refuse.Store(false)
	forgetOverlap(w)
	w.Salesforce.Delete("Account", later[2])
	if report := w.Crmsync("migrate", "accounts", "--dry-run"); !strings.Contains(report, "accounts: of 2 records 2 would be created") {
		t.Errorf("dry run:\n%s", report)
	}
	w.Crmsync("migrate", "accounts")
	w.Paired("Account", e2e.Accounts, 32)
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'done' AND (read, created, failed) = (2, 2, 0)")
	w.Expect(0, "SELECT count(*) FROM migration_failed")
}

// TestMigrateShortIDs: an Id of 15 characters, as in reports, identifies the record.
func TestMigrateShortIDs(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	w.Plant(20)
	showing := map[string]int64{}
	for n, record := range w.Salesforce.Records("Account") {
		id := record["Id"].(string)
		shown := id[:15]
		if n%3 == 0 {
			shown = id
		}
		showing[id] = w.Monday.CreateItem(e2e.Accounts, record["Name"].(string), map[string]any{"text_sfid": shown})
	}
	w.Crmsync("migrate", "accounts")
	if n := len(w.Monday.Items(e2e.Accounts)); n != 20 {
		t.Errorf("%d items of 20 records", n)
	}
	for id, item := range showing {
		w.Expect(1, "SELECT count(*) FROM links WHERE item_id = $1 AND salesforce_id = $2", item, id)
		w.Holds(w.Salesforce.Get("Account", id), map[string]any{e2e.Key: fmt.Sprint(item)})
	}
	w.Healthy()
}

// TestMigrateStaleIndex: if the index still finds an item by an Id that it no longer shows, the record gets an item of
// its own.
func TestMigrateStaleIndex(t *testing.T) {
	t.Parallel()
	var ago atomic.Int64 // by how much Monday's clock is behind
	w := e2e.Migrated(t, "", e2e.Monday(func(c *mondaysim.Config) {
		c.IndexLag = time.Hour
		c.Now = func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) }
	}))
	one := w.Salesforce.Insert("Account", map[string]any{"Name": "One"})
	other := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Other"})
	ago.Store(int64(2 * time.Hour))
	item := w.Monday.CreateItem(e2e.Accounts, "One", map[string]any{"text_sfid": one})
	ago.Store(0)
	w.Monday.SetColumn(item, "text_sfid", other)
	w.Crmsync("migrate", "accounts")
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'done' AND (read, created) = (1, 1)")
	w.Expect(1, "SELECT count(*) FROM links WHERE salesforce_id = $1 AND item_id <> $2", one, item)
	w.Healthy()
}

// TestMigrateBudget: if Monday does not say what is left of its budget, the run continues; if little is left, it waits
// and logs why. So does status.
func TestMigrateBudget(t *testing.T) {
	t.Parallel()
	unknown := e2e.Migrated(t, "", e2e.Monday(func(c *mondaysim.Config) { c.NoComplexity = true }))
	unknown.Plant(60)
	unknown.Crmsync("migrate", "accounts")
	unknown.Paired("Account", e2e.Accounts, 60)

	now := time.Now() // the budget's minute does not end, however long the run takes
	short := e2e.Migrated(t, "", e2e.With("LOG_LEVEL", "info"), e2e.Monday(func(c *mondaysim.Config) {
		c.ComplexityPerMinute, c.Now = 60_000, func() time.Time { return now }
	}))
	short.Plant(60)
	ctx, cancel := context.WithCancel(t.Context())
	log := &e2e.LogBuffer{}
	code := make(chan int, 1)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the command:\n%s", log.Tail(40))
		}
	})
	go func() { code <- cli.Run(ctx, []string{"migrate", "accounts"}, short.Getenv, log, log) }()
	short.Eventually("the command says why it waits", func() bool {
		return log.Contains("board accounts (1001) waits: the remaining calls of Monday are reserved for live events. It looks again at ")
	})
	short.Eventually("status says why it waits", func() bool {
		_, status, _ := short.Command("status")
		return len(code) > 0 || strings.Contains(status, "Import of accounts waits: the remaining calls of Monday are reserved for live events. It looks again at ")
	})
	cancel()
	if got := <-code; got != cli.ExitDone {
		t.Errorf("exited with %d:\n%s", got, log.Tail(20))
	}
}

// TestMigrateWithoutSchema: if there are no tables and the command must not create them, it says so.
func TestMigrateWithoutSchema(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	w.Env["SCHEMA_UP"] = "off"
	w.Exec("DROP SCHEMA public CASCADE")
	w.Exec("CREATE SCHEMA public")
	for _, args := range [][]string{{"migrate", "--dry-run"}, {"migrate", "--history"}} {
		_, stderr := failing(t, w, args...)
		if !strings.Contains(stderr, "run crmsync schema up first") || strings.Contains(stderr, "SQLSTATE") {
			t.Errorf("crmsync %s says:\n%s", strings.Join(args, " "), stderr)
		}
	}
}

// TestMigrateOldWorker: a worker with an older mapping leaves the job of an unknown board to a worker with the newer
// one.
func TestMigrateOldWorker(t *testing.T) {
	t.Parallel()
	text := fmt.Sprintf(e2e.Migrating, "")
	old := strings.Replace(text, `    migrate: { record: account, columns: { text_note: Description } }`+"\n", "", 1)
	w := e2e.Setup(t, e2e.Mapped(old))
	w.Start("worker")
	w.Env["MAPPING"] = w.Mapping(text)
	w.Plant(30)
	w.Crmsync("migrate", "accounts")
	w.Paired("Account", e2e.Accounts, 30)
	w.Healthy()
}

// TestMigrateJobEnds: a job that ends before its run starts ends the command with the job's error.
func TestMigrateJobEnds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ end, want string }{
		"cancelled": {"UPDATE river_job SET state = 'cancelled', finalized_at = now() WHERE kind = 'migrate_board'", "the import of accounts failed: cancelled"},
		"discarded": {
			`UPDATE river_job SET state = 'discarded', finalized_at = now(), errors = ARRAY['{"error":"no such luck"}']::jsonb[] WHERE kind = 'migrate_board'`,
			"the import of accounts failed: no such luck",
		},
		"deleted": {"DELETE FROM river_job WHERE kind = 'migrate_board'", "the import of accounts failed: its job is gone from the queue"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Migrated(t, "")
			w.Plant(1)
			// The job waits until the queue is resumed.
			w.Exec("CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.state = 'scheduled'; NEW.scheduled_at = now() + interval '1 hour'; RETURN NEW; END $$")
			w.Exec("CREATE TRIGGER late BEFORE INSERT ON river_job FOR EACH ROW EXECUTE FUNCTION late()")
			log := &e2e.LogBuffer{}
			code := make(chan int, 1)
			go func() { code <- cli.Run(t.Context(), []string{"migrate", "accounts"}, w.Getenv, log, log) }()
			w.Eventually("the job waits", func() bool { return w.Count("SELECT count(*) FROM river_job WHERE kind = 'migrate_board'") == 1 })
			w.Exec(tt.end)
			if got := <-code; got != cli.ExitFailed || !log.Contains(tt.want) {
				t.Errorf("exited with %d:\n%s", got, log.Tail(20))
			}
		})
	}
}
