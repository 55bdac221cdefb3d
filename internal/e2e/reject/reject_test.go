package reject_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// watchFields records the fields of each write of an object.
func watchFields(w *e2e.World, object string) (fields func() []string) {
	var mu sync.Mutex
	var seen []string
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
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

// TestRejectedUpdate: a value that Salesforce rejects only fails its own event.
func TestRejectedUpdate(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Start("ingest")
	w.Subscribe()
	w.Start("worker")
	w.Reject("Lead", "Email", "refused@example.org")
	lead, other := w.Lead("Ada Lovelace", "Analytical Engines"), w.Lead("Charles Babbage", "Difference Engines")
	w.Quiet()
	w.Together(e2e.Leads, func() {
		w.Monday.SetColumn(lead, "email", e2e.Email("refused@example.org"))
		w.Monday.SetColumn(lead, "company", "Engines")
		w.Monday.SetColumn(other, "email", e2e.Email("charles@example.org"))
	})
	w.Holds(w.Record("Lead", lead), map[string]any{"Email": nil, "Company": "Engines"})
	w.Holds(w.Record("Contact", lead), map[string]any{"Email": "refused@example.org"})
	w.Holds(w.Record("Lead", other), map[string]any{"Email": "charles@example.org"})
	job, id := w.DeadLetter(), w.Record("Lead", lead)["Id"].(string)
	w.Expect(1, "SELECT count(*) FROM dead_letters WHERE kind = 'column_update' AND args->>'column_id' = 'email' AND attempts = 1 AND reason LIKE '%Lead.Email%'")
	w.Expect(1, `SELECT count(*) FROM error_logs WHERE job_id = $1 AND attempt = 1 AND event = 'update_column_value' AND board_id = 1003 AND item_id = $2
		AND column_id = 'email' AND object = 'Lead' AND salesforce_id = $3 AND class = 'permanent' AND code = $4 AND message <> ''`, job, lead, id, e2e.Rejection)
	w.Expect(1, "SELECT count(*) FROM sync_logs WHERE status = 'failed' AND job_id = $1", job)
	message := w.Message(fmt.Sprint("job ", job), "board 1003", fmt.Sprint("item ", lead), "Lead "+id, e2e.Rejection, "update_column_value", "1 attempt")
	if strings.Contains(message, "example.org") || strings.Contains(message, "Ada") {
		t.Errorf("an alert with values: %s", message)
	}

	fields := watchFields(w, "Lead")
	w.Monday.SetColumn(lead, "company", "More Engines")
	w.Quiet()
	if slices.Contains(fields(), "Email") {
		t.Error("the rejected value was sent again although it had not changed")
	}
	w.Holds(w.Record("Lead", lead), map[string]any{"Company": "More Engines"})
	w.Monday.SetColumn(lead, "email", e2e.Email("ada@example.org"))
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"Email": "ada@example.org"})
	w.Monday.SetColumn(lead, "email", e2e.Email("refused@example.org"))
	w.Quiet()
	w.Expect(2, "SELECT count(*) FROM dead_letters")
	w.Alerted()
	once(w)
}

// once checks that each dead letter's job id is in exactly one alert.
func once(w *e2e.World) {
	w.T.Helper()
	rows, err := w.DB.Query(w.T.Context(), "SELECT job_id FROM dead_letters")
	if err != nil {
		w.T.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var job int64
		if err := rows.Scan(&job); err != nil {
			w.T.Fatal(err)
		}
		found := 0
		for _, message := range w.Telegram.Texts() {
			if strings.Contains(message, fmt.Sprintf("job %d:", job)) {
				found++
			}
		}
		if found != 1 {
			w.T.Errorf("job %d is in %d alerts, want 1", job, found)
		}
	}
}

// TestRejectedCreation: the records are created without the rejected value, and the event is one dead letter for all of
// them.
func TestRejectedCreation(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	for _, object := range []string{"Lead", "Contact"} {
		w.Reject(object, "Email", "refused@example.org")
	}
	lead := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("refused@example.org")})
	w.Quiet()
	for _, object := range []string{"Lead", "Contact"} {
		w.Holds(w.Record(object, lead), map[string]any{"LastName": "Lovelace", "Email": nil})
	}
	opportunity := w.Record("Opportunity", lead)
	if w.Shown(lead, "text_oppid") != opportunity["Id"] || w.Shown(lead, "text_sfid") != w.Record("Lead", lead)["Id"] {
		t.Error("the item does not show the Ids of the created records")
	}
	job, id := w.DeadLetter(), w.Record("Lead", lead)["Id"].(string)
	w.Message(fmt.Sprint("job ", job), "Lead "+id) // it was created without the value, so its Id is known when the event ends
	w.Expect(1, "SELECT count(*) FROM error_logs WHERE job_id = $1 AND object = 'Lead' AND salesforce_id = $2", job, id)
	response := w.Text("SELECT response_data::text FROM sync_logs WHERE status = 'failed' AND job_id = $1", job)
	if !strings.Contains(response, `"created": true`) || strings.Contains(response, "example.org") || strings.Contains(response, "Lovelace") {
		t.Errorf("the log of the event: %s", response)
	}
	w.Expect(1, `SELECT count(*) FROM sync_logs WHERE job_id = $1 AND response_data->>'reason' LIKE 'Lead.Email: %'
		AND response_data->'records' @> jsonb_build_array(jsonb_build_object('object', 'Lead', 'id', $2::text, 'created', true))
		AND response_data->'records' @> '[{"object": "Contact", "created": true}, {"object": "Opportunity", "created": true}]'
		AND NOT response_data->'records' @> '[{"fields": ["Email"]}]'`, job, id)
	fields := watchFields(w, "Lead")
	w.Monday.SetColumn(lead, "company", "Engines")
	w.Quiet()
	if slices.Contains(fields(), "Email") {
		t.Error("the rejected value was sent again although it had not changed")
	}
	w.Monday.SetColumn(lead, "email", e2e.Email("ada@example.org"))
	w.Quiet()
	for _, object := range []string{"Lead", "Contact"} {
		w.Holds(w.Record(object, lead), map[string]any{"Email": "ada@example.org"})
	}
	w.DeadLetter()
	w.Alerted()
	once(w)
}

// TestUnmappedLabel: an unmapped label causes a dead letter that names it, and the rest of the item is synced.
func TestUnmappedLabel(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	w.Together(e2e.Leads, func() {
		w.Monday.SetColumn(lead, "status", e2e.Label("Lost"))
		w.Monday.SetColumn(lead, "company", "Engines")
	})
	w.Holds(w.Record("Lead", lead), map[string]any{"Status": "Working", "Company": "Engines"})
	w.Holds(w.Record("Opportunity", lead), map[string]any{"StageName": "Qualification", "Name": "Engines - Ada Lovelace"})
	job := w.DeadLetter()
	w.Expect(1, `SELECT count(*) FROM dead_letters WHERE reason LIKE '%"Lost"%' AND args->>'column_id' = 'status'`)
	message := w.Message(fmt.Sprint("job ", job), "board 1003", fmt.Sprint("item ", lead), "Opportunity", "UNMAPPED_LABEL")
	for _, value := range []string{"Ada", "Engines"} {
		if strings.Contains(message, value) {
			t.Errorf("an alert with the value %s: %s", value, message)
		}
	}
	w.Monday.SetColumn(lead, "status", e2e.Label("Quote"))
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"StageName": "Proposal/Price Quote"})
	w.Alerted()
	once(w)
	w.DeadLetter()
}

// TestUnmappedLabelLate: the label is read before its own event arrives. Both events then fail, and both say why.
func TestUnmappedLabelLate(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Flush()
	w.Monday.SetColumn(lead, "status", e2e.Label("Lost"))
	w.Monday.SetColumn(lead, "company", "Engines")
	events := w.Mail.Take()
	future := map[string]any{"changedAt": float64(time.Now().Add(time.Hour).Unix())} // the item is read because of it
	for n, column := range []string{"company", "status"} {
		w.Send(events[1-n], future)
		w.Quiet()
		w.Expect(1, `SELECT count(*) FROM dead_letters WHERE reason LIKE '%"Lost"%' AND args->>'column_id' = $1`, column)
	}
	w.Holds(w.Record("Lead", lead), map[string]any{"Company": "Engines"})
	w.Monday.SetColumn(lead, "status", e2e.Label("Quote"))
	w.Flush()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"StageName": "Proposal/Price Quote"})
}

// TestRejectedCall: a call that is rejected as a whole because of one row succeeds without it.
func TestRejectedCall(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Start("ingest")
	w.Subscribe()
	items := w.Items(e2e.Accounts, 9, "Account ")
	poison := func(c sfsim.Call) bool {
		return c.Has("upsert", "") && slices.ContainsFunc(c.Records, func(r map[string]any) bool { return r["Name"] == "Account 5" })
	}
	w.Failing(sfsim.Fault{Status: 400, Body: `[{"errorCode":"JSON_PARSER_ERROR","message":"Cannot deserialize instance of Account 5"}]`}, poison)
	w.Start("worker")
	w.Quiet()
	if n := len(w.Salesforce.Records("Account")); n != len(items)-1 {
		t.Errorf("%d accounts, want %d", n, len(items)-1)
	}
	if n := len(w.Records("Account", e2e.Key, items[5])); n != 0 {
		t.Error("the rejected account exists")
	}
	job := w.DeadLetter()
	w.Message(fmt.Sprint("job ", job), fmt.Sprint("item ", items[5]), "JSON_PARSER_ERROR")
	w.Salesforce.OnCall(nil)
	w.Monday.Rename(items[5], "Account 55")
	w.Quiet()
	w.Holds(w.Record("Account", items[5]), map[string]any{"Name": "Account 55"})
	w.DeadLetter()
}

// TestRejectedWithoutAName: a value for which Salesforce rejects a whole call without naming the field is found, on new
// and existing records, and everything else is written.
func TestRejectedWithoutAName(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.LeadRecords(`
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
		w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{"company": company, "amount": "1.5"}) // not a number
	}
	good := w.Monday.CreateItem(e2e.Leads, "Charles", map[string]any{"company": "Good Engines", "amount": "7", "close_date": map[string]any{"date": "2026-03-04"}})
	w.Quiet()
	if made, accounts := w.Salesforce.Records("Monday_Project__c"), w.Salesforce.Records("Account"); len(made) != 4 || len(accounts) != 3 {
		t.Fatalf("%d projects and %d accounts, want 4 and 3", len(made), len(accounts))
	}
	w.Holds(w.Record("Monday_Project__c", good), map[string]any{"Members__c": 7.0, "Start_Date__c": "2026-03-04"})
	w.Expect(3, "SELECT count(*) FROM dead_letters WHERE reason LIKE '%JSON_PARSER_ERROR%'")
	for _, made := range w.Records("Monday_Project__c", "Name", "Ada") {
		w.Holds(made, map[string]any{"Members__c": nil})
		if made["Account__c"] == nil {
			t.Error("a project without its account")
		}
	}
	w.Together(e2e.Leads, func() {
		w.Monday.SetColumn(good, "amount", "1.5")
		w.Monday.SetColumn(good, "close_date", map[string]any{"date": "2027-03-04"})
	})
	w.Holds(w.Record("Monday_Project__c", good), map[string]any{"Members__c": 7.0, "Start_Date__c": "2027-03-04"})
	w.Expect(4, "SELECT count(*) FROM dead_letters")
	w.Monday.SetColumn(good, "amount", "8")
	w.Quiet()
	w.Holds(w.Record("Monday_Project__c", good), map[string]any{"Members__c": 8.0})
	w.Expect(4, "SELECT count(*) FROM dead_letters")
}

// TestAttempts: a transient error is retried up to the limit, and each attempt is logged.
func TestAttempts(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.With("MAX_ATTEMPTS", "3"))
	w.Failing(sfsim.Fault{Status: 500}, func(c sfsim.Call) bool { return c.Has("upsert", "") })
	item := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Quiet()
	job := w.DeadLetter()
	w.Expect(3, "SELECT count(DISTINCT attempt) FROM error_logs WHERE job_id = $1 AND attempt BETWEEN 1 AND 3 AND class = 'transient' AND item_id = $2", job, item)
	w.Expect(3, "SELECT attempts FROM dead_letters")
	w.Message(fmt.Sprint("job ", job), "3 attempts", "create_pulse")
	w.None("Account")

	var failures int
	var mu sync.Mutex
	w.Failing(sfsim.Fault{Status: 500}, func(c sfsim.Call) bool {
		mu.Lock()
		defer mu.Unlock()
		if c.Has("upsert", "") {
			failures++
		}
		return c.Has("upsert", "") && failures == 1
	})
	w.Monday.Rename(item, "More Engines")
	w.Quiet()
	w.Holds(w.Record("Account", item), map[string]any{"Name": "More Engines"})
	w.Expect(2, "SELECT attempt FROM sync_logs WHERE event = 'update_name' AND status = 'success'")
	w.DeadLetter()
}

// TestUnreadable: an unreadable delivery is kept unchanged, and alerted.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	bodies := []string{
		`{"event":`, "\x00\x01", "{\"event\":{\"type\":\"create_pulse\",\"boardId\":1003,\"pulseId\":7,\"pulseName\":\"\xff\"}}",
		`{"event":{"type":"create_pulse","boardId":"x","pulseId":7}}`, `{"event":{"type":"create_pulse","boardId":1003}}`,
		`{"event":{"type":"create_pulse","boardId":1003,"pulseId":7,"pulseName":"a\u0000b"}}`, `[]`, ``,
		`{"event":{"type":"update_column_value","boardId":1003,"pulseId":7,"columnId":"c","columnType":"numeric","value":{"value":1e200000}}}`,
	}
	for _, body := range bodies {
		w.Deliver(body)
	}
	w.Quiet()
	w.Expect(len(bodies), "SELECT count(*) FROM dead_letters WHERE kind = 'unreadable' AND attempts = 1")
	for _, body := range bodies {
		w.Expect(1, "SELECT count(*) FROM dead_letters WHERE decode(args->>'body', 'base64') = $1", []byte(body))
	}
	w.Alerted()
	once(w)
	w.Message("unreadable", "UNREADABLE")
}
