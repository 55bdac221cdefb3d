package sync_test

import (
	"maps"
	"sync"
	"testing"
	"time"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// projects is a board with a column of every type, and their fields.
const projects = `
version: 1
defaults: { phone_country: US, time_zone: America/New_York }
boards:
  projects:
    board: 2001
    records:
      project:
        object: Monday_Project__c
        id_column: shown
        fields:
          Name: name
          Status__c: { from: state, labels: { Going: Active, Over: Done }, default: Planned }
          Tags__c: { from: topics, labels: { R: Research, O: Outreach } }
          Start_Date__c: day
          Kickoff__c: { from: moment, as: datetime }
          Budget__c: amount
          Hours__c: { from: number_text, as: number }
          Public__c: open
          Website__c: site
          Email__c: { from: mail, as: lower }
          Phone__c: { from: phone, as: phone }
          Notes__c: note
      account:
        object: Account
        fields:
          Name: { template: "{country} / {text}" }
          BillingCountry: { from: country, as: country_code }
          BillingState: country
          Phone: phone
          AccountNumber: { from: desk, as: phone }
          Fax: { from: text, as: upper }
          Description: topics
          Industry: { value: Media }
          NumberOfEmployees: { value: 7 }
`

func projectBoard(c *mondaysim.Config) {
	typed := func(kind, id string) mondaysim.Column { return mondaysim.Column{ID: id, Title: id, Type: kind} }
	c.Boards = []mondaysim.Board{{ID: 2001, Name: "Projects", Columns: []mondaysim.Column{
		{ID: "state", Title: "State", Type: "status", Labels: []string{"Going", "Over", "Stuck"}},
		{ID: "topics", Title: "Topics", Type: "dropdown", Labels: []string{"R", "O", "X"}},
		typed("date", "day"), typed("date", "moment"), typed("numbers", "amount"), typed("text", "number_text"), typed("checkbox", "open"),
		typed("link", "site"), typed("email", "mail"), typed("phone", "phone"), typed("long_text", "note"), typed("country", "country"),
		typed("text", "text"), typed("text", "shown"), typed("text", "desk"),
	}}}
}

// TestColumnTypes: every type of column is synced in the form of its field, whether it comes from a read or an event,
// and a cleared one becomes null. The day of a time is New York's: there it is the evening of the fourth.
func TestColumnTypes(t *testing.T) {
	t.Parallel()
	values := map[string]any{
		"state": e2e.Label("Going"), "topics": e2e.Labels("R", "O"), "day": map[string]any{"date": "2026-03-05", "time": "01:00:00"},
		"moment": map[string]any{"date": "2026-03-04", "time": "05:06:07"}, "amount": "12.5", "number_text": " 3 ",
		"open": map[string]any{"checked": "true"}, "site": map[string]any{"url": "https://example.org/a", "text": "A"},
		"mail": map[string]any{"email": "Ada@Example.org", "text": "Ada's"}, "phone": map[string]any{"phone": "(212) 555-0100", "countryShortName": "US"}, "desk": "(212) 555-0100 x12",
		"note": map[string]any{"text": "one\ntwo"}, "country": map[string]any{"countryCode": "DE", "countryName": "Germany"}, "text": "abc",
	}
	project := map[string]any{
		"Name": "P", "Status__c": "Active", "Tags__c": "Research;Outreach", "Start_Date__c": "2026-03-04", "Kickoff__c": "2026-03-04T05:06:07.000+0000",
		"Budget__c": 12.5, "Hours__c": 3.0, "Public__c": true, "Website__c": "https://example.org/a", "Email__c": "ada@example.org",
		"Phone__c": "+12125550100", "Notes__c": "one\ntwo",
	}
	account := map[string]any{
		"Name": "Germany / abc", "BillingCountry": "DE", "BillingState": "Germany", "Phone": "(212) 555-0100", "AccountNumber": "+12125550100 ext. 12", "Fax": "ABC", "Description": "R;O",
		"Industry": "Media", "NumberOfEmployees": 7.0,
	}
	emptied := map[string]any{"Status__c": "Planned", "Public__c": false, "Name": "P"}
	for field := range project {
		if _, stays := emptied[field]; !stays {
			emptied[field] = nil
		}
	}
	w := e2e.Setup(t, e2e.Mapped(projects), e2e.Monday(projectBoard), e2e.Ticking)
	w.Start("serve")
	w.Subscribe(2001)
	read := w.Monday.CreateItem(2001, "P", values)
	told := w.Monday.CreateItem(2001, "P", nil)
	w.Quiet()
	for column, value := range values {
		w.Monday.SetColumn(told, column, value)
	}
	w.Quiet()
	for _, item := range []int64{read, told} {
		w.Holds(w.Record("Monday_Project__c", item), project)
		w.Holds(w.Record("Account", item), account)
		for column := range values {
			w.Monday.SetColumn(item, column, nil)
		}
	}
	w.Quiet()
	for _, item := range []int64{read, told} {
		w.Holds(w.Record("Monday_Project__c", item), emptied)
		w.Holds(w.Record("Account", item), map[string]any{"Name": "/", "BillingCountry": nil, "Phone": nil, "Description": nil, "Industry": "Media"})
	}
	w.Healthy()
}

// TestEmptyColumns: an empty column is left out of a new record, and is null in an existing one.
func TestEmptyColumns(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	var mu sync.Mutex
	sent := map[string]map[string]any{}
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		mu.Lock()
		defer mu.Unlock()
		for _, record := range c.Records {
			sent[c.Operation+" "+c.Object] = maps.Clone(record)
		}
		return nil
	})
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	mu.Lock()
	if record := sent["upsert Lead"]; record["LastName"] != "Lovelace" || has(record, "Email") {
		t.Errorf("the new lead was sent with %v", record)
	}
	mu.Unlock()
	w.Monday.SetColumn(lead, "email", e2e.Email("ada@example.org"))
	w.Quiet()
	w.Monday.SetColumn(lead, "email", nil)
	w.Quiet()
	mu.Lock()
	if record := sent["update Lead"]; !has(record, "Email") || record["Email"] != nil || len(record) > 3 {
		t.Errorf("the cleared address was sent as %v", record)
	}
	mu.Unlock()
	w.Holds(w.Record("Lead", lead), map[string]any{"Email": nil})
	w.Monday.SetColumn(lead, "company", nil)
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"Company": "Unknown"})
	w.Holds(w.Record("Opportunity", lead), map[string]any{"Name": "- Ada Lovelace"})
	w.Healthy()
}

func has(record map[string]any, field string) bool {
	_, ok := record[field]
	return ok
}

// TestRelativeDefault: the day is counted from the first time that +90d was applied.
func TestRelativeDefault(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	before := time.Now().UTC()
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	days := []string{before.AddDate(0, 0, 90).Format(time.DateOnly), time.Now().UTC().AddDate(0, 0, 90).Format(time.DateOnly)}
	if got := w.Record("Opportunity", lead)["CloseDate"]; got != days[0] && got != days[1] {
		t.Errorf("close date %v, want %s", got, days[0])
	}
	// As if it had been created a month ago.
	w.Exec(`UPDATE links SET since = jsonb_set(since, '{CloseDate}', to_jsonb((since->>'CloseDate')::date - 30)) WHERE record = 'opportunity'`)
	earlier := w.Text(`SELECT ((since->>'CloseDate')::date + 90)::text FROM links WHERE record = 'opportunity'`)
	w.Monday.SetColumn(lead, "amount", "7")
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"CloseDate": earlier, "Amount": 7.0})
	w.Monday.SetColumn(lead, "close_date", map[string]any{"date": "2027-05-06"})
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"CloseDate": "2027-05-06"})
	w.Monday.SetColumn(lead, "close_date", nil)
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"CloseDate": earlier})
	w.Healthy()
}

// TestCreateWhen: columns are joined by AND, labels by OR; the condition only applies to creation, separately for each
// record.
func TestCreateWhen(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(`
version: 1
boards:
  leads:
    board: 1003
    create_when: { status: [Qualified, Quote], source: [Referral] }
    records:
      lead:
        object: Lead
        fields: { LastName: name, Company: { from: company, default: Unknown } }
      project:
        object: Monday_Project__c
        create_when: { status: [New] }
        fields: { Name: name }
`))
	lead := w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{"status": e2e.Label("Qualified"), "source": e2e.Labels("Website")})
	w.Quiet()
	w.None("Lead", "Monday_Project__c")
	if status, reason := w.Ending("create_pulse", lead); status != "skipped" || reason == "" {
		t.Errorf("ended %s (%s), want skipped with a reason", status, reason)
	}
	w.Monday.SetColumn(lead, "source", e2e.Labels("Referral"))
	w.Quiet()
	made := w.Record("Lead", lead)
	w.None("Monday_Project__c")
	w.Monday.SetColumn(lead, "status", e2e.Label("Lost"))
	w.Monday.SetColumn(lead, "source", nil)
	w.Monday.SetColumn(lead, "company", "Engines")
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"Id": made["Id"], "Company": "Engines"})
	w.Monday.SetColumn(lead, "status", e2e.Label("New"))
	w.Quiet()
	w.Record("Monday_Project__c", lead)
	other := w.Monday.CreateItem(e2e.Leads, "Charles", map[string]any{"status": e2e.Label("Quote"), "source": e2e.Labels("Referral")})
	w.Quiet()
	w.Record("Lead", other)
	w.Healthy()
}
