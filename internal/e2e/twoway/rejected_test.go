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
