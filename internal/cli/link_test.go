package cli

import (
	"testing"

	mondaysim "crmsync/internal/sim/monday"
)

// TestShownId: an item that shows the Id of a record is linked to that one, and nothing is made for it.
func TestShownId(t *testing.T) {
	t.Parallel()
	w := serving(t)
	long := w.salesforce.Insert("Account", map[string]any{"Name": "Was there", "Website": "https://example.org"})
	short := w.salesforce.Insert("Account", map[string]any{"Name": "Was there too"})
	first := w.monday.CreateItem(accounts, "Analytical Engines", map[string]any{"text_sfid": long})
	second := w.monday.CreateItem(accounts, "Difference Engines", map[string]any{"text_sfid": short[:15]})
	w.quiet()
	w.holds(w.record("Account", first), map[string]any{"Id": long, "Name": "Analytical Engines", "Website": "https://example.org"})
	w.holds(w.record("Account", second), map[string]any{"Id": short, "Name": "Difference Engines"})
	if n := len(w.salesforce.Records("Account")); n != 2 {
		t.Errorf("%d accounts, want the 2 that were there", n)
	}
	w.monday.Rename(first, "Engines")
	w.quiet()
	w.holds(w.record("Account", first), map[string]any{"Id": long, "Name": "Engines"})
	w.healthy()
}

// TestShownIdOfShared: a record that leads share belongs to none of them, and so to the item that shows its Id.
func TestShownIdOfShared(t *testing.T) {
	t.Parallel()
	w := serving(t)
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.quiet()
	id := w.record("Opportunity", lead)["AccountId"]
	item := w.monday.CreateItem(accounts, "Analytical Engines", map[string]any{"text_sfid": id, "phone": map[string]any{"phone": "2125550100", "countryShortName": "US"}})
	w.quiet()
	w.holds(w.record("Account", item), map[string]any{"Id": id, "Phone": "+12125550100"})
	if n := len(w.salesforce.Records("Account")); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
	w.healthy()
}

// TestShownIdOfNothing: an Id that no record has is a dead letter, and no record is made beside it.
func TestShownIdOfNothing(t *testing.T) {
	t.Parallel()
	w := serving(t)
	gone := w.salesforce.Insert("Account", map[string]any{"Name": "Gone"})
	w.salesforce.Delete("Account", gone)
	item := w.monday.CreateItem(accounts, "Analytical Engines", map[string]any{"text_sfid": gone})
	w.quiet()
	w.letter()
	w.none("Account")
	w.monday.SetColumn(item, "text_sfid", nil)
	w.quiet()
	made := w.record("Account", item)
	if w.shown(item, "text_sfid") != made["Id"] {
		t.Errorf("the item shows %q, want %v", w.shown(item, "text_sfid"), made["Id"])
	}
	w.expect(1, "SELECT count(*) FROM dead_letters")
}

// TestCopiedItem: a copy shows the Id of the item that it was copied from, gets a record of its own, and shows that.
func TestCopiedItem(t *testing.T) {
	t.Parallel()
	w := serving(t)
	item := w.monday.CreateItem(accounts, "Analytical Engines", nil)
	w.quiet()
	id := w.record("Account", item)["Id"].(string)
	copied := w.monday.CreateItem(accounts, "Analytical Engines (copy)", map[string]any{"text_sfid": id})
	w.quiet()
	w.holds(w.record("Account", item), map[string]any{"Id": id, "Name": "Analytical Engines"})
	own := w.record("Account", copied)
	w.holds(own, map[string]any{"Name": "Analytical Engines (copy)"})
	if own["Id"] == id || w.shown(copied, "text_sfid") != own["Id"] || w.shown(item, "text_sfid") != id {
		t.Errorf("the copy has %v and shows %s, the item shows %s", own["Id"], w.shown(copied, "text_sfid"), w.shown(item, "text_sfid"))
	}
	w.healthy()
}

// TestLink: a link goes to the record of the connected item; where there is none yet, it is filled in when it appears.
func TestLink(t *testing.T) {
	t.Parallel()
	w := serving(t, byHand)
	there := w.monday.CreateItem(accounts, "Analytical Engines", nil)
	w.flush()
	late := w.monday.CreateItem(accounts, "Difference Engines", nil)
	afterwards := w.mail.take()
	first := w.monday.CreateItem(contacts, "Ada Lovelace", map[string]any{"connect_account": connected(there)})
	second := w.monday.CreateItem(contacts, "Charles Babbage", map[string]any{"connect_account": connected(late)})
	w.flush()
	w.holds(w.record("Contact", first), map[string]any{"AccountId": w.record("Account", there)["Id"]})
	w.holds(w.record("Contact", second), map[string]any{"AccountId": nil, "LastName": "Babbage"})

	w.send(afterwards[0])
	w.flush()
	w.holds(w.record("Contact", second), map[string]any{"AccountId": w.record("Account", late)["Id"]})
	w.expect(0, "SELECT count(*) FROM waits")

	w.monday.SetColumn(second, "connect_account", connected(there))
	w.flush()
	w.holds(w.record("Contact", second), map[string]any{"AccountId": w.record("Account", there)["Id"]})
	w.monday.SetColumn(second, "connect_account", nil)
	w.flush()
	w.holds(w.record("Contact", second), map[string]any{"AccountId": nil})
	w.healthy()
}

// TestLinksOnSeveralWorkers: items and the items that they refer to are told of at once.
func TestLinksOnSeveralWorkers(t *testing.T) {
	t.Parallel()
	w := setup(t, with("BATCH_SIZE", "2"))
	w.start("ingest")
	w.subscribe()
	for range 2 {
		w.start("worker")
	}
	wants := map[int64]int64{}
	for range 15 {
		account := w.monday.CreateItem(accounts, "Analytical Engines", nil)
		wants[w.monday.CreateItem(contacts, "Ada Lovelace", map[string]any{"connect_account": connected(account)})] = account
	}
	w.quiet()
	for contact, account := range wants {
		w.holds(w.record("Contact", contact), map[string]any{"AccountId": w.record("Account", account)["Id"]})
	}
	w.healthy()
}

func TestUser(t *testing.T) {
	t.Parallel()
	w := serving(t, mapped(`
version: 1
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
`), monday(func(c *mondaysim.Config) { c.Doubled = 0.5 }))
	user := func(name string, active bool) string {
		return w.salesforce.Insert("User", map[string]any{"Username": name + "@org.example", "LastName": name, "Email": name + "@example.org", "IsActive": active})
	}
	inactive := user("left", false)
	ada := user("ada", true)
	w.monday.AddUser(11, "Ada", "ADA@example.org")
	w.monday.AddUser(12, "Left", "left@example.org")
	w.monday.AddUser(13, "Nobody", "nobody@example.org")
	owned := w.monday.CreateItem(leads, "Ada's", map[string]any{"owner": person(11)})
	left := w.monday.CreateItem(leads, "Left's", map[string]any{"owner": person(12)})
	none := w.monday.CreateItem(leads, "Nobody's", map[string]any{"owner": person(13)})
	w.quiet()
	w.holds(w.record("Lead", owned), map[string]any{"OwnerId": ada})
	for _, item := range []int64{left, none} {
		if owner := w.record("Lead", item)["OwnerId"]; owner == ada || owner == inactive || owner == nil {
			t.Errorf("the lead of a person without an active user is owned by %v, want whom Salesforce gave it to", owner)
		}
	}
	w.monday.SetColumn(left, "owner", person(11))
	w.quiet()
	w.holds(w.record("Lead", left), map[string]any{"OwnerId": ada})
	w.healthy()
}
