package reject_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestTakenValueWithoutAField: a second unique field whose value is taken is left out of a new record and of a change,
// whether Salesforce's message reveals the field or not, and the dead letter names it.
func TestTakenValueWithoutAField(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(strings.Replace(contacts, "Phone: phone", "Badge__c: phone", 1)))
	w.Salesforce.AddField("Contact", sfsim.Field{Name: "Badge__c", Type: sfsim.String, Length: 40, Unique: true})
	w.Salesforce.Insert("Contact", map[string]any{"LastName": "Seen", "Badge__c": "+12125550101"})
	hidden := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Hidden", "Badge__c": "+12125550102"})
	w.Salesforce.Hide("Contact", hidden, true)
	for _, number := range []string{"+12125550101", "+12125550102"} {
		item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"phone": phone(number), "email": e2e.Email("ada@example.org")})
		w.Quiet()
		w.Holds(w.Record("Contact", item), map[string]any{"LastName": "Ada", "Email": "ada@example.org", "Badge__c": nil})
		rejectedFor(w, item, "Contact.Badge__c: DUPLICATE_VALUE")
		w.Monday.SetColumn(item, "phone", phone(number[:11]+"9"))
		w.Quiet()
		w.Holds(w.Record("Contact", item), map[string]any{"Badge__c": number[:11] + "9"})
		w.Together(e2e.Contacts, func() {
			w.Monday.SetColumn(item, "phone", phone(number))
			w.Monday.SetColumn(item, "email", e2e.Email("ada@example.com"))
		})
		w.Holds(w.Record("Contact", item), map[string]any{"Badge__c": number[:11] + "9", "Email": "ada@example.com"})
		w.Expect(2, "SELECT count(*) FROM dead_letters WHERE (args->>'item_id')::bigint = $1", item)
		w.Monday.DeleteItem(item)
		w.Quiet()
		w.Salesforce.Delete("Contact", w.Record("Contact", item)["Id"].(string)) // its number is free for the next one
	}
}

// TestInactiveDefaultOwner: an inactive default owner does not prevent new leads; one dead letter per event names the
// field, and the check finds the problem beforehand.
func TestInactiveDefaultOwner(t *testing.T) {
	t.Parallel()
	left := ""
	w := e2e.Setup(t, e2e.Mapped("version: 1\nboards: {}\n"))
	left = w.Salesforce.Insert("User", map[string]any{"Username": "left@org.example", "LastName": "Left", "Email": "left@example.org", "IsActive": false})
	w.Env["MAPPING"] = w.Mapping(fmt.Sprintf(`
version: 1
defaults: { owner: %s }
boards:
  leads:
    board: 1003
    records:
      lead:
        object: Lead
        fields:
          LastName: name
          Company: { value: Engines }
          OwnerId: { from: owner, as: user }
`, left))
	if code, out, errs := w.Command("check", "--live"); code == 0 || !strings.Contains(out+errs, "inactive") || !strings.Contains(out+errs, "owner") {
		t.Errorf("check exited with %d and does not find the inactive owner:\n%s%s", code, out, errs)
	}
	w.Start("serve")
	w.Subscribe()
	w.Monday.AddUser(13, "Nobody", "nobody@example.org")
	lead := w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{"owner": e2e.Person(13)})
	w.Quiet()
	made := w.Record("Lead", lead)
	if made["OwnerId"] == left || made["OwnerId"] == nil {
		t.Errorf("the owner is %v, want Salesforce's default", made["OwnerId"])
	}
	rejectedFor(w, lead, "Lead.OwnerId: INACTIVE_OWNER_OR_USER")
	w.Monday.Rename(lead, "Ada Lovelace")
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"LastName": "Ada Lovelace"})
	w.DeadLetter()
}

// TestParentIsGone: a contact whose account is gone stays the same contact and is still synced; one dead letter names
// the reference.
func TestParentIsGone(t *testing.T) {
	t.Parallel()
	for name, ruin := range map[string]func(w *e2e.World, account string){
		"deleted":             func(w *e2e.World, account string) { w.Salesforce.Delete("Account", account) },
		"reported as deleted": func(w *e2e.World, account string) { entityIsDeleted(w, account) },
		"purged": func(w *e2e.World, account string) {
			w.Salesforce.Delete("Account", account)
			w.Salesforce.Purge("Account", account)
		},
		"hidden":                               func(w *e2e.World, account string) { w.Salesforce.Hide("Account", account, true) },
		"merged into a record without an item": mergeAway,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t)
			account := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
			contact := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", nil)
			w.Quiet()
			id := w.Record("Contact", contact)["Id"]
			ruin(w, w.Record("Account", account)["Id"].(string))
			before := w.Calls()
			w.Monday.SetColumn(contact, "connect_account", e2e.Connected(account))
			w.Quiet()
			rejectedFor(w, contact, "Contact.AccountId")
			if calls := w.Calls()[0] - before[0]; calls > 8 {
				t.Errorf("%d calls to find the reference, want at most 8", calls)
			}
			w.Monday.SetColumn(contact, "email", e2e.Email("ada@example.org"))
			w.Monday.Rename(contact, "Ada King")
			w.Quiet()
			w.Holds(w.Record("Contact", contact), map[string]any{"Id": id, "Email": "ada@example.org", "LastName": "King", "AccountId": nil})
			born := w.Monday.CreateItem(e2e.Contacts, "Charles Babbage", map[string]any{"connect_account": e2e.Connected(account)})
			w.Quiet()
			w.Holds(w.Record("Contact", born), map[string]any{"LastName": "Babbage", "AccountId": nil})
			rejectedFor(w, born, "Contact.AccountId")
			w.Expect(2, "SELECT count(*) FROM dead_letters")
		})
	}
}

func entityIsDeleted(w *e2e.World, account string) {
	w.Salesforce.Delete("Account", account)
	w.Salesforce.RejectReferences("Account", account, "ENTITY_IS_DELETED")
}

// mergeAway merges an account into one that belongs to no item.
func mergeAway(w *e2e.World, account string) {
	w.Salesforce.MergeRecords("Account", w.Salesforce.Insert("Account", map[string]any{"Name": "Winner"}), account)
}

// TestParentComesBack: once the account's item has a record again, its contacts refer to it.
func TestParentComesBack(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	account := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	contact := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", nil)
	w.Quiet()
	w.Salesforce.Delete("Account", w.Record("Account", account)["Id"].(string))
	w.Monday.SetColumn(contact, "connect_account", e2e.Connected(account))
	w.Quiet()
	w.DeadLetter()
	w.Monday.Rename(account, "More Engines")
	w.Quiet()
	w.Monday.SetColumn(contact, "email", e2e.Email("ada@example.org"))
	w.Quiet()
	w.Holds(w.Record("Contact", contact), map[string]any{"Email": "ada@example.org", "AccountId": w.Record("Account", account)["Id"]})
	w.DeadLetter()
}

// TestTwoFirstUpserts: of two concurrent upserts that create the same record, the second is attempted again.
func TestTwoFirstUpserts(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]string{"named": `"Monday_Item_Id__c"`, "in the message": ``} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t)
			var second atomic.Bool
			w.Failing(sfsim.Fault{Status: 200, Body: `[{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","fields":[` + fields + `],
				"message":"duplicate value found: Monday_Item_Id__c duplicates value on record with id: 0015f00000000ZZ"}]}]`},
				func(c sfsim.Call) bool { return c.Has("upsert", "") && second.CompareAndSwap(false, true) })
			item := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
			w.Quiet()
			if !second.Load() {
				t.Error("nothing failed")
			}
			w.Holds(w.Record("Account", item), map[string]any{"Name": "Engines"})
			w.Expect(0, "SELECT count(*) FROM dead_letters")
		})
	}
}

// TestStorageFull: while an org accepts no new records, these wait without using attempts and with one alert, and
// changes are still written.
func TestStorageFull(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.With("MAX_ATTEMPTS", "2"))
	known := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Quiet()
	w.Salesforce.SetStorageFull(true)
	waiting := w.Items(e2e.Accounts, 5, "Waiting ")
	w.Message("STORAGE_LIMIT_EXCEEDED")
	for n := range 3 {
		name := fmt.Sprint("Engines ", n)
		w.Monday.Rename(known, name)
		w.Eventually("changes are still written", func() bool { return w.Record("Account", known)["Name"] == name })
	}
	w.Expect(0, "SELECT count(*) FROM dead_letters")
	w.Salesforce.SetStorageFull(false)
	w.Quiet()
	for n, item := range waiting {
		w.Holds(w.Record("Account", item), map[string]any{"Name": fmt.Sprint("Waiting ", n)})
	}
	w.Expect(0, "SELECT count(*) FROM dead_letters")
	if n := len(w.Telegram.Texts()); n > 2 {
		t.Errorf("%d messages, want one of the beginning and one of the end:\n%s", n, strings.Join(w.Telegram.Texts(), "\n"))
	}
}
