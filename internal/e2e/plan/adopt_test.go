package plan_test

import (
	"fmt"
	"testing"

	"crmsync/internal/e2e"
)

// ways has a field of each direction, and one whose column cannot show everything.
const ways = `
version: 1
defaults: { phone_country: US, reconcile: "off" }
boards:
  leads:
    board: 1003
    records:
      lead:
        object: Lead
        id_column: text_sfid
        fields:
          LastName: name
          Company: { from: company, sync: both }
          Phone: { from: phone, as: phone }
          Description: { from: text_note, sync: to_monday }
          Status: { from: status, sync: both, labels: { Qualified: Qualified, New: Working } }
`

// TestAdoptOneWay: a first meeting of a field that is not synced in the direction of --adopt, or whose column cannot show
// the value, is reported with the reason and what to do, and the command fails. Nothing is written to it.
func TestAdoptOneWay(t *testing.T) {
	t.Parallel()
	for side, want := range map[string]struct {
		codes         map[string]string // by field
		note, company string            // in Monday, and on both sides
		does          string            // what a person can do
	}{
		"salesforce": {
			codes: map[string]string{"Phone": "ONLY_TO_SALESFORCE", "Status": "NO_WAY_BACK"},
			note:  "theirs", company: "Theirs", does: "set sync: both",
		},
		"monday": {
			codes: map[string]string{"Description": "ONLY_TO_MONDAY"},
			note:  "ours", company: "Ours", does: "Use --adopt salesforce",
		},
	} {
		t.Run(side, func(t *testing.T) {
			t.Parallel()
			w := e2e.Setup(t, e2e.Mapped(ways))
			id := w.Salesforce.Insert("Lead", map[string]any{
				"LastName": "Ada", "Company": "Theirs", "Phone": "+12125550111", "Description": "theirs", "Status": "Closed - Not Converted",
			})
			item := w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{
				"company": "Ours", "phone": e2e.Phone("+12125550100"), "text_note": "ours", "status": e2e.Label("Qualified"), "text_sfid": id,
			})
			apply(w)
			w.Holds(w.Record("Lead", item), map[string]any{"Company": "Theirs", "Phone": "+12125550111", "Description": "theirs"})

			planned, _ := run(w, 0, "plan", "--adopt", side)
			says(t, "plan", planned, want.does)
			out, errs := run(w, 1, "apply", "--adopt", side, "--yes")
			for field, code := range want.codes {
				w.Expect(1, "SELECT count(*) FROM differences WHERE field = $1 AND code = $2 AND action = 'reject'", field, code)
				says(t, "apply", out, fmt.Sprintf("item %d", item), "lead."+field, "left alone: ")
			}
			says(t, "apply", out, want.does)
			says(t, "apply", errs, "rejected, or not adopted")
			w.Expect(len(want.codes), "SELECT count(*) FROM differences WHERE action = 'reject'")
			w.Holds(w.Record("Lead", item), map[string]any{"Company": want.company, "Description": "theirs"})
			if note, company := w.Shown(item, "text_note"), w.Shown(item, "company"); note != want.note || company != want.company {
				t.Errorf("the item shows %q and %q", note, company)
			}
			again := report(w, 1, "--adopt", side)
			if n := len(again[0].NotWritten); n != again[0].Rejected || n == 0 || again[0].Written != 0 {
				t.Errorf("the next run: %+v", again)
			}
			if side == "salesforce" { // the other direction is possible
				run(w, 0, "apply", "--adopt", "monday", "--yes")
				w.Holds(w.Record("Lead", item), map[string]any{"Phone": "+12125550100"})
			}
			run(w, 0, "apply", "--yes") // nothing was asked for that cannot be done
		})
	}
}
