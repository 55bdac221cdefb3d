package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	sfsim "crmsync/internal/sim/salesforce"
)

const refusal = "FIELD_CUSTOM_VALIDATION_EXCEPTION"

// refuse lets Salesforce refuse a value of a field.
func (w *world) refuse(object, field string, value any) {
	w.salesforce.Refuse(object, field, func(v any) string {
		if v == value {
			return refusal
		}
		return ""
	})
}

// watch notes the fields of each write of an object.
func (w *world) watch(object string) (fields func() []string) {
	var mu sync.Mutex
	var seen []string
	w.salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		mu.Lock()
		defer mu.Unlock()
		for _, record := range c.Records {
			for field := range record {
				if c.Object == object {
					seen = append(seen, field)
				}
			}
		}
		return nil
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		all := seen
		seen = nil
		return all
	}
}

// TestRefusedUpdate: a value that Salesforce refuses fails its own event and holds up nothing else.
func TestRefusedUpdate(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.start("ingest")
	w.subscribe()
	stop := w.start("worker")
	w.refuse("Lead", "Email", "refused@example.org")
	lead, other := w.lead("Ada Lovelace", "Analytical Engines"), w.lead("Charles Babbage", "Difference Engines")
	w.quiet()
	stop()
	w.monday.SetColumn(lead, "email", email("refused@example.org"))
	w.monday.SetColumn(lead, "company", "Engines")
	w.monday.SetColumn(other, "email", email("charles@example.org"))
	w.start("worker") // all in one batch
	w.quiet()
	w.holds(w.record("Lead", lead), map[string]any{"Email": nil, "Company": "Engines"})
	w.holds(w.record("Contact", lead), map[string]any{"Email": "refused@example.org"})
	w.holds(w.record("Lead", other), map[string]any{"Email": "charles@example.org"})
	job, id := w.letter(), w.record("Lead", lead)["Id"].(string)
	w.expect(1, "SELECT count(*) FROM dead_letters WHERE kind = 'column_update' AND args->>'column_id' = 'email' AND attempts = 1 AND reason LIKE '%Lead.Email%'")
	w.expect(1, `SELECT count(*) FROM error_logs WHERE job_id = $1 AND attempt = 1 AND event = 'update_column_value' AND board_id = 1003 AND item_id = $2
		AND column_id = 'email' AND object = 'Lead' AND salesforce_id = $3 AND class = 'permanent' AND code = $4 AND message <> ''`, job, lead, id, refusal)
	w.expect(1, "SELECT count(*) FROM sync_logs WHERE status = 'failed' AND job_id = $1", job)
	message := w.told(fmt.Sprint("job ", job), "board 1003", fmt.Sprint("item ", lead), "Lead "+id, refusal, "update_column_value", "1 attempt")
	if strings.Contains(message, "example.org") || strings.Contains(message, "Ada") {
		t.Errorf("an alert with values: %s", message)
	}

	fields := w.watch("Lead")
	w.monday.SetColumn(lead, "company", "More Engines")
	w.quiet()
	if slices.Contains(fields(), "Email") {
		t.Error("the refused value was sent again though it had not changed")
	}
	w.holds(w.record("Lead", lead), map[string]any{"Company": "More Engines"})
	w.monday.SetColumn(lead, "email", email("ada@example.org"))
	w.quiet()
	w.holds(w.record("Lead", lead), map[string]any{"Email": "ada@example.org"})
	w.monday.SetColumn(lead, "email", email("refused@example.org"))
	w.quiet()
	w.expect(2, "SELECT count(*) FROM dead_letters")
	w.alerted()
	w.once()
}

// once holds that each dead letter's job id stands in exactly one alert.
func (w *world) once() {
	w.t.Helper()
	rows, err := w.db.Query(w.t.Context(), "SELECT job_id FROM dead_letters")
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var job int64
		if err := rows.Scan(&job); err != nil {
			w.t.Fatal(err)
		}
		found := 0
		for _, message := range w.telegram.texts() {
			if strings.Contains(message, fmt.Sprintf("job %d:", job)) {
				found++
			}
		}
		if found != 1 {
			w.t.Errorf("job %d stands in %d alerts, want 1", job, found)
		}
	}
}

// TestRefusedCreation: the records are made without what is refused, and the event is one dead letter for all of them.
func TestRefusedCreation(t *testing.T) {
	t.Parallel()
	w := serving(t)
	for _, object := range []string{"Lead", "Contact"} {
		w.refuse(object, "Email", "refused@example.org")
	}
	lead := w.lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": email("refused@example.org")})
	w.quiet()
	for _, object := range []string{"Lead", "Contact"} {
		w.holds(w.record(object, lead), map[string]any{"LastName": "Lovelace", "Email": nil})
	}
	opportunity := w.record("Opportunity", lead)
	if w.shown(lead, "text_oppid") != opportunity["Id"] || w.shown(lead, "text_sfid") != w.record("Lead", lead)["Id"] {
		t.Error("the item does not show the Ids of the records that were made")
	}
	w.letter()
	fields := w.watch("Lead")
	w.monday.SetColumn(lead, "company", "Engines")
	w.quiet()
	if slices.Contains(fields(), "Email") {
		t.Error("the refused value was sent again though it had not changed")
	}
	w.monday.SetColumn(lead, "email", email("ada@example.org"))
	w.quiet()
	for _, object := range []string{"Lead", "Contact"} {
		w.holds(w.record(object, lead), map[string]any{"Email": "ada@example.org"})
	}
	w.letter()
	w.alerted()
	w.once()
}

// TestUnmappedLabel: a label without a meaning is a dead letter that names it, and the rest of the item goes on.
func TestUnmappedLabel(t *testing.T) {
	t.Parallel()
	w := serving(t)
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.quiet()
	w.monday.SetColumn(lead, "status", label("Lost"))
	w.monday.SetColumn(lead, "company", "Engines")
	w.quiet()
	w.holds(w.record("Lead", lead), map[string]any{"Status": "Working", "Company": "Engines"})
	w.holds(w.record("Opportunity", lead), map[string]any{"StageName": "Qualification", "Name": "Engines - Ada Lovelace"})
	job := w.letter()
	w.expect(1, `SELECT count(*) FROM dead_letters WHERE reason LIKE '%"Lost"%' AND args->>'column_id' = 'status'`)
	message := w.told(fmt.Sprint("job ", job), "board 1003", fmt.Sprint("item ", lead), "Opportunity", "UNMAPPED_LABEL")
	for _, value := range []string{"Ada", "Engines"} {
		if strings.Contains(message, value) {
			t.Errorf("an alert with the value %s: %s", value, message)
		}
	}
	w.monday.SetColumn(lead, "status", label("Quote"))
	w.quiet()
	w.holds(w.record("Opportunity", lead), map[string]any{"StageName": "Proposal/Price Quote"})
	w.alerted()
	w.once()
	w.letter()
}

// TestRefusedCall: a call that is refused as a whole because of one row goes through without it.
func TestRefusedCall(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.start("ingest")
	w.subscribe()
	var items []int64
	for n := range 9 {
		items = append(items, w.monday.CreateItem(accounts, fmt.Sprint("Account ", n), nil))
	}
	poison := func(c sfsim.Call) bool {
		return c.Operation == "upsert" && slices.ContainsFunc(c.Records, func(r map[string]any) bool { return r["Name"] == "Account 5" })
	}
	w.failing(sfsim.Fault{Status: 400, Body: `[{"errorCode":"JSON_PARSER_ERROR","message":"Cannot deserialize instance of Account 5"}]`}, poison)
	w.start("worker")
	w.quiet()
	if n := len(w.salesforce.Records("Account")); n != len(items)-1 {
		t.Errorf("%d accounts, want %d", n, len(items)-1)
	}
	if n := len(w.records("Account", key, items[5])); n != 0 {
		t.Error("the refused account is there")
	}
	job := w.letter()
	w.told(fmt.Sprint("job ", job), fmt.Sprint("item ", items[5]), "JSON_PARSER_ERROR")
	w.salesforce.OnCall(nil)
	w.monday.Rename(items[5], "Account 55")
	w.quiet()
	w.holds(w.record("Account", items[5]), map[string]any{"Name": "Account 55"})
	w.letter()
}

// TestRefusedWithoutAWord: a value for which Salesforce refuses a whole call without naming it is found, on a new record as
// on one that is there, and the rest goes through.
func TestRefusedWithoutAWord(t *testing.T) {
	t.Parallel()
	w := serving(t, mapped(`
version: 1
boards:
  leads:
    board: 1003
    records:
      account:
        object: Account
        shared: true
        match: [Name]
        fields: { Name: company, NumberOfEmployees: { from: amount } }
      project:
        object: Monday_Project__c
        fields:
          Name: name
          Account__c: { record: account }
          Members__c: amount
          Start_Date__c: close_date
`))
	for _, company := range []string{"Engines", "Engines", "Other Engines"} {
		w.monday.CreateItem(leads, "Ada", map[string]any{"company": company, "amount": "1.5"}) // no number of people
	}
	good := w.monday.CreateItem(leads, "Charles", map[string]any{"company": "Good Engines", "amount": "7", "close_date": map[string]any{"date": "2026-03-04"}})
	w.quiet()
	if made, accounts := w.salesforce.Records("Monday_Project__c"), w.salesforce.Records("Account"); len(made) != 4 || len(accounts) != 3 {
		t.Fatalf("%d projects and %d accounts, want 4 and 3", len(made), len(accounts))
	}
	w.holds(w.record("Monday_Project__c", good), map[string]any{"Members__c": 7.0, "Start_Date__c": "2026-03-04"})
	w.expect(3, "SELECT count(*) FROM dead_letters WHERE reason LIKE '%JSON_PARSER_ERROR%'")
	for _, made := range w.records("Monday_Project__c", "Name", "Ada") {
		w.holds(made, map[string]any{"Members__c": nil})
		if made["Account__c"] == nil {
			t.Error("a project without its account")
		}
	}
	w.monday.SetColumn(good, "amount", "1.5")
	w.monday.SetColumn(good, "close_date", map[string]any{"date": "2027-03-04"})
	w.quiet()
	w.holds(w.record("Monday_Project__c", good), map[string]any{"Members__c": 7.0, "Start_Date__c": "2027-03-04"})
	w.expect(4, "SELECT count(*) FROM dead_letters")
	w.monday.SetColumn(good, "amount", "8")
	w.quiet()
	w.holds(w.record("Monday_Project__c", good), map[string]any{"Members__c": 8.0})
	w.expect(4, "SELECT count(*) FROM dead_letters")
}

// TestAttempts: an error that may pass is tried again so many times, and each try is kept.
func TestAttempts(t *testing.T) {
	t.Parallel()
	w := serving(t, with("MAX_ATTEMPTS", "3"))
	w.failing(sfsim.Fault{Status: 500}, func(c sfsim.Call) bool { return c.Operation == "upsert" })
	item := w.monday.CreateItem(accounts, "Engines", nil)
	w.quiet()
	job := w.letter()
	w.expect(3, "SELECT count(DISTINCT attempt) FROM error_logs WHERE job_id = $1 AND attempt BETWEEN 1 AND 3 AND class = 'transient' AND item_id = $2", job, item)
	w.expect(3, "SELECT attempts FROM dead_letters")
	w.told(fmt.Sprint("job ", job), "3 attempts", "create_pulse")
	w.none("Account")

	var failures int
	var mu sync.Mutex
	w.failing(sfsim.Fault{Status: 500}, func(c sfsim.Call) bool {
		mu.Lock()
		defer mu.Unlock()
		if c.Operation == "upsert" {
			failures++
		}
		return c.Operation == "upsert" && failures == 1
	})
	w.monday.Rename(item, "More Engines")
	w.quiet()
	w.holds(w.record("Account", item), map[string]any{"Name": "More Engines"})
	w.expect(2, "SELECT attempt FROM sync_logs WHERE event = 'update_name' AND status = 'success'")
	w.letter()
}

// TestUnreadable: what nobody can read is kept as it came, and somebody hears of it.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	w := serving(t)
	bodies := []string{
		`{"event":`, "\x00\x01", "{\"event\":{\"type\":\"create_pulse\",\"boardId\":1003,\"pulseId\":7,\"pulseName\":\"\xff\"}}",
		`{"event":{"type":"create_pulse","boardId":"x","pulseId":7}}`, `{"event":{"type":"create_pulse","boardId":1003}}`,
		`{"event":{"type":"create_pulse","boardId":1003,"pulseId":7,"pulseName":"a\u0000b"}}`, `[]`, ``,
		`{"event":{"type":"update_column_value","boardId":1003,"pulseId":7,"columnId":"c","columnType":"numeric","value":{"value":1e200000}}}`,
	}
	for _, body := range bodies {
		w.deliver(body)
	}
	w.quiet()
	w.expect(len(bodies), "SELECT count(*) FROM dead_letters WHERE kind = 'unreadable' AND attempts = 1")
	for _, body := range bodies {
		w.expect(1, "SELECT count(*) FROM dead_letters WHERE decode(args->>'body', 'base64') = $1", []byte(body))
	}
	w.alerted()
	w.once()
	w.told("unreadable", "UNREADABLE")
}
