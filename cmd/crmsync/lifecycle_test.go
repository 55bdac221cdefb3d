package main

import (
	"testing"
)

func TestLeadLifecycle(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.start("serve")
	w.subscribe()

	lead := w.monday.CreateItem(leads, "Ada Lovelace", map[string]any{
		"status": map[string]any{"label": "New"}, "company": "Analytical Engines", "email": map[string]any{"email": "ada@example.org", "text": "ada@example.org"},
	})
	w.quiet()
	if n := len(w.salesforce.Records("Lead")); n != 0 {
		t.Fatalf("%d leads before one is qualified", n)
	}
	w.monday.SetColumn(lead, "status", map[string]any{"label": "Qualified"})
	w.quiet()

	made := w.record("Lead", lead)
	if made["LastName"] != "Lovelace" || made["Company"] != "Analytical Engines" || made["Status"] != "Qualified" {
		t.Errorf("lead: %v", made)
	}
	account := w.records("Account", "Name", "Analytical Engines")
	if len(account) != 1 {
		t.Fatalf("%d accounts, want 1", len(account))
	}
	opportunity := w.record("Opportunity", lead)
	if opportunity["StageName"] != "Qualification" || opportunity["AccountId"] != account[0]["Id"] {
		t.Errorf("opportunity: %v", opportunity)
	}
	if contact := w.record("Contact", lead); contact["AccountId"] != account[0]["Id"] {
		t.Errorf("contact: %v", contact)
	}
	item, _ := w.monday.Item(lead)
	if item.Text["text_sfid"] != made["Id"] || item.Text["text_oppid"] != opportunity["Id"] {
		t.Errorf("the item shows %v", item.Text)
	}

	w.monday.SetColumn(lead, "status", map[string]any{"label": "MOU"})
	w.monday.Rename(lead, "Ada King")
	w.quiet()
	if got := w.record("Opportunity", lead)["StageName"]; got != "Closed Won" {
		t.Errorf("stage %v", got)
	}
	if got := w.record("Contact", lead)["LastName"]; got != "King" {
		t.Errorf("last name %v", got)
	}
	w.monday.DeleteItem(lead)
	w.quiet()
	if n := len(w.salesforce.Records("Lead")); n != 0 {
		t.Errorf("%d leads after the item is deleted", n)
	}
	if n := len(w.salesforce.Records("Opportunity")); n != 1 {
		t.Errorf("%d opportunities after the item is deleted, want 1", n)
	}
	if n := w.count("SELECT count(*) FROM dead_letters"); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}
