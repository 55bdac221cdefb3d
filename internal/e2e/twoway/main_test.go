package twoway_test

import (
	"testing"

	"crmsync/internal/e2e"
	"crmsync/jobs"
)

func TestMain(m *testing.M) { e2e.Main(m) }

// rules has fields of accounts and contacts of each direction.
const rules = `version: 1
defaults: { phone_country: US, reconcile: off }
boards:
  accounts:
    board: 1001
    records:
      account:
        object: Account
        id_column: text_sfid
        sync: both
        fields:
          Name: name
          Phone: { from: phone, as: phone }
          Website: website
  contacts:
    board: 1002
    records:
      contact:
        object: Contact
        id_column: text_sfid
        match: [Email]
        sync: both
        fields:
          Name: { from: name, sync: to_monday }
          FirstName: { from: name, as: first_name }
          LastName: { from: name, as: last_name }
          Email: email
          Phone: { from: phone, as: phone, wins: salesforce }
          AccountId: { from: connect_account, link: accounts.account }
`

// setup is a world that syncs both ways. Nothing polls Salesforce: the tests ring.
func setup(t *testing.T, options ...e2e.Option) *e2e.World {
	t.Helper()
	return e2e.Serving(t, append([]e2e.Option{e2e.Mapped(rules), e2e.With("SALESFORCE_POLL", "off")}, options...)...)
}

// leads is a world with leads that sync both ways. labels are the settings of their status.
func leads(t *testing.T, labels string) *e2e.World {
	t.Helper()
	return setup(t, e2e.LeadRecords(`
      lead:
        object: Lead
        sync: both
        fields:
          LastName: { from: name, as: last_name }
          Company: company
          Status: { from: status, `+labels+` }
`))
}

// labelled is a world with a lead. The board does not have one of the labels of its status: Gone.
func labelled(t *testing.T) (w *e2e.World, item int64) {
	t.Helper()
	w = leads(t, "labels: { New: New, Quote: Working, Gone: Qualified }")
	return w, newLead(w)
}

// newLead creates an item whose status is New.
func newLead(w *e2e.World) (item int64) {
	w.T.Helper()
	item = w.Monday.CreateItem(e2e.Leads, "Ada King", map[string]any{"company": "Engines", "status": e2e.Label("New")})
	w.Quiet()
	return item
}

// ring asks for a comparison of items, as the feed does after a change in Salesforce, and waits until all is done.
func ring(w *e2e.World, board int64, items ...int64) {
	w.T.Helper()
	for _, item := range items {
		w.Resync(jobs.ItemResyncArgs{BoardID: board, ItemID: item})
	}
	w.Quiet()
}

// edit changes fields of an item's record as a person in Salesforce does.
func edit(w *e2e.World, object string, item int64, fields map[string]any) {
	w.T.Helper()
	w.Salesforce.Update(object, w.Record(object, item)["Id"].(string), fields)
}

// shows checks what the item shows; "name" stands for its name.
func shows(w *e2e.World, item int64, want map[string]string) {
	w.T.Helper()
	it, ok := w.Monday.Item(item)
	if !ok {
		w.T.Fatalf("no item %d", item)
	}
	for column, text := range want {
		got := it.Text[column]
		if column == "name" {
			got = it.Name
		}
		if got != text {
			w.T.Errorf("%s shows %q, want %q", column, got, text)
		}
	}
}
