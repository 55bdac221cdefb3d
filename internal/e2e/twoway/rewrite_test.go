package twoway_test

import (
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// TestFlow: Monday shows what a flow has made of a value, and nothing is written after that.
func TestFlow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Salesforce.AddFlow("Account", func(record map[string]any) map[string]any {
		site, _ := record["Website"].(string)
		if site == "" || strings.HasSuffix(site, "/") {
			return nil
		}
		return map[string]any{"Website": site + "/"}
	})
	w.Salesforce.AddFlow("Account", func(record map[string]any) map[string]any {
		if record["Phone"] == "+12125550100" {
			return map[string]any{"Phone": "(212) 555-0100"} // the same number
		}
		return nil
	})
	item := w.Monday.CreateItem(e2e.Accounts, "Analytical Engines", nil)
	w.Quiet()
	w.Monday.SetColumn(item, "website", map[string]any{"url": "https://engines.example", "text": "Engines"})
	w.Monday.SetColumn(item, "phone", e2e.Phone("+12125550100"))
	w.Quiet()
	ring(w, e2e.Accounts, item)
	it, _ := w.Monday.Item(item)
	if !strings.Contains(it.Text["website"], "https://engines.example/") || it.Text["phone"] != "+12125550100" {
		t.Errorf("the item shows %v", it.Text)
	}
	before, writes := w.Calls(), w.Writes()
	ring(w, e2e.Accounts, item)
	if after := w.Calls(); w.Writes() != writes || after[1] != before[1] {
		t.Errorf("once all is quiet, %d calls to Monday and %d writes to Salesforce", after[1]-before[1], w.Writes()-writes)
	}
	w.Holds(w.Record("Account", item), map[string]any{"Website": "https://engines.example/", "Phone": "(212) 555-0100"})
	w.Expect(0, "SELECT count(*) FROM conflicts")
	w.Healthy()
}

// TestRejectedByMonday: a label that the board does not have is reported once, and does not hold up other columns.
func TestRejectedByMonday(t *testing.T) {
	t.Parallel()
	w := setup(t, e2e.LeadRecords(`
      lead:
        object: Lead
        sync: both
        fields:
          LastName: { from: name, as: last_name }
          Company: company
          Status: { from: status, labels: { New: New, Quote: Working, Gone: Qualified } }
`))
	item := w.Monday.CreateItem(e2e.Leads, "Ada King", map[string]any{"company": "Engines", "status": e2e.Label("New")})
	w.Quiet()
	edit(w, "Lead", item, map[string]any{"Status": "Qualified", "Company": "Analytical Engines"})
	for range 2 {
		ring(w, e2e.Leads, item)
		shows(w, item, map[string]string{"company": "Analytical Engines", "status": "New"})
		w.Holds(w.Record("Lead", item), map[string]any{"Status": "Qualified"})
	}
	if letters := w.DeadLetters(item); len(letters) != 1 || !strings.Contains(letters[0], "column status") {
		t.Errorf("dead letters: %q", letters)
	}
	w.Expect(1, `SELECT count(*) FROM error_logs WHERE system = 'monday' AND object = 'Lead' AND field = 'Status' AND salesforce_id = $1
		AND message LIKE '%column status%'`, w.Record("Lead", item)["Id"])
	unshown(w, item, "Status")
	edit(w, "Lead", item, map[string]any{"Status": "Working"})
	ring(w, e2e.Leads, item)
	shows(w, item, map[string]string{"status": "Quote"})
	w.Monday.SetColumn(item, "status", e2e.Label("New"))
	w.Quiet()
	w.Holds(w.Record("Lead", item), map[string]any{"Status": "New"})
	w.Expect(1, "SELECT count(*) FROM dead_letters")
	w.Expect(0, "SELECT count(*) FROM conflicts")
}

// TestSecondRecord: if a column takes Salesforce's value, that is Monday's change for every other record that reads
// the column.
func TestSecondRecord(t *testing.T) {
	t.Parallel()
	w := setup(t, e2e.LeadRecords(`
      lead:
        object: Lead
        fields:
          LastName: { from: name, as: last_name }
          Company: { from: company, sync: both }
      account:
        object: Account
        fields: { Name: company }
      opportunity:
        object: Opportunity
        fields:
          Name: { template: "{company} - {name}" }
          AccountId: { record: account }
          StageName: { value: Prospecting }
          CloseDate: { value: "2027-01-31" }
`))
	item := w.Monday.CreateItem(e2e.Leads, "Ada King", map[string]any{"company": "Engines"})
	w.Quiet()
	edit(w, "Lead", item, map[string]any{"Company": "Analytical Engines"})
	ring(w, e2e.Leads, item)
	shows(w, item, map[string]string{"company": "Analytical Engines"})
	w.Holds(w.Record("Account", item), map[string]any{"Name": "Analytical Engines"})
	w.Holds(w.Record("Opportunity", item), map[string]any{"Name": "Analytical Engines - Ada King"})
	w.Holds(w.Record("Lead", item), map[string]any{"Company": "Analytical Engines"})
	w.Healthy()
}
