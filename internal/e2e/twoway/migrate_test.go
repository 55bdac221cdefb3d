package twoway_test

import (
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// TestMigrate: a migration creates items, and leaves fields that go both ways to the one comparison.
func TestMigrate(t *testing.T) {
	t.Parallel()
	w := setup(t, e2e.Mapped(strings.Replace(rules, "match: [Email]", "items: {}", 1)), e2e.ByHand)
	id := w.Salesforce.Insert("Contact", map[string]any{"FirstName": "Ada", "LastName": "King", "Email": "a@example.org"})
	command(w, 0, "migrate", "contacts")
	w.Quiet()
	w.Flush()
	w.Quiet()
	item := w.Monday.Items(e2e.Contacts)[0].ID
	shows(w, item, map[string]string{"name": "Ada King", "email": "a@example.org", "text_sfid": id})
	w.Salesforce.Update("Contact", id, map[string]any{"Email": "sf@example.org", "Phone": "+12125550111"})
	w.Monday.SetColumn(item, "email", e2e.Email("monday@example.org"))
	command(w, 0, "migrate", "contacts")
	w.Quiet()
	shows(w, item, map[string]string{"email": "monday@example.org", "phone": "+12125550111"})
	w.Holds(w.Salesforce.Get("Contact", id), map[string]any{"Email": "monday@example.org"})
	w.Expect(1, "SELECT count(*) FROM conflicts WHERE field = 'Email' AND salesforce = '\"sf@example.org\"'")
	w.Flush()
	w.Quiet()
	w.Expect(1, "SELECT count(*) FROM conflicts")
	if got := len(w.Monday.Items(e2e.Contacts)); got != 1 {
		t.Errorf("%d items", got)
	}
	w.Expect(0, "SELECT count(*) FROM dead_letters")
}
