package twoway_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"crmsync/internal/e2e"
)

// TestTake restores the value that lost, on both sides.
func TestTake(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org"), "phone": e2e.Phone("+12125550100")})
	w.Quiet()
	w.Together(e2e.Contacts, func() {
		edit(w, "Contact", item, map[string]any{"Email": "sf@example.org", "Phone": "+12125550111"})
		w.Monday.SetColumn(item, "email", e2e.Email("monday@example.org"))
		w.Monday.SetColumn(item, "phone", e2e.Phone("+12125550122"))
	})
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "monday@example.org", "Phone": "+12125550111"})
	code, stdout, stderr := w.Command("conflicts")
	if code != 0 || !strings.Contains(stdout, `"sf@example.org"`) || !strings.Contains(stdout, "contact.Phone") {
		t.Fatalf("conflicts: exit %d\n%s%s", code, stdout, stderr)
	}
	for board, want := range map[string]int{"contacts": 2, "1002": 2, "accounts": 0, "8400000099": 0} {
		if listed := command(w, 0, "conflicts", "--board", board); strings.Count(listed, "contact.") != want {
			t.Errorf("conflicts of board %s, want %d:\n%s", board, want, listed)
		}
	}
	take := func(side, field string) {
		t.Helper()
		id := w.Count("SELECT id::int FROM conflicts WHERE field = $1", field)
		if code, stdout, stderr := w.Command("conflicts", "take", side, fmt.Sprint(id)); code != 0 || !strings.Contains(stdout, "1 conflict") {
			t.Fatalf("take %s: exit %d\n%s%s", side, code, stdout, stderr)
		}
		w.Quiet()
	}
	take("salesforce", "Email")
	take("monday", "Phone")
	for range 2 {
		w.Holds(w.Record("Contact", item), map[string]any{"Email": "sf@example.org", "Phone": "+12125550122"})
		shows(w, item, map[string]string{"email": "sf@example.org", "phone": "+12125550122"})
		w.Expect(2, "SELECT count(*) FROM conflicts WHERE taken_at IS NOT NULL")
		ring(w, e2e.Contacts, item)
	}
	w.Expect(2, "SELECT count(*) FROM conflicts")
	w.Expect(2, "SELECT count(*) FROM operations WHERE act = 'take'")
	take("monday", "Email") // and back again
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "monday@example.org"})
	shows(w, item, map[string]string{"email": "monday@example.org"})
	w.Healthy()

	if code, _, stderr := w.Command("conflicts", "take", "monday", "99999"); code != 1 || !strings.Contains(stderr, "0 of 1") {
		t.Errorf("an unknown conflict: exit %d, %s", code, stderr)
	}
	if code, _, _ := w.Command("erase", "--item", fmt.Sprint(item)); code != 0 {
		t.Error("erase failed")
	}
	w.Expect(0, "SELECT count(*) FROM conflicts WHERE conflicts::text LIKE '%example.org%'")
	w.Expect(0, "SELECT count(*) FROM links WHERE links::text LIKE '%example.org%'")
	if code, _, stderr := w.Command("conflicts", "take", "monday", w.Text("SELECT min(id)::text FROM conflicts")); code != 1 || !strings.Contains(stderr, "erased") {
		t.Errorf("an erased conflict: exit %d, %s", code, stderr)
	}
}

// TestTakeSuperseded: of two choices for a field, that of the later conflict counts, and an item that has ended takes
// none. A choice that stayed pending would undo later edits.
func TestTakeSuperseded(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Quiet()
	for n := range 2 {
		w.Together(e2e.Contacts, func() {
			edit(w, "Contact", item, map[string]any{"Email": fmt.Sprintf("sf%d@example.org", n)})
			w.Monday.SetColumn(item, "email", e2e.Email(fmt.Sprintf("monday%d@example.org", n)))
		})
		w.Quiet()
	}
	w.Expect(2, "SELECT count(*) FROM conflicts")
	first, second := w.Text("SELECT min(id)::text FROM conflicts"), w.Text("SELECT max(id)::text FROM conflicts")
	if code, _, stderr := w.Command("conflicts", "take", "salesforce", first, second); code != 0 {
		t.Fatalf("take: exit %d, %s", code, stderr)
	}
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "sf1@example.org"})
	shows(w, item, map[string]string{"email": "sf1@example.org"})
	w.Expect(0, "SELECT count(*) FROM conflicts WHERE take IS NOT NULL AND taken_at IS NULL")
	w.Expect(1, "SELECT count(*) FROM conflicts WHERE taken_at IS NOT NULL")

	w.Exec("UPDATE conflicts SET field = 'Fax' WHERE id = $1::bigint", first) // a field that no longer goes both ways
	if code, _, stderr := w.Command("conflicts", "take", "salesforce", first); code != 0 {
		t.Fatalf("take: exit %d, %s", code, stderr)
	}
	w.Quiet()
	w.Expect(0, "SELECT count(*) FROM conflicts WHERE take IS NOT NULL AND taken_at IS NULL")

	w.Monday.DeleteItem(item)
	w.Quiet()
	if code, _, stderr := w.Command("conflicts", "take", "monday", first); code != 1 || !strings.Contains(stderr, "items have ended") {
		t.Errorf("a conflict of an item that ended: exit %d, %s", code, stderr)
	}
}

// TestLateEcho: the event of the first of our two writes arrives last. Its value is older than what Salesforce holds.
func TestLateEcho(t *testing.T) {
	t.Parallel()
	w := setup(t, e2e.ByHand)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Flush()
	w.Quiet()
	w.Mail.Take()
	edit(w, "Contact", item, map[string]any{"Email": "b@example.org"})
	ring(w, e2e.Contacts, item)
	edit(w, "Contact", item, map[string]any{"Email": "c@example.org"})
	ring(w, e2e.Contacts, item)
	echoes := w.Mail.Take()
	if len(echoes) != 2 {
		t.Fatalf("%d events of two writes to Monday", len(echoes))
	}
	writes := w.Writes()
	for _, echo := range echoes {
		w.Send(echo)
		w.Quiet()
		w.Holds(w.Record("Contact", item), map[string]any{"Email": "c@example.org"})
	}
	shows(w, item, map[string]string{"email": "c@example.org"})
	if got := w.Writes(); got != writes {
		t.Errorf("echoes made %d writes to Salesforce", got-writes)
	}
	w.Expect(0, "SELECT count(*) FROM conflicts")
	w.Healthy()
}

// TestEditBeforeWrite: a person edits in Monday after the last event that was received. The item is read again before it
// is written, so that the edit counts.
func TestEditBeforeWrite(t *testing.T) {
	t.Parallel()
	w := setup(t, e2e.ByHand)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Flush()
	w.Quiet()
	w.Mail.Take()
	w.Monday.SetColumn(item, "email", e2e.Email("monday@example.org"))
	edit(w, "Contact", item, map[string]any{"Email": "sf@example.org"})
	ring(w, e2e.Contacts, item)
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "monday@example.org"})
	shows(w, item, map[string]string{"email": "monday@example.org"})
	w.Expect(1, "SELECT count(*) FROM conflicts WHERE field = 'Email'")
	w.Flush()
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "monday@example.org"})
	w.Healthy()
}

// TestAutomationsOverwriteEachOther: two automations keep overwriting each other's value. They are stopped, and a
// person is alerted once.
func TestAutomationsOverwriteEachOther(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Quiet()
	for n := range 25 {
		edit(w, "Contact", item, map[string]any{"Email": fmt.Sprintf("n%d@example.org", n)})
		ring(w, e2e.Contacts, item)
	}
	shows(w, item, map[string]string{"email": "n19@example.org"})
	if letters := w.DeadLetters(item); len(letters) != 1 || !strings.Contains(letters[0], "Contact.Email: UNSETTLED") {
		t.Errorf("dead letters: %q", letters)
	}
	w.Exec("UPDATE links SET turns = jsonb_set(turns, '{Email,since}', '0') WHERE turns ? 'Email'") // an hour later
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"email": "n24@example.org"})
	w.Expect(1, "SELECT count(*) FROM dead_letters")
}

// unshown checks that a plan and the report of an item say that Monday cannot show what Salesforce holds in a field.
func unshown(w *e2e.World, item int64, field string) {
	w.T.Helper()
	id := strconv.FormatInt(item, 10)
	if out := command(w, 3, "plan", "--check", "--item", id); !strings.Contains(out, "cannot be shown in Monday, left alone") {
		w.T.Errorf("plan:\n%s", out)
	}
	out := command(w, 0, "item", id)
	for _, want := range []string{field + " differs: Monday cannot show Salesforce's value.", "cannot be shown"} {
		if !strings.Contains(out, want) {
			w.T.Errorf("the report of the item does not say %q:\n%s", want, out)
		}
	}
}

// TestCannotBeShown: what a column cannot show is left alone and reported, and shown once it can.
func TestCannotBeShown(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", nil)
	w.Quiet()
	id := w.Salesforce.Insert("Account", map[string]any{"Name": "Analytical Engines"})
	edit(w, "Contact", item, map[string]any{"AccountId": id})
	unshown(w, item, "AccountId") // before crmsync knows it, and after
	for range 2 {
		ring(w, e2e.Contacts, item)
		shows(w, item, map[string]string{"connect_account": ""})
		w.Holds(w.Record("Contact", item), map[string]any{"AccountId": id})
		unshown(w, item, "AccountId")
	}
	account := w.Monday.CreateItem(e2e.Accounts, "Analytical Engines", map[string]any{"text_sfid": id})
	w.Quiet()
	ring(w, e2e.Contacts, item)
	if it, _ := w.Monday.Item(item); len(it.Linked["connect_account"]) != 1 || it.Linked["connect_account"][0] != account {
		t.Errorf("connected to %v, want %d", it.Linked["connect_account"], account)
	}
	w.Holds(w.Record("Contact", item), map[string]any{"AccountId": id})
	command(w, 0, "plan", "--check", "--item", strconv.FormatInt(item, 10))
	if out := command(w, 0, "item", strconv.FormatInt(item, 10)); !strings.Contains(out, "In sync") {
		t.Errorf("once both sides agree: %s", out)
	}
	w.Healthy()
}

// disputed creates an item whose e-mail address was changed on both sides at once, so that Monday's value stands.
func disputed(w *e2e.World) (item int64) {
	w.T.Helper()
	item = w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Quiet()
	w.Together(e2e.Contacts, func() {
		edit(w, "Contact", item, map[string]any{"Email": "sf@example.org"})
		w.Monday.SetColumn(item, "email", e2e.Email("monday@example.org"))
	})
	return item
}

// chosen counts the choices that have not been carried out.
const chosen = "SELECT count(*) FROM conflicts WHERE take IS NOT NULL AND taken_at IS NULL"

// TestTakeRejected: Salesforce rejects the value that a person chose. Both sides stay as they are and in agreement, the
// choice is kept, and choosing again carries it out once Salesforce accepts the value.
func TestTakeRejected(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := disputed(w)
	var accepts atomic.Bool
	w.Salesforce.Reject("Contact", "Email", func(v any) string {
		if v == "sf@example.org" && !accepts.Load() {
			return e2e.Rejection
		}
		return ""
	})
	id := w.Text("SELECT id::text FROM conflicts")
	for n := range 2 {
		command(w, 0, "conflicts", "take", "salesforce", id)
		w.Quiet()
		for range 2 {
			w.Holds(w.Record("Contact", item), map[string]any{"Email": "monday@example.org"})
			shows(w, item, map[string]string{"email": "monday@example.org"})
			ring(w, e2e.Contacts, item)
		}
		w.Expect(n+1, "SELECT count(*) FROM dead_letters WHERE reason LIKE '%'||$1||'%'", e2e.Rejection)
		w.Expect(1, chosen)
	}
	accepts.Store(true)
	command(w, 0, "conflicts", "take", "salesforce", id)
	w.Quiet()
	for range 2 {
		w.Holds(w.Record("Contact", item), map[string]any{"Email": "sf@example.org"})
		shows(w, item, map[string]string{"email": "sf@example.org"})
		ring(w, e2e.Contacts, item)
	}
	w.Expect(0, chosen)
	w.Expect(1, "SELECT count(*) FROM conflicts")
}

// TestTakeUnshown: Monday rejects the value that a person chose. What Salesforce has received stays there, and what Monday
// still shows is not sent over it.
func TestTakeUnshown(t *testing.T) {
	t.Parallel()
	w, item := labelled(t)
	w.Together(e2e.Leads, func() {
		edit(w, "Lead", item, map[string]any{"Status": "Qualified"})
		w.Monday.SetColumn(item, "status", e2e.Label("Quote"))
	})
	w.Holds(w.Record("Lead", item), map[string]any{"Status": "Working"})
	command(w, 0, "conflicts", "take", "salesforce", w.Text("SELECT id::text FROM conflicts"))
	w.Quiet()
	for range 2 {
		w.Holds(w.Record("Lead", item), map[string]any{"Status": "Qualified"})
		shows(w, item, map[string]string{"status": "Quote"})
		unshown(w, item, "Status")
		ring(w, e2e.Leads, item)
	}
	if letters := w.DeadLetters(item); len(letters) != 1 || !strings.Contains(letters[0], "column status") {
		t.Errorf("dead letters: %q", letters)
	}
	w.Monday.SetColumn(item, "status", e2e.Label("New"))
	w.Quiet()
	w.Holds(w.Record("Lead", item), map[string]any{"Status": "New"})
}

// TestTakeOfMissingRecord: a choice for a record that is gone is dropped, whether or not that was known before. A
// choice replaces an earlier one that is still pending.
func TestTakeOfMissingRecord(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := disputed(w)
	w.Reject("Contact", "Email", "sf@example.org")
	id := w.Text("SELECT id::text FROM conflicts")
	command(w, 0, "conflicts", "take", "salesforce", id)
	w.Quiet()
	w.Expect(1, chosen)
	command(w, 0, "conflicts", "take", "monday", id)
	w.Quiet()
	w.Expect(0, chosen)
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "monday@example.org"})

	w.Salesforce.Delete("Contact", w.Record("Contact", item)["Id"].(string))
	for range 2 {
		command(w, 0, "conflicts", "take", "salesforce", id)
		w.Quiet()
		w.Expect(0, chosen)
		shows(w, item, map[string]string{"email": "monday@example.org"})
	}
	w.Monday.Rename(item, "Ada Lovelace")
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"LastName": "Lovelace", "Email": "monday@example.org"})
}

// TestTakeLink restores a connection to another item.
func TestTakeLink(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, second, third := w.Monday.CreateItem(e2e.Accounts, "First", nil), w.Monday.CreateItem(e2e.Accounts, "Second", nil),
		w.Monday.CreateItem(e2e.Accounts, "Third", nil)
	w.Quiet()
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"connect_account": e2e.Connected(first)})
	w.Quiet()
	accounts := map[int64]any{}
	for _, account := range []int64{second, third} {
		accounts[account] = w.Record("Account", account)["Id"]
	}
	w.Together(e2e.Contacts, func() {
		edit(w, "Contact", item, map[string]any{"AccountId": accounts[second]})
		w.Monday.SetColumn(item, "connect_account", e2e.Connected(third))
	})
	w.Expect(1, "SELECT count(*) FROM conflicts WHERE field = 'AccountId'")
	for side, want := range map[string]int64{"salesforce": second, "monday": third} {
		command(w, 0, "conflicts", "take", side, w.Text("SELECT id::text FROM conflicts"))
		w.Quiet()
		w.Holds(w.Record("Contact", item), map[string]any{"AccountId": accounts[want]})
		if it, _ := w.Monday.Item(item); len(it.Linked["connect_account"]) != 1 || it.Linked["connect_account"][0] != want {
			t.Errorf("after taking %s: connected to %v, want %d", side, it.Linked["connect_account"], want)
		}
	}
	w.Healthy()
}

// TestTakeThenEdit: an edit between a person's choice and the worker that carries it out is not lost.
func TestTakeThenEdit(t *testing.T) {
	t.Parallel()
	for _, side := range []string{"monday", "salesforce"} {
		t.Run(side, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			item := disputed(w)
			w.Together(e2e.Contacts, func() {
				command(w, 0, "conflicts", "take", "salesforce", w.Text("SELECT id::text FROM conflicts"))
				if side == "monday" {
					w.Monday.SetColumn(item, "email", e2e.Email("later@example.org"))
				} else {
					edit(w, "Contact", item, map[string]any{"Email": "later@example.org"})
				}
			})
			ring(w, e2e.Contacts, item)
			shows(w, item, map[string]string{"email": "sf@example.org"})
			w.Expect(1, `SELECT count(*) FROM conflicts WHERE coalesce(monday, 'null') = '"later@example.org"' OR coalesce(salesforce, 'null') = '"later@example.org"'`)
		})
	}
}
