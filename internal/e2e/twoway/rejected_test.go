package twoway_test

import (
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// TestRejectedAndUndone: Salesforce rejects an edit, and somebody edits the record meanwhile. Monday wins, so the item
// still counts when it goes back to what both sides had agreed on.
func TestRejectedAndUndone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Reject("Contact", "Email", "bad@example.org")
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Quiet()
	w.Monday.SetColumn(item, "email", e2e.Email("bad@example.org"))
	w.Quiet()
	edit(w, "Contact", item, map[string]any{"Email": "sf@example.org"})
	ring(w, e2e.Contacts, item)
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "sf@example.org"})
	shows(w, item, map[string]string{"email": "bad@example.org"})
	w.Expect(1, `SELECT count(*) FROM conflicts WHERE salesforce = '"sf@example.org"' AND rule = 'monday'`)
	writes := w.Writes()
	ring(w, e2e.Contacts, item)
	if n := w.Writes() - writes; n != 0 {
		t.Errorf("the rejected value is sent again by %d calls", n)
	}
	w.Monday.SetColumn(item, "email", e2e.Email("a@example.org"))
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "a@example.org"})
	shows(w, item, map[string]string{"email": "a@example.org"})
	edit(w, "Contact", item, map[string]any{"Email": "later@example.org"})
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"email": "later@example.org"})
	w.Expect(1, "SELECT count(*) FROM conflicts")
	w.Expect(1, "SELECT count(*) FROM dead_letters")
}

// rejectPrefix lets Salesforce reject all values of a field of contacts that begin with a text.
func rejectPrefix(w *e2e.World, field, prefix string) {
	w.Salesforce.Reject("Contact", field, func(v any) string {
		if text, _ := v.(string); strings.HasPrefix(text, prefix) {
			return e2e.Rejection
		}
		return ""
	})
}

// TestRejectedAndEditedAgain: Monday wins a conflict, and Salesforce rejects the value. As long as that is so, the
// conflict has both sides' latest values; a later one is another conflict.
func TestRejectedAndEditedAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rejectPrefix(w, "Email", "bad")
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Quiet()
	inMonday := func(address string) { w.Monday.SetColumn(item, "email", e2e.Email(address)); w.Quiet() }
	inSalesforce := func(address string) {
		edit(w, "Contact", item, map[string]any{"Email": address})
		ring(w, e2e.Contacts, item)
	}
	open := func(monday, salesforce string) {
		t.Helper()
		w.Expect(1, `SELECT count(*) FROM conflicts WHERE take IS NULL AND rule = 'monday' AND base = '"a@example.org"'
			AND monday = to_jsonb($1::text) AND salesforce = to_jsonb($2::text)`, monday, salesforce)
		w.Expect(1, "SELECT count(*) FROM conflicts")
		w.Holds(w.Record("Contact", item), map[string]any{"Email": salesforce})
		shows(w, item, map[string]string{"email": monday})
	}
	inMonday("bad1@example.org")
	for _, address := range []string{"sf1@example.org", "sf2@example.org", "sf3@example.org"} {
		inSalesforce(address)
		open("bad1@example.org", address)
	}
	inMonday("bad2@example.org")
	inSalesforce("sf4@example.org")
	open("bad2@example.org", "sf4@example.org")
	command(w, 0, "conflicts", "take", "salesforce", w.Text("SELECT id::text FROM conflicts"))
	w.Quiet()
	shows(w, item, map[string]string{"email": "sf4@example.org"})
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "sf4@example.org"})
	w.Expect(1, "SELECT count(*) FROM conflicts")
	inMonday("bad3@example.org")
	inSalesforce("sf5@example.org")
	inSalesforce("sf6@example.org")
	inMonday("good@example.org") // Salesforce's value is overwritten now
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "good@example.org"})
	w.Expect(2, "SELECT count(*) FROM conflicts")
	w.Expect(1, `SELECT count(*) FROM conflicts WHERE monday = '"bad3@example.org"' AND salesforce = '"sf6@example.org"' AND take IS NULL`)
}

// TestRejectedPartOfName: Monday wins a conflict about a name, and Salesforce rejects the last name. As long as nothing
// is overwritten, the conflict has both sides' latest values. A first name that is overwritten stays in a conflict.
func TestRejectedPartOfName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rejectPrefix(w, "LastName", "Bad")
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", nil)
	w.Quiet()
	conflicts := func(want ...string) {
		t.Helper()
		got := w.Text(`SELECT coalesce(string_agg(monday #>> '{}' || ' / ' || (salesforce #>> '{}'), ', ' ORDER BY id), '') FROM conflicts
			WHERE rule = 'monday' AND field = 'Name' AND base = '"Ada King"'`)
		if got != strings.Join(want, ", ") {
			t.Errorf("the conflicts are %q, want %q", got, want)
		}
	}
	inSalesforce := func(fields map[string]any) { edit(w, "Contact", item, fields); ring(w, e2e.Contacts, item) }
	inMonday := func(name string) { w.Monday.Rename(item, name); w.Quiet() }
	inMonday("Ada Bad")
	for _, name := range []string{"Byron", "Noel", "Lovelace"} {
		inSalesforce(map[string]any{"LastName": name})
		conflicts("Ada Bad / Ada " + name)
	}
	inMonday("Ada Badder")
	inSalesforce(map[string]any{"LastName": "Byron"})
	conflicts("Ada Badder / Ada Byron")
	inSalesforce(map[string]any{"FirstName": "Augusta"}) // it is overwritten
	w.Holds(w.Record("Contact", item), map[string]any{"FirstName": "Ada", "LastName": "Byron"})
	conflicts("Ada Badder / Ada Byron", "Ada Badder / Augusta Byron")
	ring(w, e2e.Contacts, item)
	conflicts("Ada Badder / Ada Byron", "Ada Badder / Augusta Byron")
	for _, name := range []string{"Noel", "Lovelace"} {
		inSalesforce(map[string]any{"LastName": name})
		conflicts("Ada Badder / Ada Byron", "Ada Badder / Augusta Byron", "Ada Badder / Ada "+name)
	}
	inMonday("Ada Good")
	w.Holds(w.Record("Contact", item), map[string]any{"FirstName": "Ada", "LastName": "Good"})
	inSalesforce(map[string]any{"LastName": "King"})
	shows(w, item, map[string]string{"name": "Ada King"})
	conflicts("Ada Badder / Ada Byron", "Ada Badder / Augusta Byron", "Ada Badder / Ada Lovelace")
	w.Expect(3, "SELECT count(*) FROM conflicts")
}

// TestRejectedIsNotPlanned: values that Salesforce has rejected are not sent again. A plan lists them once, and what
// cannot be sent does not count as written.
func TestRejectedIsNotPlanned(t *testing.T) {
	t.Parallel()
	w := setup(t, e2e.ByHand)
	w.Reject("Contact", "Email", "bad@example.org")
	rejectPrefix(w, "LastName", "Bad")
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Flush()
	w.Monday.SetColumn(item, "email", e2e.Email("bad@example.org"))
	w.Monday.Rename(item, "Ada Bad")
	w.Flush()
	lists := func(want map[string]int) {
		t.Helper()
		out := command(w, 3, "plan", "contacts", "--check")
		for text, want := range want {
			if n := strings.Count(out, text); n != want {
				t.Errorf("the plan contains %q %d times, want %d:\n%s", text, n, want, out)
			}
		}
	}
	unsent := map[string]int{"cannot be sent, left alone": 3, "changed in Monday, left alone": 2, "contact.Email": 1, "contact.LastName": 1, "contact.Name": 1}
	lists(unsent) // with a total of each kind
	command(w, 0, "apply", "contacts", "--yes")
	w.Expect(3, "SELECT differing FROM sweeps")
	w.Expect(0, "SELECT written + rejected FROM sweeps")
	w.Monday.Rename(item, "Augusta Bad")
	w.Mail.Take() // the event is lost
	lists(map[string]int{"changed in Monday\n": 2, "left alone": 3, "contact.LastName": 1, "contact.FirstName": 0})
	command(w, 0, "apply", "contacts", "--yes")
	w.Expect(1, "SELECT written FROM sweeps WHERE id = 2")
	w.Holds(w.Record("Contact", item), map[string]any{"FirstName": "Augusta", "LastName": "King"})
	lists(unsent)
	for n, name := range []string{"Grace Badder", "Grace Baddest"} { // the first name is sent, then nothing
		w.Monday.Rename(item, name)
		w.Mail.Take()
		command(w, 1, "apply", "contacts", "--yes")
		w.Holds(w.Record("Contact", item), map[string]any{"FirstName": "Grace", "LastName": "King"})
		w.Expect(1-n, "SELECT written FROM sweeps WHERE id = $1", 3+n)
		w.Expect(1, `SELECT count(*) FROM differences JOIN sweeps ON sweeps.id = run_id
			WHERE run_id = $1 AND rejected = 1 AND action = 'reject' AND field = 'LastName' AND code = $2`, 3+n, e2e.Rejection)
		lists(unsent)
	}
}

// TestRejectedFirstMeeting: an event ends a first meeting with a value that Salesforce rejects. It is not sent again
// until it changes.
func TestRejectedFirstMeeting(t *testing.T) {
	t.Parallel()
	w, item := switched(t, strings.ReplaceAll(oneWay, "          Phone: { from: phone, as: phone }\n", ""), func(w *e2e.World, item int64) {
		edit(w, "Contact", item, map[string]any{"Phone": "+12125550199"})
	})
	w.Reject("Contact", "Phone", "+12125550111")
	backfill(w)
	w.Monday.SetColumn(item, "phone", e2e.Phone("+12125550111"))
	w.Flush()
	w.Quiet()
	writes := w.Writes()
	for range 2 {
		ring(w, e2e.Contacts, item)
	}
	if n := w.Writes() - writes; n != 0 {
		t.Errorf("the rejected value is sent again by %d calls", n)
	}
	w.Expect(1, "SELECT count(*) FROM dead_letters")
	w.Monday.SetColumn(item, "phone", e2e.Phone("+12125550122"))
	w.Flush()
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Phone": "+12125550122"})
	w.Expect(1, "SELECT count(*) FROM conflicts")
	w.Expect(1, "SELECT count(*) FROM dead_letters")
}

// TestEmptiedBeforeSwitch: Salesforce clears a field that both sides agreed on by a mapping that only read it. By the
// mapping for both ways it is a first meeting with one empty side, which takes the other's value.
func TestEmptiedBeforeSwitch(t *testing.T) {
	t.Parallel()
	const phone = "{ from: phone, as: phone, wins: salesforce }"
	w, item := switched(t, strings.ReplaceAll(rules, phone, "{ from: phone, as: phone, sync: to_monday }"), func(w *e2e.World, item int64) {
		edit(w, "Contact", item, map[string]any{"Phone": "+12125550100"})
		ring(w, e2e.Contacts, item)
	})
	edit(w, "Contact", item, map[string]any{"Phone": nil})
	w.Start("serve")
	ring(w, e2e.Contacts, item)
	w.Holds(w.Record("Contact", item), map[string]any{"Phone": "+12125550100"})
	edit(w, "Contact", item, map[string]any{"Phone": "+12125550111"})
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"phone": "+12125550111"})
	w.Expect(0, "SELECT count(*) FROM conflicts")
	w.Healthy()
}
