package plan_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// apply runs the command and expects it to succeed.
func apply(w *e2e.World, args ...string) string {
	w.T.Helper()
	code, stdout, stderr := w.Command(append([]string{"apply", "--yes"}, args...)...)
	if code != 0 {
		w.T.Fatalf("apply %v: exit %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

// TestApplyFirstLoad syncs items from before the installation to Salesforce, where some records exist already.
func TestApplyFirstLoad(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	for n := range 10 {
		w.Salesforce.Insert("Contact", map[string]any{"LastName": "King", "Email": fmt.Sprintf("p%d@example.org", n)})
	}
	var items []int64
	for n := range 30 {
		items = append(items, w.Monday.CreateItem(e2e.Contacts, fmt.Sprintf("Ada Person%d", n), map[string]any{"email": e2e.Email(fmt.Sprintf("p%d@example.org", n))}))
	}
	before := w.Calls()
	apply(w, "contacts")
	for n, item := range items {
		want := map[string]any{"FirstName": "Ada", "LastName": fmt.Sprintf("Person%d", n)}
		if n < 10 {
			want["LastName"] = "King" // a first meeting is left alone
		}
		contact := w.Record("Contact", item)
		w.Holds(contact, want)
		if shown := w.Shown(item, "text_sfid"); shown != contact["Id"] {
			t.Errorf("item %d shows %q, want %v", item, shown, contact["Id"])
		}
	}
	if got := len(w.Salesforce.Records("Contact")); got != 30 {
		t.Errorf("%d contacts, want 30", got)
	}
	if after := w.Calls(); after[0]-before[0] > 15 || after[1]-before[1] > 8 {
		t.Errorf("%d calls to Salesforce and %d to Monday for 30 items", after[0]-before[0], after[1]-before[1])
	}
	w.Expect(10, "SELECT count(*) FROM differences WHERE kind = 'first_meeting' AND action = 'leave'")
	w.Expect(0, "SELECT count(*) FROM differences WHERE field LIKE '%King%' OR code LIKE '%King%'")

	apply(w, "contacts", "--adopt", "monday")
	w.Holds(w.Record("Contact", items[0]), map[string]any{"LastName": "Person0"})
	if code, stdout, _ := w.Command("plan", "contacts", "--check"); code != 0 {
		t.Errorf("after apply the plan is not empty: exit %d\n%s", code, stdout)
	}
	w.Salesforce.Update("Contact", w.Record("Contact", items[3])["Id"].(string), map[string]any{"FirstName": "Drift"})
	apply(w, "contacts")
	w.Holds(w.Record("Contact", items[3]), map[string]any{"FirstName": "Drift"})
	w.Expect(1, "SELECT count(*) FROM differences WHERE kind = 'drift' AND action = 'leave' AND field = 'FirstName'")
	if _, stdout, _ := w.Command("status"); !strings.Contains(stdout, "fields agree; 1 differ: crmsync plan") {
		t.Errorf("status does not report how far both sides agree:\n%s", stdout)
	}
	apply(w, "contacts", "--enforce")
	w.Holds(w.Record("Contact", items[3]), map[string]any{"FirstName": "Ada"})
}

// TestApplyPlan applies a plan's file, and leaves what has changed since.
func TestApplyPlan(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	same := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", nil)
	changed := w.Monday.CreateItem(e2e.Contacts, "Charles Babbage", nil)
	if code, _, stderr := w.Command("schema", "up"); code != 0 {
		t.Fatal(stderr)
	}
	file := filepath.Join(t.TempDir(), "plan.json")
	if code, _, stderr := w.Command("plan", "contacts", "--out", file); code != 0 {
		t.Fatal(stderr)
	}
	w.Monday.Rename(changed, "Charles Darwin")
	late := w.Monday.CreateItem(e2e.Contacts, "Late Comer", nil)
	out, _ := run(w, 1, "apply", "--yes", "--plan", file)
	says(t, "apply", out, fmt.Sprintf("item %d", changed), "changed since the plan: new record")
	w.Holds(w.Record("Contact", same), map[string]any{"LastName": "Lovelace"})
	if got := len(w.Salesforce.Records("Contact")); got != 1 {
		t.Errorf("%d contacts, want only the one whose difference was planned, not items %d and %d", got, changed, late)
	}
	w.Expect(1, "SELECT skipped FROM sweeps")
	empty := filepath.Join(t.TempDir(), "empty.json")
	if code, _, stderr := w.Command("plan", "accounts", "--out", empty); code != 0 {
		t.Fatal(stderr)
	}
	if code, stdout, stderr := w.Command("apply", "--yes", "--plan", empty); code != 0 || !strings.Contains(stdout, "Nothing is planned") {
		t.Errorf("a plan of nothing: exit %d, %s%s", code, stdout, stderr)
	}
	if code, _, stderr := w.Command("apply", "--yes", "--plan", file, "--enforce"); code != 2 || !strings.Contains(stderr, "--enforce") {
		t.Errorf("a plan and another choice: exit %d, %s", code, stderr)
	}
	if code, _, stderr := w.Command("plan", "--item", "999", "--check"); code != 1 || !strings.Contains(stderr, "999") {
		t.Errorf("an unknown item: exit %d, %s", code, stderr)
	}
	if code, _, stderr := w.Command("apply", "--yes", "--plan", w.File("other.json", "{}")); code != 2 || !strings.Contains(stderr, "plan --out") {
		t.Errorf("a file that is not a plan: exit %d, %s", code, stderr)
	}
}

// TestOutageOfIngest loses all webhooks for a while: one sweep repairs what was changed, created, renamed, moved,
// archived and deleted meanwhile.
func TestOutageOfIngest(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand)
	items := w.Items(e2e.Contacts, 5, "Ada Person")
	w.Flush()
	w.Quiet()
	w.Exec("UPDATE items SET name_at = name_at - interval '1 hour', seen_at = seen_at - interval '1 hour'")
	w.Monday.SetColumn(items[0], "email", e2e.Email("new@example.org"))
	w.Monday.Rename(items[1], "Ada Byron")
	w.Monday.ArchiveItem(items[2])
	w.Monday.DeleteItem(items[3])
	w.Monday.MoveItem(items[4], e2e.Leads)
	fresh := w.Monday.CreateItem(e2e.Contacts, "Grace Hopper", nil)
	w.Mail.Take()
	apply(w)
	w.Quiet()
	w.Holds(w.Record("Contact", items[0]), map[string]any{"Email": "new@example.org"})
	w.Holds(w.Record("Contact", items[1]), map[string]any{"LastName": "Byron"})
	w.Holds(w.Record("Contact", fresh), map[string]any{"LastName": "Hopper"})
	w.Record("Contact", items[4]) // it moved, and keeps its record
	if got := len(w.Salesforce.Records("Contact")); got != 4 {
		t.Errorf("%d contacts, want 4: two items were archived or deleted", got)
	}
	w.Expect(2, "SELECT count(*) FROM differences WHERE kind = 'deleted_item'")
	w.Expect(0, "SELECT count(*) FROM dead_letters")
}

// TestApplyRejected: a value that Salesforce does not accept counts as rejected, not as written, and apply says so.
func TestApplyRejected(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(contactMapping("")))
	w.Reject("Contact", "Email", "bad@example.org")
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"email": e2e.Email("bad@example.org")})
	other := w.Monday.CreateItem(e2e.Contacts, "Grace", map[string]any{"email": e2e.Email("good@example.org")})
	out, _ := run(w, 1, "apply", "--yes", "contacts")
	says(t, "apply", out, fmt.Sprintf("item %d  contact.Email  rejected: %s", item, e2e.Rejection))
	w.Holds(w.Record("Contact", item), map[string]any{"LastName": "Ada", "Email": nil})
	w.Holds(w.Record("Contact", other), map[string]any{"Email": "good@example.org"})
	w.Expect(1, "SELECT rejected FROM sweeps")
	w.Expect(5, "SELECT written FROM sweeps") // two records with their names, and one address
	w.Expect(1, "SELECT count(*) FROM differences WHERE action = 'reject' AND item_id = $1 AND field = 'Email' AND code = $2", item, e2e.Rejection)
	if _, stdout, _ := w.Command("status"); !strings.Contains(stdout, "1 item with a rejected value") {
		t.Errorf("status does not report the rejected value:\n%s", stdout)
	}
	apply(w, "contacts")
	w.Expect(0, "SELECT rejected + written FROM sweeps WHERE id = 2") // it is not sent again
}
