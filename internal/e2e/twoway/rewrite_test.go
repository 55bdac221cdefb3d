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
	w, item := labelled(t)
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

// TestFlowAndSecondEdit: a flow replaces what an item has sent, and the item is edited again before anything has read
// that. Nobody has edited the record, so the second edit stands, whichever side wins, and nothing is a conflict. An edit
// by a person in between is one.
func TestFlowAndSecondEdit(t *testing.T) {
	t.Parallel()
	tidy := func(record map[string]any) map[string]any {
		email, _ := record["Email"].(string)
		phone, _ := record["Phone"].(string)
		last, _ := record["LastName"].(string)
		if local, found := strings.CutSuffix(phone, "1"); found {
			phone = local + "0"
		}
		return map[string]any{"Email": strings.TrimPrefix(email, "raw."), "Phone": phone, "LastName": strings.TrimSuffix(last, "!")}
	}
	for name, person := range map[string]bool{"alone": false, "and a person": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.Salesforce.AddFlow("Contact", tidy)
			item := w.Monday.CreateItem(e2e.Contacts, "Ada King!", map[string]any{
				"email": e2e.Email("raw.0@example.org"), "phone": e2e.Phone("+12125550101"),
			})
			w.Quiet()
			for _, n := range []string{"1", "2"} {
				if person {
					edit(w, "Contact", item, map[string]any{"Description": "seen"}) // the last change is no longer ours
				}
				writes := w.Writes()
				w.Together(e2e.Contacts, func() {
					w.Monday.SetColumns([]int64{item}, map[string]any{
						"email": e2e.Email("raw." + n + "@example.org"), "phone": e2e.Phone("+121255502" + n + "1"),
					})
					w.Monday.Rename(item, "Ada Lovelace"+n+"!")
				})
				if person {
					break
				}
				w.Holds(w.Record("Contact", item), map[string]any{
					"Email": n + "@example.org", "Phone": "+121255502" + n + "0", "LastName": "Lovelace" + n,
				})
				shows(w, item, map[string]string{"email": "raw." + n + "@example.org", "name": "Ada Lovelace" + n + "!"})
				if got := w.Writes() - writes; got != 1 {
					t.Errorf("%d writes to Salesforce", got)
				}
			}
			if person {
				w.Expect(3, "SELECT count(*) FROM conflicts")
				return
			}
			w.Expect(0, "SELECT count(*) FROM conflicts")
			ring(w, e2e.Contacts, item)
			shows(w, item, map[string]string{"email": "2@example.org", "phone": "+12125550220", "name": "Ada Lovelace2"})
			ring(w, e2e.Contacts, item)
			w.Expect(0, "SELECT count(*) FROM conflicts")
			w.Healthy()
		})
	}
}
