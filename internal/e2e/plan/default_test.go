package plan_test

import (
	"testing"

	"crmsync/internal/e2e"
)

const owned = `
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
          Status: { from: status, labels: { Qualified: Qualified } }
`

// TestDefaultsOfSalesforce: what Salesforce fills in when a record is created, because the columns are empty, is not a
// difference, and nothing replaces it until Monday has a value. A value that is entered over it is drift.
func TestDefaultsOfSalesforce(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(owned))
	item := w.Monday.CreateItem(e2e.Leads, "King", nil)
	w.Quiet()
	lead := w.Record("Lead", item)
	id, owner, status := lead["Id"].(string), lead["OwnerId"], lead["Status"]
	if owner == nil || status == nil {
		t.Fatalf("Salesforce has filled in the owner %v and the status %v", owner, status)
	}
	check := func(when string, want int) {
		t.Helper()
		if code, stdout, stderr := w.Command("plan", "--check"); code != want {
			t.Errorf("%s: plan --check: exit %d, want %d\n%s%s", when, code, want, stdout, stderr)
		}
	}
	check("created", 0)
	apply(w, "--enforce")
	w.Holds(w.Record("Lead", item), map[string]any{"OwnerId": owner, "Status": status})

	ada := w.Salesforce.Insert("User", map[string]any{
		"Username": "ada@org.example", "LastName": "Ada", "Email": "ada@example.org", "IsActive": true,
	})
	w.Monday.AddUser(11, "Ada", "ada@example.org")
	w.Monday.SetColumn(item, "owner", e2e.Person(11))
	w.Monday.SetColumn(item, "status", e2e.Label("Qualified"))
	w.Quiet()
	w.Holds(w.Record("Lead", item), map[string]any{"OwnerId": ada, "Status": "Qualified"})
	check("filled in Monday", 0)
	w.Salesforce.Update("Lead", id, map[string]any{"Status": "New"})
	check("changed in Salesforce", 3)
	w.Healthy()
}

// TestPlanAfterCreating: the plan for items of the example mapping that were just synced is empty.
func TestPlanAfterCreating(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Monday.CreateItem(e2e.Contacts, "Ada King", nil)
	w.Monday.CreateItem(e2e.Leads, "Ada King", map[string]any{"status": e2e.Label("Qualified")})
	w.Quiet()
	if code, stdout, stderr := w.Command("plan", "--check"); code != 0 {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	w.Healthy()
}
