package item_test

import (
	"fmt"
	"testing"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// wide adds columns to the contacts board that the first mapping does not read.
func wide(c *mondaysim.Config) {
	c.Boards = mondaysim.Example()
	board := &c.Boards[1]
	board.Columns = append(board.Columns,
		mondaysim.Column{ID: "phone_2", Title: "Direct line", Type: "phone"},
		mondaysim.Column{ID: "title", Title: "Title", Type: "text"},
		mondaysim.Column{ID: "sfid_2", Title: "Record", Type: "text"},
		mondaysim.Column{ID: "stage", Title: "Stage", Type: "status", Labels: []string{"Lead", "Client"}},
	)
}

// contactMapping returns a mapping of the contacts board with these keys and fields of the record.
func contactMapping(record, fields string) string {
	return fmt.Sprintf(`
version: 1
defaults: { phone_country: US }
boards:
  contacts:
    board: 1002
    records:
      contact:
        object: Contact
        %s
        fields: { LastName: name, Email: email, %s }
`, record, fields)
}

// served returns a world with ingest, and a worker that can be restarted with another mapping.
func served(t *testing.T, mapping string, options ...e2e.Option) (w *e2e.World, restart func(mapping string)) {
	// A backfill would do the work that the events are tested for.
	alone := []e2e.Option{e2e.Mapped(mapping), e2e.Monday(wide), e2e.With("BACKFILL", "off")}
	w = e2e.Setup(t, append(alone, options...)...)
	w.Start("ingest")
	w.Subscribe()
	stop := w.Start("worker")
	return w, func(mapping string) {
		stop()
		w.Env["MAPPING"] = w.Mapping(mapping)
		stop = w.Start("worker")
	}
}

func phone(number string) map[string]any {
	return map[string]any{"phone": number, "countryShortName": "US"}
}

// TestRemapped: columns that a changed mapping uses for the first time are read before they decide anything, at the
// first event of any kind. Their values are synced to Salesforce; if they are empty, Salesforce's values stay until a
// person clears the columns.
func TestRemapped(t *testing.T) {
	t.Parallel()
	w, restart := served(t, contactMapping("id_column: text_sfid", "Phone: { from: phone, as: phone }"))
	create := func(name string, values map[string]any) int64 { return w.Monday.CreateItem(e2e.Contacts, name, values) }
	full := create("Ada", map[string]any{"phone": phone("+12125550100"), "phone_2": phone("+12125550102"), "title": "Countess"})
	half := create("Charles", map[string]any{"phone": phone("+12125550100"), "phone_2": phone("+12125550103")})
	bare := create("Mary", map[string]any{"phone": phone("+12125550100")})
	w.Quiet()
	ids := []any{w.Record("Contact", full)["Id"], w.Record("Contact", half)["Id"], w.Record("Contact", bare)["Id"]}
	w.Salesforce.Update("Contact", ids[1].(string), map[string]any{"Title": "By hand"})
	restart(contactMapping("id_column: text_sfid", "Phone: { from: phone_2, as: phone }, Title: { from: title, default: None }"))
	for _, item := range []int64{full, half, bare} {
		w.Monday.SetColumn(item, "email", e2e.Email("new@example.org"))
	}
	w.Quiet()
	w.Holds(w.Record("Contact", full), map[string]any{"Id": ids[0], "Email": "new@example.org", "Phone": "+12125550102", "Title": "Countess"})
	w.Holds(w.Record("Contact", half), map[string]any{"Id": ids[1], "Email": "new@example.org", "Phone": "+12125550103", "Title": "By hand"})
	w.Holds(w.Record("Contact", bare), map[string]any{"Id": ids[2], "Email": "new@example.org", "Phone": "+12125550100"})
	for _, item := range []int64{half, bare} {
		w.Monday.SetColumn(item, "email", e2e.Email("newer@example.org"))
	}
	w.Quiet()
	w.Holds(w.Record("Contact", half), map[string]any{"Email": "newer@example.org", "Title": "By hand"})
	w.Holds(w.Record("Contact", bare), map[string]any{"Email": "newer@example.org", "Phone": "+12125550100"})
	w.Monday.SetColumn(full, "title", nil)
	w.Monday.SetColumn(full, "phone_2", nil)
	w.Quiet()
	w.Holds(w.Record("Contact", full), map[string]any{"Phone": nil, "Title": "None"})
	born := create("Grace", nil)
	w.Quiet()
	w.Holds(w.Record("Contact", born), map[string]any{"Phone": nil, "Title": "None"})
	w.Healthy()
}

// TestRemappedToKnownColumn: a field that a changed mapping fills from another column is noticed although that column
// was read before, for another field. Its value is neither cleared nor replaced by a default, until a person clears the
// column.
func TestRemappedToKnownColumn(t *testing.T) {
	t.Parallel()
	both := "Phone: { from: phone, as: phone }, MobilePhone: { from: phone_2, as: phone }, Description: sfid_2"
	w, restart := served(t, contactMapping("id_column: text_sfid", both+", Title: title"))
	create := func(name string, values map[string]any) int64 {
		values["phone"] = phone("+12125550100")
		return w.Monday.CreateItem(e2e.Contacts, name, values)
	}
	full := create("Ada", map[string]any{"phone_2": phone("+12125550102"), "title": "Countess"})
	bare := create("Mary", map[string]any{"title": "Ms"})
	w.Quiet()
	restart(contactMapping("id_column: text_sfid", "Phone: { from: phone_2, as: phone }, MobilePhone: { from: phone_2, as: phone }, "+
		"Title: { from: sfid_2, default: None }, Description: sfid_2"))
	for _, item := range []int64{full, bare} {
		w.Monday.SetColumn(item, "email", e2e.Email("new@example.org"))
	}
	w.Quiet()
	w.Holds(w.Record("Contact", full), map[string]any{"Email": "new@example.org", "Phone": "+12125550102", "Title": "Countess"})
	w.Holds(w.Record("Contact", bare), map[string]any{"Email": "new@example.org", "Phone": "+12125550100", "Title": "Ms"})
	for _, item := range []int64{full, bare} {
		w.Monday.SetColumn(item, "phone_2", nil)
	}
	w.Quiet()
	w.Holds(w.Record("Contact", full), map[string]any{"Phone": nil, "Title": "Countess"})
	w.Healthy()
}

// TestRemappedOnRename: a changed mapping is also noticed at a rename, and at an event of a column that is new in the
// mapping.
func TestRemappedOnRename(t *testing.T) {
	t.Parallel()
	w, restart := served(t, contactMapping("", "Phone: { from: phone, as: phone }"))
	create := func(name string) int64 {
		return w.Monday.CreateItem(e2e.Contacts, name, map[string]any{"phone": phone("+12125550100"), "phone_2": phone("+12125550102"), "title": "Countess"})
	}
	renamed, told := create("Ada"), create("Charles")
	w.Quiet()
	restart(contactMapping("", "Phone: { from: phone_2, as: phone }, Title: title"))
	w.Monday.Rename(renamed, "Ada Lovelace")
	w.Monday.SetColumn(told, "title", "Professor")
	w.Quiet()
	w.Holds(w.Record("Contact", renamed), map[string]any{"LastName": "Ada Lovelace", "Phone": "+12125550102", "Title": "Countess"})
	w.Holds(w.Record("Contact", told), map[string]any{"Phone": "+12125550102", "Title": "Professor"})
	w.Healthy()
}

// TestRemappedCondition: a condition on a column that was never read counts neither as failed nor as met.
func TestRemappedCondition(t *testing.T) {
	t.Parallel()
	w, restart := served(t, contactMapping("create_when: { email: [never] }", "Title: title"))
	client := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"stage": e2e.Label("Client")})
	lead := w.Monday.CreateItem(e2e.Contacts, "Charles", map[string]any{"stage": e2e.Label("Lead")})
	w.Quiet()
	w.None("Contact")
	restart(contactMapping("create_when: { stage: [Client] }", "Title: title"))
	for _, item := range []int64{client, lead} {
		w.Monday.SetColumn(item, "title", "Countess")
	}
	w.Quiet()
	w.Holds(w.Record("Contact", client), map[string]any{"LastName": "Ada", "Title": "Countess"})
	if n := len(w.Salesforce.Records("Contact")); n != 1 {
		t.Errorf("%d contacts, want 1", n)
	}
	w.Healthy()
}

// TestRemappedIDColumn: a changed id column is read before it is written. If it shows the item's record, it stays; if
// it is empty, it gets the Id; and no second record is created.
func TestRemappedIDColumn(t *testing.T) {
	t.Parallel()
	w, restart := served(t, contactMapping("id_column: text_sfid", "Title: title"))
	first := w.Monday.CreateItem(e2e.Contacts, "Ada", nil)
	second := w.Monday.CreateItem(e2e.Contacts, "Charles", nil)
	w.Quiet()
	ids := []string{w.Record("Contact", first)["Id"].(string), w.Record("Contact", second)["Id"].(string)}
	w.Monday.SetColumn(second, "sfid_2", ids[1][:15]) // as another tool showed it
	w.Quiet()
	restart(contactMapping("id_column: sfid_2", "Title: title"))
	for _, item := range []int64{first, second} {
		w.Monday.SetColumn(item, "title", "Countess")
	}
	w.Quiet()
	for n, item := range []int64{first, second} {
		w.Holds(w.Record("Contact", item), map[string]any{"Id": ids[n], "Title": "Countess"})
	}
	if a, b := w.Shown(first, "sfid_2"), w.Shown(second, "sfid_2"); a != ids[0] || b != ids[1][:15] {
		t.Errorf("the items show %s and %s, want %s and %s", a, b, ids[0], ids[1][:15])
	}
	if n := len(w.Salesforce.Records("Contact")); n != 2 {
		t.Errorf("%d contacts, want 2", n)
	}
	w.Healthy()
}

// offers returns a mapping of the leads board with these labels.
func offers(labels string) string {
	return fmt.Sprintf(`
version: 1
boards:
  leads:
    board: 1003
    records:
      opportunity:
        object: Opportunity
        fields:
          Name: name
          Amount: amount
          CloseDate: { from: close_date, default: +90d }
          StageName: { from: status, labels: { %s } }
`, labels)
}

// TestRenamedLabel: a label that is renamed on the board and in the mapping keeps its meaning, although no event
// reports the new name.
func TestRenamedLabel(t *testing.T) {
	t.Parallel()
	w, restart := served(t, offers("New: Prospecting, Quote: Proposal/Price Quote"))
	var items []int64
	for n := range 5 {
		items = append(items, w.Monday.CreateItem(e2e.Leads, fmt.Sprint("Deal ", n), map[string]any{"status": e2e.Label("Quote")}))
	}
	w.Quiet()
	w.Monday.RenameLabel(e2e.Leads, "status", "Quote", "Offer")
	restart(offers("New: Prospecting, Offer: Proposal/Price Quote"))
	before := w.Calls()
	w.Together(e2e.Leads, func() {
		for n, item := range items {
			w.Monday.SetColumn(item, "amount", fmt.Sprint(n))
		}
	})
	if reads := w.Calls()[1] - before[1]; reads != 3 { // two of Together, for its item and the board, and one for all five
		t.Errorf("%d calls of Monday, want 3", reads)
	}
	for n, item := range items {
		w.Holds(w.Record("Opportunity", item), map[string]any{"Amount": float64(n), "StageName": "Proposal/Price Quote"})
	}
	w.Healthy()

	// A new meaning is synced.
	w.Monday.RenameLabel(e2e.Leads, "status", "Offer", "Won")
	restart(offers("New: Prospecting, Won: Closed Won"))
	w.Monday.SetColumn(items[0], "amount", "7")
	w.Quiet()
	w.Holds(w.Record("Opportunity", items[0]), map[string]any{"Amount": 7.0, "StageName": "Closed Won"})
	w.Healthy()
}

// TestLabelOutsideTheMapping: a label that is on the board but not in the mapping causes one dead letter when an event
// has it, and no read at each later event.
func TestLabelOutsideTheMapping(t *testing.T) {
	t.Parallel()
	w, restart := served(t, offers("New: Prospecting, Quote: Proposal/Price Quote"))
	item := w.Monday.CreateItem(e2e.Leads, "Deal", map[string]any{"status": e2e.Label("Quote")})
	w.Quiet()
	restart(offers("New: Prospecting"))
	for n := range 3 {
		w.Monday.SetColumn(item, "amount", fmt.Sprint(n))
		w.Quiet()
		w.Holds(w.Record("Opportunity", item), map[string]any{"Amount": float64(n), "StageName": "Proposal/Price Quote"})
	}
	w.DeadLetter()
	before := w.Calls()[1]
	w.Monday.SetColumn(item, "amount", "4")
	w.Quiet()
	if calls := w.Calls()[1] - before; calls != 0 {
		t.Errorf("%d reads for an unmapped label that is known, want none", calls)
	}
	w.Monday.SetColumn(item, "status", e2e.Label("New"))
	w.Quiet()
	w.Holds(w.Record("Opportunity", item), map[string]any{"StageName": "Prospecting"})
	w.DeadLetter()
}
