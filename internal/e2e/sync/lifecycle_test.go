package sync_test

import (
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

func TestLeadLifecycle(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)

	lead := w.Monday.CreateItem(e2e.Leads, "Ada Lovelace", map[string]any{
		"status": e2e.Label("New"), "company": "Analytical Engines", "email": e2e.Email("ada@example.org"),
	})
	w.Quiet()
	w.None("Lead", "Account", "Contact", "Opportunity")
	w.Monday.SetColumn(lead, "status", e2e.Label("Qualified"))
	w.Quiet()

	made := w.Record("Lead", lead)
	w.Holds(made, map[string]any{"FirstName": "Ada", "LastName": "Lovelace", "Company": "Analytical Engines", "Email": "ada@example.org", "Status": "Qualified"})
	account := w.Records("Account", "Name", "Analytical Engines")
	if len(account) != 1 {
		t.Fatalf("%d accounts, want 1", len(account))
	}
	w.Holds(account[0], map[string]any{e2e.Key: nil})
	opportunity := w.Record("Opportunity", lead)
	w.Holds(opportunity, map[string]any{
		"Name": "Analytical Engines - Ada Lovelace", "StageName": "Qualification", "AccountId": account[0]["Id"], "LeadSource": "Monday",
	})
	w.Holds(w.Record("Contact", lead), map[string]any{"AccountId": account[0]["Id"], "Email": "ada@example.org"})
	w.Holds(map[string]any{"lead": w.Shown(lead, "text_sfid"), "opportunity": w.Shown(lead, "text_oppid")},
		map[string]any{"lead": made["Id"], "opportunity": opportunity["Id"]})

	w.Monday.SetColumn(lead, "status", e2e.Label("MOU"))
	w.Monday.Rename(lead, "Ada King")
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"StageName": "Closed Won", "Name": "Analytical Engines - Ada King"})
	w.Holds(w.Record("Contact", lead), map[string]any{"LastName": "King"})

	w.Monday.DeleteItem(lead)
	w.Quiet()
	w.None("Lead")
	w.Record("Opportunity", lead) // on_delete: keep
	w.Record("Contact", lead)
	w.Expect(1, "SELECT count(*) FROM items WHERE item_id = $1 AND deleted_at IS NOT NULL", lead)
	w.Healthy()
}

// TestUpdateBeforeCreate: an unknown item is read, so that its first event creates complete records.
func TestUpdateBeforeCreate(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand)
	lead := w.Monday.CreateItem(e2e.Leads, "Ada Lovelace", map[string]any{"status": e2e.Label("New"), "company": "Analytical Engines"})
	w.Monday.SetColumn(lead, "status", e2e.Label("Qualified"))
	events := w.Mail.Take()
	w.Send(events[1])
	w.Quiet()
	made := w.Record("Lead", lead)
	w.Holds(made, map[string]any{"LastName": "Lovelace", "Company": "Analytical Engines"})
	w.Send(events[0])
	w.Flush()
	w.Holds(w.Record("Lead", lead), map[string]any{"Id": made["Id"], "Status": "Qualified"})
	if status, _ := w.Ending("create_pulse", lead); status != "unchanged" {
		t.Errorf("the late create ended %s, want unchanged", status)
	}
	w.Healthy()
}

// TestItemsOfOtherBoards: events of unmapped boards are answered and ignored.
func TestItemsOfOtherBoards(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	for _, body := range []string{
		`{"event":{"type":"create_pulse","boardId":4711,"pulseId":77,"triggerUuid":"x","triggerTime":"2026-09-23T12:03:55.044Z"}}`,
		`{"event":{"type":"create_update","boardId":1003,"pulseId":77,"triggerUuid":"y","triggerTime":"2026-09-23T12:03:55.044Z"}}`,
	} {
		w.Deliver(body)
	}
	w.Expect(0, "SELECT count(*) FROM river_job")
	if text := w.Scrape(); !strings.Contains(text, `outcome="ignored"`) {
		t.Error("ignored events are not counted")
	}
}
