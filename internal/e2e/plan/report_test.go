package plan_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// shown syncs contacts, whose notes and labels go to Monday.
const shown = `
version: 1
defaults: { phone_country: US, reconcile: "off", brake: { deletes: 2, percent: 0 } }
boards:
  contacts:
    board: 1002
    records:
      contact:
        object: Contact
        id_column: text_sfid
        on_delete: delete
        fields:
          LastName: name
          Email: { from: email, sync: both }
          Title: { from: phone, sync: to_monday }
`

// run runs a command and expects its exit code.
func run(w *e2e.World, want int, args ...string) (stdout, stderr string) {
	w.T.Helper()
	code, stdout, stderr := w.Command(args...)
	if code != want {
		w.T.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
	}
	return stdout, stderr
}

// says checks that a text has all the parts, and no value.
func says(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not say %q:\n%s", what, part, text)
		}
	}
}

// reported is the JSON of apply.
type reported []struct {
	Written, Rejected int
	Changed           int `json:"changed_since_the_plan"`
	NotWritten        []struct {
		Item                              int64
		Record, Field, Kind, Code, Action string
	} `json:"not_written"`
}

func report(w *e2e.World, want int, args ...string) (r reported) {
	w.T.Helper()
	stdout, _ := run(w, want, append([]string{"apply", "--yes", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		w.T.Fatalf("%v in %s", err, stdout)
	}
	return r
}

// TestRejectedByMonday: a value that Monday does not accept counts as rejected, not as written, in the run that finds
// out. The report names item and field, and so does status.
func TestRejectedByMonday(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"email": e2e.Email("a@example.org")})
	apply(w)
	id := w.Record("Contact", item)["Id"].(string)
	w.Salesforce.Update("Contact", id, map[string]any{"Title": "call me", "Email": "b@example.org"})
	out, errs := run(w, 1, "apply", "--yes")
	says(t, "apply", out, fmt.Sprintf("item %d", item), "contact.Title", "rejected: ColumnValueException")
	says(t, "apply", errs, "1 value was rejected")
	w.Expect(1, "SELECT rejected FROM sweeps WHERE id = 2")
	w.Expect(1, "SELECT written FROM sweeps WHERE id = 2") // the address
	w.Expect(1, "SELECT count(*) FROM differences WHERE run_id = 2 AND item_id = $1 AND field = 'Title' AND action = 'reject' AND code = 'ColumnValueException'", item)
	w.Expect(1, "SELECT count(*) FROM differences WHERE run_id = 2 AND field = 'Email' AND action = 'write'")
	status, _ := run(w, 0, "status")
	says(t, "status", status, "1 rejected", fmt.Sprintf("item %d", item), "contact.Title", "ColumnValueException")
	for _, text := range []string{out, errs, status} {
		if strings.Contains(text, "call me") || strings.Contains(text, "example.org") {
			t.Errorf("a value is shown:\n%s", text)
		}
	}
	plan, _ := run(w, 3, "plan", "--check")
	says(t, "plan", plan, "cannot be shown in Monday, left alone", "ColumnValueException", "call me")
	if r := report(w, 0); r[0].Rejected != 0 || r[0].Written != 0 || len(r[0].NotWritten) != 0 { // it is not sent again
		t.Errorf("the next run: %+v", r)
	}
}

// TestRejectedID: Monday does not let us write an id column.
func TestRejectedID(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(strings.Replace(shown, "id_column: text_sfid", "id_column: phone_sfid", 1)))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", nil)
	r := report(w, 1)
	if len(r[0].NotWritten) != 1 || r[0].NotWritten[0].Item != item || r[0].NotWritten[0].Field != "phone_sfid" || r[0].NotWritten[0].Action != "reject" {
		t.Errorf("the report: %+v", r)
	}
	plan, _ := run(w, 3, "plan", "--check")
	says(t, "plan", plan, "contact.phone_sfid", "cannot be shown in Monday")
}

// TestReportChanged: what has changed since the plan is left alone and reported. What agrees by now is not a failure.
func TestReportChanged(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown))
	items := w.Items(e2e.Contacts, 5, "Ada")
	apply(w)
	w.Exec("UPDATE items SET name_at = name_at - interval '1 hour', seen_at = seen_at - interval '1 hour'")
	for n, item := range items {
		w.Monday.Rename(item, fmt.Sprint("Grace", n))
	}
	file := w.T.TempDir() + "/plan.json"
	run(w, 0, "plan", "--out", file)
	w.Monday.SetColumn(items[1], "email", e2e.Email("late@example.org"))
	w.Monday.Rename(items[2], "Ada2")
	w.Monday.DeleteItem(items[3])
	w.Monday.MoveItem(items[4], e2e.Leads)
	out, errs := run(w, 1, "apply", "--yes", "--plan", file)
	says(t, "apply", errs, "3 items were left alone: changed since the plan")
	says(t, "apply", out, fmt.Sprintf("item %d  contact.Email", items[1]), "changed since the plan: ", fmt.Sprintf("item %d", items[2]), "nothing differs any more",
		fmt.Sprintf("item %d", items[3]), "item was deleted or archived", fmt.Sprintf("item %d", items[4]), "Monday does not show it on this board")
	w.Holds(w.Record("Contact", items[0]), map[string]any{"LastName": "Grace0"})
	for n, item := range items[1:] {
		w.Holds(w.Record("Contact", item), map[string]any{"LastName": fmt.Sprint("Ada", n+1), "Email": nil})
	}
	w.Expect(0, "SELECT count(*) FROM river_job WHERE kind IN ('item_delete', 'item_resync')")
	status, _ := run(w, 0, "status", "--json")
	says(t, "status", status, `"changed_since_the_plan": 3`, fmt.Sprintf(`"item": %d`, items[3]))
	says(t, "logs", w.Text("SELECT string_agg(item_id || ' ' || kind, ', ' ORDER BY item_id, kind) FROM differences WHERE action = 'changed' AND run_id = 2"),
		fmt.Sprintf("%d agreed", items[2]), fmt.Sprintf("%d deleted_item", items[3]), fmt.Sprintf("%d not_shown", items[4]))
}

// TestUnknownItem: an item that neither Monday nor the ledger knows is an error that names it, before anything is done.
func TestUnknownItem(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", nil)
	account := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Exec("DROP SCHEMA public CASCADE")
	w.Exec("CREATE SCHEMA public")
	_, errs := run(w, 1, "apply", "--yes", "--item", "999") // before the first migration
	says(t, "apply", errs, "neither Monday nor crmsync knows the item 999")
	run(w, 0, "schema", "up")
	for _, command := range []string{"plan", "apply --yes"} {
		args := append(strings.Fields(command), "--item")
		_, errs := run(w, 1, append(args, fmt.Sprintf("%d,999,998", item))...)
		says(t, command, errs, "neither Monday nor crmsync knows the item 999", "knows the item 998")
		_, errs = run(w, 1, append(args, fmt.Sprint(account))...)
		says(t, command, errs, fmt.Sprintf("the item %d is on board 1001", account))
	}
	w.None("Contact")
	w.Expect(0, "SELECT count(*) FROM sweeps")
	run(w, 0, "apply", "--yes", "--item", strconv.FormatInt(item, 10))
	w.Monday.DeleteItem(item)
	w.Monday.PurgeItem(item) // the ledger knows it
	_, errs = run(w, 0, "plan", "--item", strconv.FormatInt(item, 10))
	says(t, "plan", errs, "Monday shows none of the items")
}

// TestPlanRejectedOnce: a field that Salesforce has rejected is one difference, which cannot be sent.
func TestPlanRejectedOnce(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(`
version: 1
boards:
  contacts: { board: 1002, records: { contact: { object: Contact, fields: { LastName: name, Email: email } } } }
`))
	item := w.Monday.CreateItem(e2e.Contacts, "King", map[string]any{"email": e2e.Email("a@b")})
	run(w, 0, "schema", "up")
	run(w, 1, "apply", "--yes") // Salesforce rejects the address
	w.Holds(w.Record("Contact", item), map[string]any{"LastName": "King", "Email": nil})
	out, _ := run(w, 3, "plan", "--check")
	says(t, "plan", out, `INVALID_EMAIL_ADDRESS "a@b"`, "cannot be sent, left alone")
	if strings.Contains(out, "empty in Salesforce") {
		t.Errorf("the field is listed twice:\n%s", out)
	}
}

// TestPlanShowsLabel: a value that no label of the mapping has is shown as Monday has it, on the terminal and in the
// file.
func TestPlanShowsLabel(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(owned))
	w.Monday.CreateItem(e2e.Leads, "King", map[string]any{"status": e2e.Label("Quote")})
	run(w, 0, "schema", "up")
	for range 2 { // before it is known as well as after
		out, _ := run(w, 3, "plan", "--check")
		says(t, "plan", out, `UNMAPPED_LABEL "Quote"`, "cannot be sent, left alone")
		file, _ := run(w, 0, "plan", "--json")
		says(t, "plan --json", file, `"monday": "Quote"`)
		run(w, 0, "apply", "--yes")
	}
	w.Expect(0, "SELECT count(*) FROM differences d WHERE to_jsonb(d)::text LIKE '%Quote%'")
}

// TestWordsOfKinds: drift is a change in Salesforce of a field that is only synced to Salesforce. In a field that goes
// both ways, it is a change like any other.
func TestWordsOfKinds(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"email": e2e.Email("a@example.org")})
	apply(w)
	w.Salesforce.Update("Contact", w.Record("Contact", item)["Id"].(string), map[string]any{"LastName": "Byron", "Email": "b@example.org"})
	out, _ := run(w, 3, "plan", "--check")
	says(t, "plan", out, "changed in Salesforce, to Monday\n", "drift: changed in Salesforce, left alone\n", " changed in Salesforce\n")
	if strings.Count(out, "drift") != 2 {
		t.Errorf("a field that goes both ways is called drift:\n%s", out)
	}
	file, _ := run(w, 0, "plan", "--json", "--adopt", "monday")
	says(t, "plan --json", file, `"kind": "drift"`, `"kind": "salesforce_changed"`, `"adopt": "monday"`)
	if strings.Contains(file, `"Adopt"`) || strings.Contains(file, `"Enforce"`) {
		t.Errorf("keys in capitals:\n%s", file)
	}
}

// TestPlanEnds: the plan of a deleted item names its record, what happens to it, and what the brake would hold. Apply
// does exactly that.
func TestPlanEnds(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(strings.Replace(shown, "on_delete: delete", "on_delete: delete\n        on_record_delete: archive", 1)))
	items := w.Items(e2e.Contacts, 5, "Ada")
	apply(w)
	var ids []string
	for _, item := range items {
		ids = append(ids, w.Record("Contact", item)["Id"].(string))
	}
	w.Exec("UPDATE items SET seen_at = seen_at - interval '1 hour'")
	w.Salesforce.Delete("Contact", ids[0])
	for _, item := range items[1:4] {
		w.Monday.DeleteItem(item)
	}
	out, _ := run(w, 3, "plan", "--check")
	says(t, "plan", out, "Contact "+ids[1], "Contact "+ids[2], "Contact "+ids[3], "item was deleted or archived: its record is deleted\n",
		"item was deleted or archived: the deletion of its record is held by the delete brake", "record is gone: the item is archived\n", "The delete brake would hold 2 of the deletions")
	var p struct {
		Boards []struct {
			WouldHold int `json:"would_hold"`
			Differing []struct {
				Item        int64
				Differences []struct {
					Record, Object, Kind, Action, To string
					ID                               string `json:"salesforce_id"`
				}
			}
		}
	}
	stdout, _ := run(w, 0, "plan", "--json")
	if err := json.Unmarshal([]byte(stdout), &p); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, it := range p.Boards[0].Differing {
		for _, d := range it.Differences {
			got = append(got, strings.Join([]string{strconv.FormatInt(it.Item-items[0], 10), d.Record, d.Object, d.ID, d.Kind, d.Action, d.To}, " "))
		}
	}
	want := []string{
		"0 contact Contact " + ids[0] + " gone write monday", "1 contact Contact " + ids[1] + " deleted_item write salesforce",
		"2 contact Contact " + ids[2] + " deleted_item hold salesforce", "3 contact Contact " + ids[3] + " deleted_item hold salesforce",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || p.Boards[0].WouldHold != 2 {
		t.Errorf("planned:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	run(w, 0, "apply", "--yes")
	w.Start("serve")
	w.Quiet()
	if got := len(w.Salesforce.Records("Contact")); got != 3 {
		t.Errorf("%d contacts are left, want those that the brake holds, and one", got)
	}
	w.Expect(2, "SELECT count(*) FROM deletions WHERE state = 'held'")
	w.Expect(3, "SELECT count(*) FROM differences WHERE kind = 'deleted_item' AND record = 'contact' AND salesforce_id <> '' AND run_id = 2")
	if it, _ := w.Monday.Item(items[0]); it.State != "archived" {
		t.Errorf("the item whose record is gone is %s", it.State)
	}
}

// TestFailedComparison: the messages about a failed comparison name its board.
func TestFailedComparison(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown), e2e.With("MAX_ATTEMPTS", "1"))
	w.Monday.CreateItem(e2e.Contacts, "Ada", nil)
	run(w, 0, "apply", "--yes")
	w.Exec("INSERT INTO sweeps (board_id, board, kind) VALUES (4711, 'gone', 'reconcile')") // the mapping has no such board
	w.Exec(`INSERT INTO river_job (kind, queue, args, max_attempts, state) VALUES
		('sweep_board', 'migrations', jsonb_build_object('sweep_id', (SELECT max(id) FROM sweeps), 'board_id', 4711), 1, 'available')`)
	w.Start("worker")
	w.Eventually("the comparison has failed", func() bool { return w.Count("SELECT count(*) FROM dead_letters") == 1 })
	w.Expect(1, "SELECT count(*) FROM error_logs WHERE event = 'sweep_board' AND board_id = 4711")
	w.Expect(1, "SELECT count(*) FROM dead_letters WHERE args->>'board_id' = '4711'")
	letters, _ := run(w, 0, "replay", "--board", "4711", "--dry-run")
	says(t, "replay", letters, "sweep_board", "4711")
	log := w.Logs[len(w.Logs)-1]
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, `"msg":"event failed"`) && !strings.Contains(line, `"board":4711`) {
			t.Errorf("the log names no board: %s", line)
		}
	}
	w.Expect(1, "SELECT count(*) FROM river_job WHERE kind = 'sweep_board' AND args->>'board_id' = '1002'") // that of apply
}

// TestCommandLogs: a command that a person runs logs only what that person should know, and as text.
func TestCommandLogs(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown), e2e.With("LOG_LEVEL", "info"), e2e.With("LOG_FORMAT", "json"), e2e.With("MAX_ATTEMPTS", "1"))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", nil)
	logged := regexp.MustCompile(`(?m)^\{.*|.*level=INFO.*`)
	for _, command := range []string{"plan", "apply --yes"} {
		if out, errs := run(w, 0, strings.Fields(command)...); logged.MatchString(out + errs) {
			t.Errorf("%s logs %q", command, logged.FindAllString(out+errs, -1))
		}
	}
	w.Exec("UPDATE items SET seen_at = seen_at - interval '1 hour'")
	w.Monday.DeleteItem(item)
	w.Failing(sfsim.Fault{Status: 500}, func(c sfsim.Call) bool { return c.Has("delete", "") })
	if _, errs := run(w, 1, "apply", "--yes"); !strings.Contains(errs, "level=ERROR msg=\"event failed\"") {
		t.Errorf("an event that fails: %q", errs)
	}
}
