package twoway_test

import (
	"fmt"
	"maps"
	"testing"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// away is a mapping of leads, in which two fields only go to Salesforce, and a board without some of its columns.
var away = e2e.Mapped(`version: 1
defaults: { phone_country: US, reconcile: off }
boards:
  leads:
    board: 1003
    records:
      lead:
        object: Lead
        id_column: text_sfid
        sync: both
        fields:
          LastName: { from: name, sync: to_salesforce }
          Company: company
          Email: email
          Phone: { from: phone, as: phone, wins: salesforce }
          Description: text_note
          AnnualRevenue: { from: amount, sync: to_salesforce }
`)

var attic = e2e.Monday(func(c *mondaysim.Config) {
	c.Boards = append(mondaysim.Example(), mondaysim.Board{ID: 4004, Name: "Attic", Columns: []mondaysim.Column{
		{ID: "company", Title: "Company", Type: "text"}, {ID: "phone", Title: "Phone", Type: "phone"}, {ID: "text_sfid", Title: "Salesforce Id", Type: "text"},
	}})
})

func filled(w *e2e.World) int64 {
	w.T.Helper()
	item := w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{
		"company": "Engines", "email": e2e.Email("a@example.org"), "phone": e2e.Phone("+12125550100"), "text_note": "first", "amount": "7",
	})
	w.Quiet()
	return item
}

var ends = map[string]func(*e2e.World, int64){
	"archived": func(w *e2e.World, item int64) { w.Monday.ArchiveItem(item) },
	"deleted":  func(w *e2e.World, item int64) { w.Monday.DeleteItem(item) },
}

// editedAway is a world with an item that has ended, and whose record was edited since: its e-mail address and phone
// number, and more fields.
func editedAway(t *testing.T, end func(*e2e.World, int64), more map[string]any) (w *e2e.World, item int64) {
	t.Helper()
	w = setup(t, away)
	item = filled(w)
	end(w, item)
	w.Quiet()
	fields := map[string]any{"Email": "sf@example.org", "Phone": "+12125550111"}
	maps.Copy(fields, more)
	edit(w, "Lead", item, fields)
	return w, item
}

// TestRestored: what was edited in Salesforce while the item was away goes to Monday, whichever side wins. Fields that
// only go to Salesforce get Monday's values.
func TestRestored(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, item := editedAway(t, end, map[string]any{"Description": nil, "AnnualRevenue": 8})
			ring(w, e2e.Leads, item)
			shows(w, item, map[string]string{"email": "a@example.org"})
			w.Monday.RestoreItem(item)
			w.Quiet()
			for range 2 {
				w.Holds(w.Record("Lead", item), map[string]any{
					"Email": "sf@example.org", "Phone": "+12125550111", "Description": nil, "Company": "Engines", "AnnualRevenue": 7.0,
				})
				shows(w, item, map[string]string{"email": "sf@example.org", "phone": "+12125550111", "text_note": "", "company": "Engines"})
				ring(w, e2e.Leads, item)
			}
			w.Expect(0, "SELECT count(*) FROM conflicts")
			w.Healthy()
		})
	}
}

// TestRestoredAndEdited: if both sides changed, the rule decides, and the value that lost is kept.
func TestRestoredAndEdited(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, item := editedAway(t, end, map[string]any{"Description": "theirs"})
			w.Together(e2e.Leads, func() {
				w.Monday.RestoreItem(item)
				w.Monday.SetColumn(item, "email", e2e.Email("monday@example.org"))
				w.Monday.SetColumn(item, "phone", e2e.Phone("+12125550122"))
			})
			w.Holds(w.Record("Lead", item), map[string]any{"Email": "monday@example.org", "Phone": "+12125550111", "Description": "theirs"})
			shows(w, item, map[string]string{"email": "monday@example.org", "phone": "+12125550111", "text_note": "theirs"})
			w.Expect(2, "SELECT count(*) FROM conflicts")
			w.Expect(1, `SELECT count(*) FROM conflicts WHERE field = 'Email' AND salesforce = '"sf@example.org"' AND rule = 'monday'`)
			w.Expect(1, `SELECT count(*) FROM conflicts WHERE field = 'Phone' AND monday = '"+12125550122"' AND rule = 'salesforce'`)
			w.Healthy()
		})
	}
}

// TestMovedAway: a column that lost its value on a board without it does not count as emptied, however it is found out
// that the item is back. Everything else that changed meanwhile is synced, in both directions.
func TestMovedAway(t *testing.T) {
	t.Parallel()
	sweep := func(w *e2e.World, _ int64) { command(w, 0, "apply", "leads", "--yes") }
	adopt := func(w *e2e.World, _ int64) {
		command(w, 0, "apply", "leads", "--adopt", "monday", "--enforce", "--yes")
	}
	one := func(w *e2e.World, item int64) { command(w, 0, "apply", "--item", fmt.Sprint(item), "--yes") }
	bell := func(w *e2e.World, item int64) { ring(w, e2e.Leads, item) }
	miss := map[string]func(*e2e.World, int64){"event": bell, "bell": sweep, "apply": bell, "apply --item": sweep, "apply --adopt": bell}
	for name, find := range map[string]func(*e2e.World, int64){
		"event": func(w *e2e.World, item int64) { w.Monday.Rename(item, "Ada King") },
		"bell":  bell, "apply": sweep, "apply --item": one, "apply --adopt": adopt,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, away, attic)
			item := filled(w)
			w.Monday.MoveItem(item, 4004)
			edit(w, "Lead", item, map[string]any{"Phone": "+12125550111"})
			miss[name](w, item) // it is found on the other board
			w.Quiet()
			w.Monday.SetColumn(item, "company", "Other Engines")
			edit(w, "Lead", item, map[string]any{"Description": "theirs"})
			w.Monday.MoveItem(item, e2e.Leads)
			planned := command(w, 0, "plan", "--item", fmt.Sprint(item))
			find(w, item)
			w.Quiet()
			for range 2 {
				w.Holds(w.Record("Lead", item), map[string]any{
					"Company": "Other Engines", "Email": "a@example.org", "Phone": "+12125550111", "Description": "theirs", "AnnualRevenue": 7.0,
				})
				shows(w, item, map[string]string{
					"company": "Other Engines", "email": "a@example.org", "phone": "+12125550111", "text_note": "theirs", "amount": "",
				})
				command(w, 0, "plan", "--item", fmt.Sprint(item), "--check")
				ring(w, e2e.Leads, item)
			}
			w.Expect(0, "SELECT count(*) FROM conflicts")
			w.Monday.SetColumn(item, "email", nil) // a person empties them
			w.Monday.SetColumn(item, "amount", "9")
			w.Monday.SetColumn(item, "amount", nil)
			w.Quiet()
			w.Holds(w.Record("Lead", item), map[string]any{"Email": nil, "AnnualRevenue": nil, "Company": "Other Engines"})
			w.Healthy()
			if t.Failed() {
				t.Log(planned)
			}
		})
	}
}
