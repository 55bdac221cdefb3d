package life_test

import (
	"testing"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// inquiries is a mapping that searches for a lead before creating one.
const inquiries = `
version: 1
boards:
  leads:
    board: 1003
    records:
      lead:
        object: Lead
        id_column: text_sfid
        match: [Email]
        on_delete: delete
        fields: { LastName: name, Company: company, Email: email }
      contact:
        object: Contact
        create_when: { status: [MOU] }
        fields: { LastName: name, Email: email, Phone: phone }
`

// TestConvertedLeadIsNoMatch: a converted lead is not a match: a new inquiry from the same address gets a lead of its
// own, while an open lead is adopted.
func TestConvertedLeadIsNoMatch(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(inquiries))
	insert := func(address string) string {
		return w.Salesforce.Insert("Lead", map[string]any{"LastName": "Was there", "Company": "Engines", "Email": address})
	}
	converted := insert("converted@example.org")
	w.Salesforce.ConvertLead(converted, sfsim.Conversion{})
	both := insert("both@example.org")
	w.Salesforce.ConvertLead(insert("both@example.org"), sfsim.Conversion{})
	values := func(address string) map[string]any {
		return map[string]any{"email": e2e.Email(address), "company": "New Engines", "status": e2e.Label("New")}
	}
	before := w.Calls()[0]
	again := w.Monday.CreateItem(e2e.Leads, "Ada", values("converted@example.org"))
	w.Quiet()
	if calls := w.Calls()[0] - before; calls > 4 { // a login, a description, the look-up, the upsert
		t.Errorf("%d calls, want at most 4", calls)
	}
	open := w.Monday.CreateItem(e2e.Leads, "Charles", values("both@example.org"))
	w.Quiet()
	made := w.Record("Lead", again)
	w.Holds(made, map[string]any{"Company": "New Engines", "IsConverted": false})
	if made["Id"] == converted {
		t.Error("the converted lead was adopted")
	}
	w.Holds(w.Record("Lead", open), map[string]any{"Id": both, "LastName": "Charles"})
	w.Healthy()
}

// TestConvertedByHand: a lead that a person converts ends with that reason; the item's other records are still synced.
func TestConvertedByHand(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	id := w.Record("Lead", lead)["Id"].(string)
	contact, opportunity := w.Record("Contact", lead)["Id"], w.Record("Opportunity", lead)["Id"]
	account, _, _ := w.Salesforce.ConvertLead(id, sfsim.Conversion{ContactID: contact.(string), NoOpportunity: true})
	w.Monday.SetColumn(lead, "email", e2e.Email("ada@example.org"))
	w.Quiet()
	w.Holds(w.Record("Contact", lead), map[string]any{"Id": contact, "Email": "ada@example.org"})
	w.Expect(1, `SELECT count(*) FROM sync_logs WHERE item_id = $1 AND column_id = 'email' AND status = 'success'
		AND response_data->'records' @> '[{"record": "lead", "ended": "converted"}]'`, lead)
	before := w.Calls()[0]
	w.Monday.SetColumn(lead, "amount", "100")
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"Id": opportunity, "Amount": 100.0})
	if calls := w.Calls()[0] - before; calls != 1 {
		t.Errorf("%d calls for a change of the opportunity, want 1", calls)
	}
	w.Monday.Rename(lead, "Ada King")
	w.Quiet()
	w.Holds(w.Salesforce.Get("Lead", id), map[string]any{"LastName": "Lovelace", "IsConverted": true})
	w.Holds(w.Record("Contact", lead), map[string]any{"LastName": "King"})
	if n := len(w.Salesforce.Records("Lead")); n != 1 {
		t.Errorf("%d leads, want only the converted one", n)
	}
	w.Monday.DeleteItem(lead) // on_delete: delete is for the lead
	w.Quiet()
	if w.Salesforce.Get("Lead", id) == nil || w.Salesforce.Get("Account", account) == nil {
		t.Error("the delete of the item deleted what a person converted its lead to")
	}
	w.Healthy()
}

// TestConversionIsFollowed: the records that the lead was converted to become the item's, if it had none of these.
func TestConversionIsFollowed(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(inquiries))
	item := w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{
		"email": e2e.Email("ada@example.org"), "company": "Engines", "status": e2e.Label("New"),
	})
	w.Quiet()
	_, contact, _ := w.Salesforce.ConvertLead(w.Record("Lead", item)["Id"].(string), sfsim.Conversion{NoOpportunity: true})
	w.Monday.Rename(item, "Ada Lovelace")
	w.Quiet()
	w.Monday.SetColumn(item, "phone", map[string]any{"phone": "+12125550100", "countryShortName": "US"})
	w.Quiet()
	contacts(w, 1)
	w.Holds(w.Record("Contact", item), map[string]any{"Id": contact, "LastName": "Ada Lovelace", "Phone": "+12125550100"})
	w.Monday.SetColumn(item, "status", e2e.Label("MOU")) // which would create a contact
	w.Quiet()
	contacts(w, 1)
	w.Healthy()
}

// TestConvertedIntoAnothers: a lead that was converted into the contact of another item takes nothing from that item.
func TestConvertedIntoAnothers(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(inquiries+`
  contacts:
    board: 1002
    records:
      contact: { object: Contact, fields: { LastName: name, Email: email } }
`))
	person := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", map[string]any{"email": e2e.Email("ada@example.org")})
	item := w.Monday.CreateItem(e2e.Leads, "Inquiry", map[string]any{"email": e2e.Email("inquiry@example.org"), "company": "Engines"})
	w.Quiet()
	contact := w.Record("Contact", person)["Id"].(string)
	w.Salesforce.ConvertLead(w.Record("Lead", item)["Id"].(string), sfsim.Conversion{ContactID: contact, NoOpportunity: true})
	w.Monday.Rename(item, "Another inquiry")
	w.Quiet()
	w.Monday.SetColumn(item, "email", e2e.Email("other@example.org"))
	w.Quiet()
	w.Holds(w.Record("Contact", person), map[string]any{"Id": contact, "LastName": "Ada Lovelace", "Email": "ada@example.org"})
	contacts(w, 1)
	if _, reason := w.Ending("update_column_value", item); reason != "the record lead was converted" {
		t.Errorf("the reason is %q, want: the record lead was converted", reason)
	}
	w.Healthy()
}

// TestConvertedThenMerged: a lead that was merged into a later converted one ends as converted.
func TestConvertedThenMerged(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	winner := w.Salesforce.Insert("Lead", map[string]any{"LastName": "Winner", "Company": "Engines"})
	w.Salesforce.MergeRecords("Lead", winner, w.Record("Lead", lead)["Id"].(string))
	w.Salesforce.ConvertLead(winner, sfsim.Conversion{NoOpportunity: true})
	w.Monday.Rename(lead, "Ada King")
	w.Quiet()
	if n := len(w.Salesforce.Records("Lead")); n != 1 {
		t.Errorf("%d leads, want only the converted one", n)
	}
	w.Holds(w.Record("Opportunity", lead), map[string]any{"Name": "Analytical Engines - Ada King"})
	w.Healthy()
}

// TestDeleteOfConverted: deleting an item whose lead was converted without our knowledge deletes no part of a customer.
func TestDeleteOfConverted(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	id := w.Record("Lead", lead)["Id"].(string)
	account, contact, _ := w.Salesforce.ConvertLead(id, sfsim.Conversion{})
	w.Monday.DeleteItem(lead)
	w.Quiet()
	if w.Salesforce.Get("Account", account) == nil || w.Salesforce.Get("Contact", contact) == nil {
		t.Error("the delete of the item deleted what its lead became")
	}
	w.Healthy()
}
