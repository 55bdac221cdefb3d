package operate_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
)

// unescaped is the text of a row t, without the escapes of quotation marks in JSON and in rows.
const unescaped = `replace(replace(t::text, '\', ''), '""', '"')`

// tables are all tables of the database.
func tables(w *e2e.World) (all []string) {
	w.T.Helper()
	if err := json.Unmarshal([]byte(w.Text("SELECT json_agg(tablename ORDER BY tablename)::text FROM pg_tables WHERE schemaname = 'public'")), &all); err != nil {
		w.T.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// holders returns the tables that contain a text anywhere.
func holders(w *e2e.World, text string) (found []string) {
	w.T.Helper()
	for _, table := range tables(w) {
		if w.Count("SELECT count(*) FROM "+table+" t WHERE position(lower($1) IN lower("+unescaped+")) > 0", text) > 0 {
			found = append(found, table)
		}
	}
	return found
}

// labelled returns the tables that contain labels in quotation marks.
func labelled(w *e2e.World) []string { return append(holders(w, `"Lost"`), holders(w, `"New"`)...) }

// Tables that contain values of an item, and those that never may: a new table has to be listed, and erased.
var (
	holding = []string{"conflicts", "dead_letters", "error_logs", "item_keys", "items", "links", "migration_documents", "river_job",
		"sync_log_history", "sync_logs"}
	valueless = []string{"alert_channels", "alert_deliveries", "board_mappings", "causes", "deletions", "differences", "feeds", "goose_db_version",
		"hours", "leases", "migration_failed", "migration_runs", "migration_schedules", "monday_days", "operations", "outages", "planned_mappings",
		"processes", "river_leader", "river_migration", "river_notification",
		"river_queue", "sweeps", "waits"}
)

// TestErase fills every table that can contain a value of an item, and erases the item: nothing of it remains
// anywhere, what concerns other items stays, and later events are processed as before.
func TestErase(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Start("serve")
	w.Subscribe()
	w.Reject("Lead", "Email", "zebulon@example.org")
	item := w.Lead("Zebulon Quixote", "Quixote Mills", map[string]any{"email": e2e.Email("zebulon@example.org"), "amount": "971532468"})
	other := w.Lead("Zebulon Other", "Analytical Engines")
	w.Quiet()
	w.Monday.SetColumn(item, "status", e2e.Label("Lost")) // has no value for the opportunity's stage
	w.Quiet()
	w.Monday.Rename(item, "Zebulon Quixotic")
	w.Deliver(fmt.Sprintf(`{"event":{"type":"update_name","boardId":1003,"pulseId":%d,"value":"Quixotic","triggerTime":7}}`, item))
	w.Deliver(fmt.Sprintf(`{"event":{"type":"update_name","boardId":1003,"pulseId":%d,"value":"Zebulon","triggerTime":7}}`, other))
	w.Quiet()
	w.Crmsync("replay", "--all") // fails again, and the log keeps both ends
	w.Quiet()
	w.Monday.SetColumn(item, "status", e2e.Label("New")) // nor for this one
	w.Quiet()
	w.Alerted()
	w.Exec(`INSERT INTO conflicts (board_id, item_id, record, salesforce_id, field, column_id, base, monday, salesforce, rule)
		VALUES (1003, $1, 'lead', '', 'LastName', 'name', '"Quixote"', '"Quixotic"', '"Quixotix"', 'monday')`, item)
	w.Exec(`INSERT INTO migration_documents (key, board_id, records, creates)
		SELECT 'k', 1003, ARRAY[salesforce_id], '[{"name": "Quixote"}]' FROM links WHERE item_id = $1 AND record = 'lead'`, item)
	w.Salesforce.Update("Lead", w.Record("Lead", item)["Id"].(string), map[string]any{"Company": "Quixotic Drift"})
	w.Crmsync("apply", "leads", "--yes") // finds the drift, and leaves it
	w.Quiet()
	w.Expect(1, "SELECT count(*) FROM differences WHERE item_id = $1 AND field = 'Company'", item)
	before := slices.Compact(slices.Sorted(slices.Values(slices.Concat(holders(w, "quixot"), holders(w, "zebulon@example"), labelled(w)))))
	if diff := cmp.Diff(holding, before); diff != "" {
		t.Errorf("tables with values before (-want +got):\n%s", diff)
	}
	listed := slices.Sorted(slices.Values(slices.Concat(holding, valueless)))
	if diff := cmp.Diff(listed, tables(w)); diff != "" {
		t.Errorf("tables listed here (-) and existing ones (+):\n%s", diff)
	}

	code, out, errs := w.Command("erase", "--item", strconv.FormatInt(item, 10))
	if code != cli.ExitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, table := range holding {
		if !regexp.MustCompile(`(?m)^` + table + ` +[1-9]`).MatchString(out) {
			t.Errorf("%s is not counted in\n%s", table, out)
		}
	}
	for _, want := range []string{"still synced", fmt.Sprintf("crmsync erase --item %d --suppress", item), "What Monday and Salesforce hold is not erased"} {
		if !strings.Contains(out, want) {
			t.Errorf("does not say %q in\n%s", want, out)
		}
	}
	for _, text := range []string{"quixot", "zebulon@example", "971532468"} {
		if tables := holders(w, text); len(tables) > 0 {
			t.Errorf("%q is still in %v", text, tables)
		}
	}
	if tables := labelled(w); len(tables) > 0 {
		t.Errorf("labels still stand in %v", tables)
	}
	w.Expect(1, "SELECT count(*) FROM river_job WHERE kind = 'unreadable' AND args->>'body' = ''")
	w.Expect(1, "SELECT count(*) FROM river_job WHERE kind = 'unreadable' AND args->>'body' <> ''")
	w.Expect(1, "SELECT count(*) FROM items WHERE item_id = $1 AND name = 'Zebulon Other'", other)
	w.Expect(1, "SELECT count(*) FROM links WHERE item_id = $1 AND record = 'lead' AND salesforce_id IS NOT NULL", item)
	w.Expect(1, "SELECT count(*) FROM operations WHERE act = 'erase' AND items = ARRAY[$1::bigint] AND subject = 'item ' || $1::text", item)
	if out := w.Crmsync("erase", "--item", strconv.FormatInt(item, 10)); !strings.HasPrefix(out, "Nothing is stored about item ") {
		t.Errorf("erased twice: %s", out)
	}

	// The refused value is sent again, and rejected again, which apply reports.
	if code, _, stderr := w.Command("apply", "leads", "--yes"); code != 1 || !strings.Contains(stderr, "1 value was rejected") {
		t.Errorf("apply: exit %d, %s", code, stderr)
	}
	if found := holders(w, "zebulon@example"); !slices.Contains(found, "items") {
		t.Errorf("the item is not stored again by a comparison, as erase says: %v", found)
	}
	w.Monday.Rename(item, "Zoe Later")
	w.Quiet()
	if got := w.Record("Lead", item)["LastName"]; got != "Later" {
		t.Errorf("last name %v after a rename", got)
	}
}

// TestSuppress: an item that was erased for good stays as it is, despite events, a comparison and a restart.
func TestSuppress(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	stop := w.Start("serve")
	w.Subscribe()
	item, other := w.Lead("Zebulon Quixote", "Quixote Mills"), w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	if out := w.Crmsync("erase", "--item", strconv.FormatInt(item, 10), "--suppress"); !strings.Contains(out, "The item is suppressed") || strings.Contains(out, "still synced") {
		t.Errorf("said %q", out)
	}
	const unknown = 99_887_766
	w.Crmsync("erase", "--item", strconv.Itoa(unknown), "--suppress")
	w.Monday.Rename(item, "Zebulon Quixotic")
	w.Monday.SetColumn(item, "company", "Quixotic Mills")
	w.Monday.Rename(other, "Ada Byron")
	w.Deliver(fmt.Sprintf(`{"event":{"type":"create_pulse","boardId":1003,"pulseId":%d,"pulseName":"Quixote","triggerTime":"2026-09-23T12:03:55.044Z"}}`, unknown))
	w.Quiet()
	for _, event := range []string{"update_name", "update_column_value"} {
		if status, reason := w.Ending(event, item); status != "skipped" || reason != "suppressed" {
			t.Errorf("%s: %s, %q", event, status, reason)
		}
	}
	if status, reason := w.Ending("create_pulse", unknown); status != "skipped" || reason != "suppressed" {
		t.Errorf("of an item that was not known: %s, %q", status, reason)
	}
	w.Salesforce.Update("Lead", w.Record("Lead", other)["Id"].(string), map[string]any{"LastName": "Drifted"})
	w.Salesforce.Update("Lead", w.Record("Lead", item)["Id"].(string), map[string]any{"LastName": "Drifted"})
	w.Crmsync("apply", "leads", "--enforce", "--yes")
	w.Quiet()
	w.Holds(w.Record("Lead", other), map[string]any{"LastName": "Byron"})
	w.Holds(w.Record("Lead", item), map[string]any{"LastName": "Drifted", "FirstName": "Zebulon"})
	w.Expect(0, "SELECT count(*) FROM items WHERE item_id IN ($1, $2) AND (name <> '' OR columns <> '{}')", item, unknown)
	w.Expect(0, "SELECT count(*) FROM items WHERE item_id IN ($1, $2) AND lease_holder IS NOT NULL", item, unknown)
	if tables := slices.DeleteFunc(holders(w, "quixot"), func(table string) bool { return table == "river_job" }); len(tables) > 0 {
		t.Errorf("its values are in %v", tables)
	}
	stop()
	w.Start("worker") // retention is its first act
	w.Eventually("the events' values are gone, too", func() bool {
		return len(holders(w, "quixot")) == 0
	})
}

// TestSubject finds every item that contains an address or a number, wherever it is.
func TestSubject(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	first := w.Lead("Ada Lovelace", "Engines", map[string]any{"email": e2e.Email("Ada@Example.org")})
	second := w.Monday.CreateItem(e2e.Contacts, "Countess, ada@example.org", nil)
	third := w.Monday.CreateItem(e2e.Accounts, "Mills", map[string]any{"phone": map[string]any{"phone": "+1 212 555 0100", "countryShortName": "US"}})
	w.Lead("Charles Babbage", "Engines", map[string]any{"email": e2e.Email("charles@example.org")})
	w.Quiet()
	type subject struct {
		Item    int64
		Records []string
		FoundIn []string `json:"found_in"`
	}
	find := func(args ...string) (items []int64, found []subject) {
		t.Helper()
		if err := json.Unmarshal([]byte(w.Crmsync(append([]string{"subject", "--json"}, args...)...)), &found); err != nil {
			t.Fatal(err)
		}
		for _, s := range found {
			items = append(items, s.Item)
		}
		return items, found
	}
	items, found := find("--email", "ada@example.ORG")
	if diff := cmp.Diff([]int64{first, second}, items); diff != "" {
		t.Fatalf("by e-mail (-want +got):\n%s", diff)
	}
	if !slices.Contains(found[0].Records, "Lead "+w.Record("Lead", first)["Id"].(string)) || !slices.Contains(found[0].FoundIn, "items") || !slices.Contains(found[0].FoundIn, "links") {
		t.Errorf("found %+v", found[0])
	}
	for _, number := range []string{"+12125550100", "(212) 555-0100", "0212 5550100"} {
		if items, _ := find("--phone", number); !cmp.Equal(items, []int64{third}) {
			t.Errorf("by %s: %v, want %d", number, items, third)
		}
	}
	if items, _ := find("--email", "nobody@example.org"); len(items) != 0 {
		t.Errorf("nobody: %v", items)
	}
	if out := w.Crmsync("subject", "--email", "ada@example.org"); !strings.Contains(out, fmt.Sprintf("crmsync erase --item %d", second)) {
		t.Errorf("said %s", out)
	}
	w.Crmsync("erase", "--item", strconv.FormatInt(first, 10))
	if items, _ := find("--email", "ada@example.org"); !cmp.Equal(items, []int64{second}) {
		t.Errorf("after it was erased: %v", items)
	}
	for _, args := range [][]string{{"subject"}, {"subject", "--email", "ada"}, {"subject", "--phone", "555"}} {
		if code, _, _ := w.Command(args...); code != cli.ExitUsage {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}
