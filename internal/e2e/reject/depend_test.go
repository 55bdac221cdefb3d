package reject_test

import (
	"strings"
	"testing"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestRejectedForAnotherField: a stage that Salesforce accepts only with an amount is written together with the amount,
// whether the rule names a field or not.
func TestRejectedForAnotherField(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string][]string{"named": {"StageName"}, "the other one named": {"Amount"}, "not named": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t)
			w.Salesforce.AddValidation(sfsim.Validation{Object: "Opportunity", Fields: fields, Invalid: func(record map[string]any) bool {
				return record["StageName"] == "Closed Won" && record["Amount"] == nil
			}})
			lead := w.Lead("Ada Lovelace", "Analytical Engines")
			w.Quiet()
			w.Monday.SetColumn(lead, "status", e2e.Label("MOU"))
			w.Quiet()
			w.Holds(w.Record("Opportunity", lead), map[string]any{"StageName": "Qualification"})
			w.DeadLetter()
			w.Monday.SetColumn(lead, "company", "Engines") // any other change, which does not help
			w.Quiet()
			w.Holds(w.Record("Opportunity", lead), map[string]any{"StageName": "Qualification", "Name": "Engines - Ada Lovelace"})
			w.Monday.SetColumn(lead, "amount", "100")
			w.Quiet()
			w.Holds(w.Record("Opportunity", lead), map[string]any{"StageName": "Closed Won", "Amount": 100.0})
			w.DeadLetter()

			// A new record without the amount waits for it, because a stage is required.
			born := w.Lead("Charles Babbage", "Difference Engines", map[string]any{"status": e2e.Label("MOU")})
			w.Quiet()
			w.Monday.SetColumn(born, "amount", "200")
			w.Quiet()
			w.Holds(w.Record("Opportunity", born), map[string]any{"StageName": "Closed Won", "Amount": 200.0})
			w.Expect(2, "SELECT count(*) FROM dead_letters")
		})
	}
}

// TestBothInOneBatch: if both values are in one batch, their order does not matter, and nothing is lost.
func TestBothInOneBatch(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	w.Salesforce.AddValidation(sfsim.Validation{Object: "Opportunity", Invalid: func(record map[string]any) bool {
		return record["StageName"] == "Closed Won" && record["Amount"] == nil
	}})
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	w.Together(e2e.Leads, func() {
		w.Monday.SetColumn(lead, "status", e2e.Label("MOU"))
		w.Monday.SetColumn(lead, "amount", "100")
	})
	w.Holds(w.Record("Opportunity", lead), map[string]any{"StageName": "Closed Won", "Amount": 100.0})
	w.Healthy()
}

// TestStateBeforeCountry: with picklists of states and countries, a state is written with its country.
func TestStateBeforeCountry(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(`
version: 1
boards:
  accounts:
    board: 1001
    records:
      account:
        object: Account
        fields: { Name: name, BillingState: text_note, BillingCountry: country }
`))
	w.Salesforce.EnableStatesAndCountries(map[string][]string{"Germany": {"Bavaria", "Hesse"}, "United States": {"Texas"}})
	country := func(code, name string) map[string]any {
		return map[string]any{"countryCode": code, "countryName": name}
	}
	item := w.Monday.CreateItem(e2e.Accounts, "Engines", map[string]any{"text_note": map[string]any{"text": "Bavaria"}})
	w.Quiet()
	w.Holds(w.Record("Account", item), map[string]any{"Name": "Engines", "BillingState": nil})
	w.DeadLetter()
	w.Monday.SetColumn(item, "country", country("DE", "Germany"))
	w.Quiet()
	w.Holds(w.Record("Account", item), map[string]any{"BillingState": "Bavaria", "BillingCountry": "Germany"})
	w.DeadLetter()

	// After a change of the country, the old state is rejected until the right one arrives.
	w.Monday.SetColumn(item, "country", country("US", "United States"))
	w.Quiet()
	w.Monday.SetColumn(item, "text_note", map[string]any{"text": "Texas"})
	w.Quiet()
	w.Holds(w.Record("Account", item), map[string]any{"BillingState": "Texas", "BillingCountry": "United States"})
}

// TestApprovalLock: a locked record rejects everything, in few calls; the rejected values are written with the first
// change after it is unlocked.
func TestApprovalLock(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	opportunity := w.Record("Opportunity", lead)["Id"].(string)
	w.Salesforce.Lock("Opportunity", opportunity, true)
	before := w.Writes()
	w.Together(e2e.Leads, func() {
		w.Monday.SetColumn(lead, "amount", "100")
		w.Monday.SetColumn(lead, "close_date", map[string]any{"date": "2027-03-04"})
	})
	if calls := w.Writes() - before; calls != 1 {
		t.Errorf("%d writes of a locked record, want 1", calls)
	}
	for _, letter := range w.DeadLetters(lead) {
		if !strings.Contains(letter, "Opportunity: ENTITY_IS_LOCKED") {
			t.Errorf("a dead letter of %s", letter)
		}
	}
	w.Expect(2, "SELECT count(*) FROM dead_letters")
	w.Salesforce.Lock("Opportunity", opportunity, false)
	w.Monday.SetColumn(lead, "company", "Engines")
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"Amount": 100.0, "CloseDate": "2027-03-04", "Name": "Engines - Ada Lovelace"})
	w.Expect(2, "SELECT count(*) FROM dead_letters")
}
