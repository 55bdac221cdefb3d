package twoway_test

import (
	"testing"

	"crmsync/internal/e2e"
)

// TestFromSalesforce writes changes that were made only in Salesforce to Monday, once, and drops their echoes.
func TestFromSalesforce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	account := w.Monday.CreateItem(e2e.Accounts, "Analytical Engines", nil)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("ada@example.org"), "phone": e2e.Phone("(212) 555-0100")})
	w.Quiet()
	edit(w, "Contact", item, map[string]any{
		"FirstName": "Augusta Ada", "Email": "countess@example.org", "Phone": "+12125550111", "AccountId": w.Record("Account", account)["Id"],
	})
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"name": "Augusta Ada King", "email": "countess@example.org", "phone": "+12125550111"})
	if it, _ := w.Monday.Item(item); len(it.Linked["connect_account"]) != 1 || it.Linked["connect_account"][0] != account {
		t.Errorf("connected to %v, want %d", it.Linked["connect_account"], account)
	}
	before := w.Calls()
	writes := w.Writes()
	ring(w, e2e.Contacts, item)
	after := w.Calls()
	if after[0]-before[0] > 1 || after[1] != before[1] || w.Writes() != writes {
		t.Errorf("a comparison without a difference took %d calls to Salesforce and %d to Monday, and %d writes", after[0]-before[0], after[1]-before[1], w.Writes()-writes)
	}
	w.Holds(w.Record("Contact", item), map[string]any{"FirstName": "Augusta Ada", "LastName": "King", "Email": "countess@example.org"})
	w.Expect(0, "SELECT count(*) FROM conflicts")
	w.Expect(0, "SELECT count(*) FROM items WHERE name_own OR columns::text LIKE '%\"own\"%'")
	w.Healthy()

	edit(w, "Contact", item, map[string]any{"Email": nil, "AccountId": nil})
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"email": "", "connect_account": ""})
	w.Healthy()
}

// TestFromMonday: before a field that goes both ways is written, its record is read. An event costs no other extra
// call.
func TestFromMonday(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Quiet()
	before := w.Salesforce.Calls()["retrieve"]
	w.Monday.Rename(item, "Ada Lovelace") // the name goes to Salesforce by two fields, and comes back by a third
	w.Quiet()
	w.Monday.SetColumn(item, "email", e2e.Email("lovelace@example.org"))
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"LastName": "Lovelace", "Email": "lovelace@example.org"})
	if got := w.Salesforce.Calls()["retrieve"] - before; got > 2 {
		t.Errorf("the record was read %d times for two events", got)
	}
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"name": "Ada Lovelace"})
	w.Expect(0, "SELECT count(*) FROM conflicts")
	w.Healthy()
}

// TestConflicts: where both sides changed, the mapping decides, and the other value is kept.
func TestConflicts(t *testing.T) {
	t.Parallel()
	w := setup(t, e2e.ByHand)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org"), "phone": e2e.Phone("+12125550100")})
	w.Flush()
	w.Quiet()
	edit(w, "Contact", item, map[string]any{"Email": "sf@example.org", "Phone": "+12125550111"})
	w.Monday.SetColumn(item, "email", e2e.Email("monday@example.org"))
	w.Monday.SetColumn(item, "phone", e2e.Phone("+12125550122"))
	w.Flush()
	w.Quiet()
	w.Flush()
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "monday@example.org", "Phone": "+12125550111"})
	shows(w, item, map[string]string{"email": "monday@example.org", "phone": "+12125550111"})
	w.Expect(1, `SELECT count(*) FROM conflicts WHERE field = 'Email' AND column_id = 'email' AND rule = 'monday' AND base = '"a@example.org"'
		AND monday = '"monday@example.org"' AND salesforce = '"sf@example.org"' AND monday_at IS NOT NULL AND salesforce_at IS NOT NULL`)
	w.Expect(1, `SELECT count(*) FROM conflicts WHERE field = 'Phone' AND rule = 'salesforce' AND monday = '"+12125550122"' AND salesforce = '"+12125550111"'`)
	w.Expect(2, "SELECT count(*) FROM conflicts")
	w.Healthy()

	// Both changed to the same.
	edit(w, "Contact", item, map[string]any{"Email": "same@example.org"})
	w.Monday.SetColumn(item, "email", e2e.Email("SAME@example.org"))
	w.Flush()
	w.Quiet()
	w.Expect(2, "SELECT count(*) FROM conflicts")
}

// TestFirstMeeting: an adopted record and its item have never been compared. An empty side takes the other's value;
// what differs is left alone.
func TestFirstMeeting(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.Salesforce.Insert("Contact", map[string]any{"FirstName": "Ada", "LastName": "King", "Email": "ada@example.org", "Phone": "+12125550111"})
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Quiet()
	if got := w.Record("Contact", item)["Id"]; got != id {
		t.Fatalf("the item has %v, want the record that was there", got)
	}
	shows(w, item, map[string]string{"phone": "+12125550111"})
	w.Holds(w.Record("Contact", item), map[string]any{"Phone": "+12125550111"})
	w.Expect(0, "SELECT count(*) FROM conflicts")
	w.Healthy()
}

// TestNUL: JSON allows a character that Postgres does not store. A value of either system with it is synced like any
// other.
func TestNUL(t *testing.T) {
	t.Parallel()
	w := setup(t, e2e.ByHand)
	item := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Flush()
	w.Quiet()
	w.Mail.Take()
	edit(w, "Account", item, map[string]any{"Name": "Engi\x00nes", "Website": "https://engines.example/a\x00b"})
	ring(w, e2e.Accounts, item)
	shows(w, item, map[string]string{"name": "Engi\ufffdnes"})
	writes := w.Writes()
	ring(w, e2e.Accounts, item)
	if got := w.Writes(); got != writes {
		t.Errorf("%d more writes", got-writes)
	}
	w.Mail.Take()
	w.Monday.Rename(item, "Anal\x00ytical Engines") // its webhook is a dead letter that is not retried; a comparison reads it
	w.Monday.SetColumn(item, "phone", e2e.Phone("+12125550111"))
	w.Mail.Take()
	ring(w, e2e.Accounts, item)
	command(w, 0, "apply", "--yes", "accounts")
	w.Quiet()
	w.Holds(w.Record("Account", item), map[string]any{"Name": "Anal\ufffdytical Engines", "Phone": "+12125550111"})
	w.Healthy()
}
