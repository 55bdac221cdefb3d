package delete_test

import (
	"sync/atomic"
	"testing"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

func TestDeleteBeforeCreate(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Monday.SetColumn(lead, "amount", "7")
	w.Monday.DeleteItem(lead)
	events := w.Mail.Take()
	w.Send(events[2])
	w.Quiet()
	w.Send(events[1])
	w.Send(events[0])
	w.Flush()
	w.None("Lead", "Account", "Contact", "Opportunity")
	for _, event := range []string{"create_pulse", "update_column_value"} {
		if status, reason := w.Ending(event, lead); status != "skipped" || reason != "the item is deleted" {
			t.Errorf("%s ended %s (%s), want skipped: the item is deleted", event, status, reason)
		}
	}
	w.Healthy()
}

func TestDeleteWhileAnUpdateRetries(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.With("MAX_ATTEMPTS", "1000"))
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	var broken atomic.Bool
	broken.Store(true)
	w.Failing(sfsim.Fault{Status: 500}, func(c sfsim.Call) bool { return c.Has("update", "") && broken.Load() })
	w.Monday.SetColumn(lead, "company", "Difference Engines")
	w.Eventually("the update has failed twice", func() bool { return w.Count("SELECT count(*) FROM error_logs") > 1 })
	w.Monday.DeleteItem(lead)
	w.Eventually("the lead is deleted", func() bool { return len(w.Salesforce.Records("Lead")) == 0 })
	broken.Store(false)
	w.Quiet()
	if status, reason := w.Ending("update_column_value", lead); status != "skipped" || reason != "the item is deleted" {
		t.Errorf("the update ended %s (%s), want skipped: the item is deleted", status, reason)
	}
	w.Expect(0, "SELECT count(*) FROM dead_letters")
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	account := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	contact := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", map[string]any{"email": e2e.Email("ada@example.org")})
	gone := w.Monday.CreateItem(e2e.Contacts, "Charles Babbage", nil)
	w.Quiet()
	w.Salesforce.Delete("Contact", w.Record("Contact", gone)["Id"].(string))
	for _, item := range []int64{account, contact, gone} {
		w.Monday.DeleteItem(item)
	}
	w.Quiet()
	w.Record("Account", account) // on_delete: keep
	w.None("Contact")
	if status, _ := w.Ending("delete_pulse", gone); status == "failed" {
		t.Error("deleting a record that is gone failed")
	}
	w.Healthy()
}

// TestRestore: a restored item starts over, whether it was deleted or archived.
func TestRestore(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*e2e.World, int64){
		"delete_pulse":  func(w *e2e.World, item int64) { w.Monday.DeleteItem(item) },
		"archive_pulse": func(w *e2e.World, item int64) { w.Monday.ArchiveItem(item) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t)
			lead := w.Lead("Ada Lovelace", "Analytical Engines")
			w.Quiet()
			before := w.Record("Lead", lead)["Id"]
			opportunity := w.Record("Opportunity", lead)["Id"]
			end(w, lead)
			w.Quiet()
			w.None("Lead")
			if status, _ := w.Ending(name, lead); status != "success" {
				t.Errorf("%s ended %s, want success", name, status)
			}
			w.Monday.RestoreItem(lead)
			w.Quiet()
			w.Monday.SetColumn(lead, "company", "Difference Engines")
			w.Quiet()
			made := w.Record("Lead", lead)
			w.Holds(made, map[string]any{"LastName": "Lovelace", "Company": "Difference Engines"})
			w.Holds(w.Record("Opportunity", lead), map[string]any{"Id": opportunity})
			if made["Id"] == before || w.Shown(lead, "text_sfid") != made["Id"] {
				t.Errorf("lead %v before, %v now, %v shown", before, made["Id"], w.Shown(lead, "text_sfid"))
			}
			w.Expect(0, "SELECT count(*) FROM items WHERE deleted_at IS NOT NULL")
			w.Healthy()
		})
	}
}
