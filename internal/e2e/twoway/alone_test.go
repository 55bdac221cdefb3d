package twoway_test

import (
	"testing"

	"crmsync/internal/e2e"
	"crmsync/jobs"
)

// TestToMondayOnly: a column that only shows what Salesforce holds takes each new value, also after a worker died and
// if everything is sent again. Nothing in it is ever sent to Salesforce, so nothing can be in doubt.
func TestToMondayOnly(t *testing.T) {
	t.Parallel()
	w := setup(t, e2e.Mapped(`version: 1
boards:
  accounts:
    board: 1001
    records:
      account:
        object: Account
        id_column: text_sfid
        fields: { Name: name, Description: { from: text_note, sync: to_monday } }
`))
	item := w.Monday.CreateItem(e2e.Accounts, "Analytical Engines", nil)
	w.Quiet()
	for _, step := range []struct {
		note  string
		force bool
	}{{"first", false}, {"after a worker died", false}, {"sent again", true}} {
		edit(w, "Account", item, map[string]any{"Description": step.note})
		if step.note != "first" && !step.force { // as a dead worker leaves it
			w.Exec("UPDATE items SET lease_holder = gen_random_uuid(), lease_until = now() - interval '1 second' WHERE item_id = $1", item)
		}
		w.Resync(jobs.ItemResyncArgs{BoardID: e2e.Accounts, ItemID: item, Force: step.force})
		w.Quiet()
		shows(w, item, map[string]string{"text_note": step.note})
	}
	w.Expect(0, "SELECT count(*) FROM conflicts")
}
