package match_test

import (
	"testing"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// TestShownId: an item that shows the Id of a record is linked to that record, and no record is created for it.
func TestShownId(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	long := w.Salesforce.Insert("Account", map[string]any{"Name": "Was there", "Website": "https://example.org"})
	short := w.Salesforce.Insert("Account", map[string]any{"Name": "Was there too"})
	first := w.Monday.CreateItem(e2e.Accounts, "Analytical Engines", map[string]any{"text_sfid": long})
	second := w.Monday.CreateItem(e2e.Accounts, "Difference Engines", map[string]any{"text_sfid": short[:15]})
	w.Quiet()
	w.Holds(w.Record("Account", first), map[string]any{"Id": long, "Name": "Analytical Engines", "Website": "https://example.org"})
	w.Holds(w.Record("Account", second), map[string]any{"Id": short, "Name": "Difference Engines"})
	if n := len(w.Salesforce.Records("Account")); n != 2 {
		t.Errorf("%d accounts, want the 2 existing ones", n)
	}
	w.Monday.Rename(first, "Engines")
	w.Quiet()
	w.Holds(w.Record("Account", first), map[string]any{"Id": long, "Name": "Engines"})
	w.Healthy()
}

// TestShownIdOfShared: a record that leads share belongs to none of them, so an item that shows its Id is linked to it.
func TestShownIdOfShared(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	id := w.Record("Opportunity", lead)["AccountId"]
	item := w.Monday.CreateItem(e2e.Accounts, "Analytical Engines", map[string]any{"text_sfid": id, "phone": map[string]any{"phone": "2125550100", "countryShortName": "US"}})
	w.Quiet()
	w.Holds(w.Record("Account", item), map[string]any{"Id": id, "Phone": "+12125550100"})
	if n := len(w.Salesforce.Records("Account")); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
	w.Healthy()
}

// TestShownIdOfNothing: an Id without a record causes a dead letter, and no record is created.
func TestShownIdOfNothing(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	gone := w.Salesforce.Insert("Account", map[string]any{"Name": "Gone"})
	w.Salesforce.Delete("Account", gone)
	item := w.Monday.CreateItem(e2e.Accounts, "Analytical Engines", map[string]any{"text_sfid": gone})
	w.Quiet()
	w.DeadLetter()
	w.None("Account")
	w.Monday.SetColumn(item, "text_sfid", nil)
	w.Quiet()
	made := w.Record("Account", item)
	if w.Shown(item, "text_sfid") != made["Id"] {
		t.Errorf("the item shows %q, want %v", w.Shown(item, "text_sfid"), made["Id"])
	}
	w.Expect(1, "SELECT count(*) FROM dead_letters")
}

// TestCopiedItem: a copy shows the Id of its original at first, gets a record of its own, and then shows that.
func TestCopiedItem(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	item := w.Monday.CreateItem(e2e.Accounts, "Analytical Engines", nil)
	w.Quiet()
	id := w.Record("Account", item)["Id"].(string)
	copied := w.Monday.CreateItem(e2e.Accounts, "Analytical Engines (copy)", map[string]any{"text_sfid": id})
	w.Quiet()
	w.Holds(w.Record("Account", item), map[string]any{"Id": id, "Name": "Analytical Engines"})
	own := w.Record("Account", copied)
	w.Holds(own, map[string]any{"Name": "Analytical Engines (copy)"})
	if own["Id"] == id || w.Shown(copied, "text_sfid") != own["Id"] || w.Shown(item, "text_sfid") != id {
		t.Errorf("the copy has %v and shows %s, the item shows %s", own["Id"], w.Shown(copied, "text_sfid"), w.Shown(item, "text_sfid"))
	}
	w.Healthy()
}

// TestLink: a link refers to the record of the connected item; if there is none yet, it is set when the record appears.
func TestLink(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand)
	there := w.Monday.CreateItem(e2e.Accounts, "Analytical Engines", nil)
	w.Flush()
	late := w.Monday.CreateItem(e2e.Accounts, "Difference Engines", nil)
	afterwards := w.Mail.Take()
	first := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", map[string]any{"connect_account": e2e.Connected(there)})
	second := w.Monday.CreateItem(e2e.Contacts, "Charles Babbage", map[string]any{"connect_account": e2e.Connected(late)})
	w.Flush()
	w.Holds(w.Record("Contact", first), map[string]any{"AccountId": w.Record("Account", there)["Id"]})
	w.Holds(w.Record("Contact", second), map[string]any{"AccountId": nil, "LastName": "Babbage"})

	w.Send(afterwards[0])
	w.Flush()
	w.Holds(w.Record("Contact", second), map[string]any{"AccountId": w.Record("Account", late)["Id"]})
	w.Expect(0, "SELECT count(*) FROM waits")

	w.Monday.SetColumn(second, "connect_account", e2e.Connected(there))
	w.Flush()
	w.Holds(w.Record("Contact", second), map[string]any{"AccountId": w.Record("Account", there)["Id"]})
	w.Monday.SetColumn(second, "connect_account", nil)
	w.Flush()
	w.Holds(w.Record("Contact", second), map[string]any{"AccountId": nil})
	w.Healthy()
}

// TestLinksOnSeveralWorkers: events of items and of the items that they refer to arrive at the same time.
func TestLinksOnSeveralWorkers(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("BATCH_SIZE", "2"))
	w.Start("ingest")
	w.Subscribe()
	for range 2 {
		w.Start("worker")
	}
	wants := map[int64]int64{}
	for range 15 {
		account := w.Monday.CreateItem(e2e.Accounts, "Analytical Engines", nil)
		wants[w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", map[string]any{"connect_account": e2e.Connected(account)})] = account
	}
	w.Quiet()
	for contact, account := range wants {
		w.Holds(w.Record("Contact", contact), map[string]any{"AccountId": w.Record("Account", account)["Id"]})
	}
	w.Healthy()
}

func TestUser(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.LeadRecords(`
      lead:
        object: Lead
        fields:
          LastName: name
          Company: { value: Engines }
          OwnerId: { from: owner, as: user }
`), e2e.Monday(func(c *mondaysim.Config) { c.Doubled = 0.5 }))
	user := func(name string, active bool) string {
		return w.Salesforce.Insert("User", map[string]any{"Username": name + "@org.example", "LastName": name, "Email": name + "@example.org", "IsActive": active})
	}
	inactive := user("left", false)
	ada := user("ada", true)
	w.Monday.AddUser(11, "Ada", "ADA@example.org")
	w.Monday.AddUser(12, "Left", "left@example.org")
	w.Monday.AddUser(13, "Nobody", "nobody@example.org")
	owned := w.Monday.CreateItem(e2e.Leads, "Ada's", map[string]any{"owner": e2e.Person(11)})
	left := w.Monday.CreateItem(e2e.Leads, "Left's", map[string]any{"owner": e2e.Person(12)})
	none := w.Monday.CreateItem(e2e.Leads, "Nobody's", map[string]any{"owner": e2e.Person(13)})
	w.Quiet()
	w.Holds(w.Record("Lead", owned), map[string]any{"OwnerId": ada})
	for _, item := range []int64{left, none} {
		if owner := w.Record("Lead", item)["OwnerId"]; owner == ada || owner == inactive || owner == nil {
			t.Errorf("the lead of a person without an active user is owned by %v, want Salesforce's default", owner)
		}
	}
	w.Monday.SetColumn(left, "owner", e2e.Person(11))
	w.Quiet()
	w.Holds(w.Record("Lead", left), map[string]any{"OwnerId": ada})
	w.Healthy()
}
