package item_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// TestMoved: a lead that is moved to the contacts board is read again at its next event. Its contact follows the new
// board's mapping, the records that only the old board has are left unchanged, and later events are synced by the new
// board's mapping.
func TestMoved(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	account := w.Monday.CreateItem(e2e.Accounts, "Difference Engines", nil)
	item := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Quiet()
	contact, lead, opportunity := w.Record("Contact", item)["Id"], w.Record("Lead", item)["Id"], w.Record("Opportunity", item)["Id"]
	w.Monday.MoveItem(item, e2e.Contacts)
	w.Monday.SetColumn(item, "connect_account", e2e.Connected(account))
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{
		"Id": contact, "LastName": "Lovelace", "Email": "ada@example.org", "AccountId": w.Record("Account", account)["Id"],
	})
	w.Expect(1, "SELECT count(*) FROM items WHERE item_id = $1 AND board_id = 1002", item)
	w.Expect(1, `SELECT count(*) FROM sync_logs WHERE item_id = $1 AND column_id = 'connect_account' AND response_data->>'notes' LIKE '%kept as they are%'`, item)
	if shown := w.Shown(item, "text_sfid"); shown != contact {
		t.Errorf("the item shows %s, want its contact %v", shown, contact)
	}
	w.Monday.Rename(item, "Ada King")
	w.Monday.SetColumn(item, "email", nil)
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"LastName": "King", "Email": nil})
	w.Holds(w.Record("Lead", item), map[string]any{"Id": lead, "LastName": "Lovelace", "Email": "ada@example.org"})
	w.Holds(w.Record("Opportunity", item), map[string]any{"Id": opportunity, "Name": "Analytical Engines - Ada Lovelace"})
	if n := len(w.Salesforce.Records("Contact")); n != 1 {
		t.Errorf("%d contacts, want 1", n)
	}
	w.Monday.DeleteItem(item) // on_delete of the new board
	w.Quiet()
	w.None("Contact")
	w.Record("Lead", item)
	w.Healthy()
}

// TestMovedWithEmptyColumns: if the new board's columns are empty, as after a move that lost their values, the record
// keeps its values until a person fills or clears the columns.
func TestMovedWithEmptyColumns(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	item := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Quiet()
	account := w.Record("Contact", item)["AccountId"]
	if account == nil {
		t.Fatal("the contact has no account")
	}
	w.Monday.MoveItem(item, e2e.Contacts)
	for _, name := range []string{"Ada King", "Ada Byron"} {
		w.Monday.Rename(item, name)
		w.Quiet()
		w.Holds(w.Record("Contact", item), map[string]any{"LastName": name[4:], "Email": "ada@example.org", "AccountId": account})
	}
	company := w.Monday.CreateItem(e2e.Accounts, "Difference Engines", nil)
	w.Quiet()
	w.Monday.SetColumn(item, "connect_account", e2e.Connected(company))
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"AccountId": w.Record("Account", company)["Id"]})
	w.Monday.SetColumn(item, "connect_account", nil)
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"AccountId": nil})
	w.Healthy()
}

// TestMovedBack: an item that returns to its board is linked to its old records again.
func TestMovedBack(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	item := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	contact, lead := w.Record("Contact", item)["Id"], w.Record("Lead", item)["Id"]
	w.Monday.MoveItem(item, e2e.Contacts)
	w.Monday.Rename(item, "Ada King")
	w.Quiet()
	w.Monday.MoveItem(item, e2e.Leads)
	w.Monday.SetColumn(item, "status", e2e.Label("Quote"))
	w.Monday.SetColumn(item, "company", "Engines")
	w.Quiet()
	w.Holds(w.Record("Lead", item), map[string]any{"Id": lead, "LastName": "King", "Company": "Engines"})
	w.Holds(w.Record("Contact", item), map[string]any{"Id": contact, "LastName": "King"})
	w.Holds(w.Record("Opportunity", item), map[string]any{"Name": "Engines - Ada King", "StageName": "Proposal/Price Quote"})
	if a, b := w.Shown(item, "text_sfid"), w.Shown(item, "text_oppid"); a != lead || b != w.Record("Opportunity", item)["Id"] {
		t.Errorf("the item shows %s and %s", a, b)
	}
	w.Expect(1, "SELECT count(*) FROM items WHERE item_id = $1 AND board_id = 1003", item)
	w.Healthy()
}

// TestMovedWithAnId: the id column moves along and shows a record of the old board, which is not a record of the new
// one. The item gets a record of its own, and shows that.
func TestMovedWithAnId(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(`
version: 1
boards:
  leads:
    board: 1003
    records:
      lead: { object: Lead, id_column: text_sfid, fields: { LastName: name, Company: company } }
  contacts:
    board: 1002
    records:
      contact: { object: Contact, id_column: text_sfid, fields: { LastName: name, Email: email } }
`))
	item := w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{"company": "Engines", "email": e2e.Email("ada@example.org")})
	w.Quiet()
	lead := w.Record("Lead", item)["Id"]
	w.Monday.MoveItem(item, e2e.Contacts)
	w.Monday.Rename(item, "Ada Lovelace")
	w.Quiet()
	contact := w.Record("Contact", item)
	w.Holds(contact, map[string]any{"LastName": "Ada Lovelace", "Email": "ada@example.org"})
	if shown := w.Shown(item, "text_sfid"); shown != contact["Id"] {
		t.Errorf("the item shows %s, want its contact %v", shown, contact["Id"])
	}
	w.Monday.MoveItem(item, e2e.Leads)
	w.Monday.SetColumn(item, "company", "More Engines")
	w.Quiet()
	w.Holds(w.Record("Lead", item), map[string]any{"Id": lead, "LastName": "Ada Lovelace", "Company": "More Engines"})
	if shown := w.Shown(item, "text_sfid"); shown != lead {
		t.Errorf("the item shows %s, want its lead %v", shown, lead)
	}
	w.Holds(w.Record("Contact", item), map[string]any{"Id": contact["Id"], "LastName": "Ada Lovelace"})
	w.Healthy()
}

// TestMovedWhileMondayFails: an event of the new board does not become a dead letter because reading the item fails at
// first.
func TestMovedWhileMondayFails(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	item := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	var failed atomic.Bool
	w.Monday.MoveItem(item, e2e.Contacts)
	w.Monday.OnCall(func(mondaysim.Call) *mondaysim.Fault {
		if failed.CompareAndSwap(false, true) {
			return &mondaysim.Fault{Status: 500, Body: `{"data":null}`}
		}
		return nil
	})
	w.Monday.Rename(item, "Ada King")
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"LastName": "King"})
	w.Expect(0, "SELECT count(*) FROM dead_letters")
}

// TestMovedOffTheMap: an item on an unmapped board is left alone, even if late events of its old board arrive, and is
// synced again when it returns.
func TestMovedOffTheMap(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand, e2e.Monday(func(c *mondaysim.Config) {
		c.Boards = append(mondaysim.Example(), mondaysim.Board{ID: 4004, Name: "Attic", Columns: []mondaysim.Column{
			{ID: "company", Title: "Company", Type: "text"}, {ID: "status", Title: "Status", Type: "status", Labels: []string{"Qualified"}},
		}})
	}))
	item := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Flush()
	w.Monday.SetColumn(item, "company", "Engines")
	late := w.Mail.Take()
	w.Monday.MoveItem(item, 4004)
	w.Send(late[0], map[string]any{"changedAt": nil}, e2e.Redelivered())
	w.Quiet()
	if status, reason := w.Ending("update_column_value", item); status != "skipped" || reason != "the item is on a board that is not mapped" {
		t.Errorf("ended %s (%s)", status, reason)
	}
	w.Holds(w.Record("Lead", item), map[string]any{"Company": "Analytical Engines"})
	w.Monday.SetColumn(item, "company", "Other Engines")
	w.Flush()
	w.Monday.MoveItem(item, e2e.Leads)
	w.Monday.Rename(item, "Ada King")
	w.Flush()
	w.Holds(w.Record("Lead", item), map[string]any{"LastName": "King", "Company": "Other Engines"})
	w.Healthy()
}

// TestLateEventOfOldBoard: a late event of the board that an item has left changes nothing on the new one.
func TestLateEventOfOldBoard(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand, e2e.Ticking)
	item := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Flush()
	w.Monday.SetColumn(item, "email", e2e.Email("late@example.org"))
	w.Monday.Rename(item, "Ada Late")
	late := w.Mail.Take()
	w.Monday.MoveItem(item, e2e.Contacts)
	w.Monday.Rename(item, "Ada King")
	w.Monday.SetColumn(item, "email", e2e.Email("king@example.org"))
	w.Flush()
	w.Holds(w.Record("Contact", item), map[string]any{"LastName": "King", "Email": "king@example.org"})
	for n, event := range late {
		w.Send(event)
		w.Send(event, e2e.Redelivered(), map[string]any{"triggerUuid": fmt.Sprint("again ", n)})
	}
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"LastName": "King", "Email": "king@example.org"})
	w.Holds(w.Record("Lead", item), map[string]any{"LastName": "Lovelace", "Email": "ada@example.org"})
	w.Expect(1, "SELECT count(*) FROM items WHERE item_id = $1 AND board_id = 1002", item)
	if status, reason := w.Ending("update_column_value", item); status != "skipped" || reason != "the item is on another board" {
		t.Errorf("ended %s (%s)", status, reason)
	}
	w.Healthy()
}

// TestForgedBoard: an event that names another mapped board for an item, which only a forged one does, causes the item
// to be read, and its content is ignored.
func TestForgedBoard(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	item := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Quiet()
	before := map[string]any{"Id": w.Record("Contact", item)["Id"], "LastName": "Lovelace", "Email": "ada@example.org", "AccountId": w.Record("Contact", item)["AccountId"]}
	writes := w.Writes()
	for n, body := range []string{
		`"type":"update_column_value","pulseId":%d,"columnId":"email","columnType":"email","value":{"email":"forged@example.org","text":"x"},"changedAt":1999999999.5`,
		`"type":"update_column_value","pulseId":%d,"columnId":"connect_account","columnType":"board-relation","value":{"linkedPulseIds":[]},"changedAt":1790000000.5`,
		`"type":"update_name","pulseId":%d,"value":{"name":"Forged Name"}`,
		`"type":"create_pulse","pulseId":%d,"pulseName":"Forged Name"`,
		`"type":"delete_pulse","itemId":%d,"itemName":"Forged Name"`,
		`"type":"archive_pulse","itemId":%d,"itemName":"Forged Name"`,
		`"type":"restore_pulse","itemId":%d,"itemName":"Forged Name"`,
	} {
		w.Deliver(fmt.Sprintf(`{"event":{"boardId":1002,"triggerUuid":"forged %d","triggerTime":"2026-09-23T12:03:55.044Z",`+body+`}}`, n, item))
	}
	w.Quiet()
	w.Holds(w.Record("Contact", item), before)
	w.Expect(1, "SELECT count(*) FROM items WHERE item_id = $1 AND board_id = 1003 AND deleted_at IS NULL", item)
	if n := w.Writes() - writes; n != 0 {
		t.Errorf("%d writes for a forged event, want none", n)
	}
	w.Monday.SetColumn(item, "email", e2e.Email("king@example.org"))
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "king@example.org"})
	w.Healthy()
}
