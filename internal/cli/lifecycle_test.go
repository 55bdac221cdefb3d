package cli

import (
	"strings"
	"sync/atomic"
	"testing"

	sfsim "crmsync/internal/sim/salesforce"
)

func TestLeadLifecycle(t *testing.T) {
	t.Parallel()
	w := serving(t)

	lead := w.monday.CreateItem(leads, "Ada Lovelace", map[string]any{
		"status": label("New"), "company": "Analytical Engines", "email": email("ada@example.org"),
	})
	w.quiet()
	w.none("Lead", "Account", "Contact", "Opportunity")
	w.monday.SetColumn(lead, "status", label("Qualified"))
	w.quiet()

	made := w.record("Lead", lead)
	w.holds(made, map[string]any{"FirstName": "Ada", "LastName": "Lovelace", "Company": "Analytical Engines", "Email": "ada@example.org", "Status": "Qualified"})
	account := w.records("Account", "Name", "Analytical Engines")
	if len(account) != 1 {
		t.Fatalf("%d accounts, want 1", len(account))
	}
	w.holds(account[0], map[string]any{key: nil})
	opportunity := w.record("Opportunity", lead)
	w.holds(opportunity, map[string]any{
		"Name": "Analytical Engines - Ada Lovelace", "StageName": "Qualification", "AccountId": account[0]["Id"], "LeadSource": "Monday",
	})
	w.holds(w.record("Contact", lead), map[string]any{"AccountId": account[0]["Id"], "Email": "ada@example.org"})
	w.holds(map[string]any{"lead": w.shown(lead, "text_sfid"), "opportunity": w.shown(lead, "text_oppid")},
		map[string]any{"lead": made["Id"], "opportunity": opportunity["Id"]})

	w.monday.SetColumn(lead, "status", label("MOU"))
	w.monday.Rename(lead, "Ada King")
	w.quiet()
	w.holds(w.record("Opportunity", lead), map[string]any{"StageName": "Closed Won", "Name": "Analytical Engines - Ada King"})
	w.holds(w.record("Contact", lead), map[string]any{"LastName": "King"})

	w.monday.DeleteItem(lead)
	w.quiet()
	w.none("Lead")
	w.record("Opportunity", lead) // on_delete: keep
	w.record("Contact", lead)
	w.expect(1, "SELECT count(*) FROM items WHERE item_id = $1 AND deleted_at IS NOT NULL", lead)
	w.healthy()
}

// TestUpdateBeforeCreate: an item that nobody has told of is read, so that its first event makes whole records.
func TestUpdateBeforeCreate(t *testing.T) {
	t.Parallel()
	w := serving(t, byHand)
	lead := w.monday.CreateItem(leads, "Ada Lovelace", map[string]any{"status": label("New"), "company": "Analytical Engines"})
	w.monday.SetColumn(lead, "status", label("Qualified"))
	events := w.mail.take()
	w.send(events[1])
	w.quiet()
	made := w.record("Lead", lead)
	w.holds(made, map[string]any{"LastName": "Lovelace", "Company": "Analytical Engines"})
	w.send(events[0])
	w.flush()
	w.holds(w.record("Lead", lead), map[string]any{"Id": made["Id"], "Status": "Qualified"})
	if status, _ := w.ending("create_pulse", lead); status != "unchanged" {
		t.Errorf("the late create ended %s, want unchanged", status)
	}
	w.healthy()
}

func TestDeleteBeforeCreate(t *testing.T) {
	t.Parallel()
	w := serving(t, byHand)
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.monday.SetColumn(lead, "amount", "7")
	w.monday.DeleteItem(lead)
	events := w.mail.take()
	w.send(events[2])
	w.quiet()
	w.send(events[1])
	w.send(events[0])
	w.flush()
	w.none("Lead", "Account", "Contact", "Opportunity")
	for _, event := range []string{"create_pulse", "update_column_value"} {
		if status, reason := w.ending(event, lead); status != "skipped" || reason != "the item is deleted" {
			t.Errorf("%s ended %s (%s), want skipped: the item is deleted", event, status, reason)
		}
	}
	w.healthy()
}

func TestDeleteWhileAnUpdateRetries(t *testing.T) {
	t.Parallel()
	w := serving(t, with("MAX_ATTEMPTS", "1000"))
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.quiet()
	var broken atomic.Bool
	broken.Store(true)
	w.failing(sfsim.Fault{Status: 500}, func(c sfsim.Call) bool { return c.Operation == "update" && broken.Load() })
	w.monday.SetColumn(lead, "company", "Difference Engines")
	w.eventually("the update has failed twice", func() bool { return w.count("SELECT count(*) FROM error_logs") > 1 })
	w.monday.DeleteItem(lead)
	w.eventually("the lead is deleted", func() bool { return len(w.salesforce.Records("Lead")) == 0 })
	broken.Store(false)
	w.quiet()
	if status, reason := w.ending("update_column_value", lead); status != "skipped" || reason != "the item is deleted" {
		t.Errorf("the update ended %s (%s), want skipped: the item is deleted", status, reason)
	}
	w.expect(0, "SELECT count(*) FROM dead_letters")
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := serving(t)
	account := w.monday.CreateItem(accounts, "Engines", nil)
	contact := w.monday.CreateItem(contacts, "Ada Lovelace", map[string]any{"email": email("ada@example.org")})
	gone := w.monday.CreateItem(contacts, "Charles Babbage", nil)
	w.quiet()
	w.salesforce.Delete("Contact", w.record("Contact", gone)["Id"].(string))
	for _, item := range []int64{account, contact, gone} {
		w.monday.DeleteItem(item)
	}
	w.quiet()
	w.record("Account", account) // on_delete: keep
	w.none("Contact")
	if status, _ := w.ending("delete_pulse", gone); status == "failed" {
		t.Error("deleting a record that is gone failed")
	}
	w.healthy()
}

// TestRestore: an item that comes back begins anew, whatever ended it.
func TestRestore(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world, int64){
		"delete_pulse":  func(w *world, item int64) { w.monday.DeleteItem(item) },
		"archive_pulse": func(w *world, item int64) { w.monday.ArchiveItem(item) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serving(t)
			lead := w.lead("Ada Lovelace", "Analytical Engines")
			w.quiet()
			before := w.record("Lead", lead)["Id"]
			opportunity := w.record("Opportunity", lead)["Id"]
			end(w, lead)
			w.quiet()
			w.none("Lead")
			if status, _ := w.ending(name, lead); status != "success" {
				t.Errorf("%s ended %s, want success", name, status)
			}
			w.monday.RestoreItem(lead)
			w.quiet()
			w.monday.SetColumn(lead, "company", "Difference Engines")
			w.quiet()
			made := w.record("Lead", lead)
			w.holds(made, map[string]any{"LastName": "Lovelace", "Company": "Difference Engines"})
			w.holds(w.record("Opportunity", lead), map[string]any{"Id": opportunity})
			if made["Id"] == before || w.shown(lead, "text_sfid") != made["Id"] {
				t.Errorf("lead %v before, %v now, %v shown", before, made["Id"], w.shown(lead, "text_sfid"))
			}
			w.expect(0, "SELECT count(*) FROM items WHERE deleted_at IS NOT NULL")
			w.healthy()
		})
	}
}

// TestItemsOfOtherBoards: what the mapping does not name is answered and forgotten.
func TestItemsOfOtherBoards(t *testing.T) {
	t.Parallel()
	w := serving(t)
	for _, body := range []string{
		`{"event":{"type":"create_pulse","boardId":4711,"pulseId":77,"triggerUuid":"x","triggerTime":"2026-09-23T12:03:55.044Z"}}`,
		`{"event":{"type":"create_update","boardId":1003,"pulseId":77,"triggerUuid":"y","triggerTime":"2026-09-23T12:03:55.044Z"}}`,
	} {
		w.deliver(body)
	}
	w.expect(0, "SELECT count(*) FROM river_job")
	if text := w.scrape(); !strings.Contains(text, `outcome="ignored"`) {
		t.Error("ignored events are not counted")
	}
}
