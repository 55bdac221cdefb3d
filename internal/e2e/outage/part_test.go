package outage_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// parts returns the outages that crmsync status shows, as "system part".
func parts(w *e2e.World) (open []string) {
	w.T.Helper()
	var status struct {
		Outages []struct{ System, Part string }
	}
	if err := json.Unmarshal([]byte(w.Crmsync("status", "--json")), &status); err != nil {
		w.T.Fatal(err)
	}
	for _, o := range status.Outages {
		open = append(open, o.System+" "+o.Part)
	}
	return open
}

// TestBoardLost: Monday's token loses access to one of the boards. Its events wait, those of the others are synced, one
// alert names the board, and everything is synced once the access is back.
func TestBoardLost(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("BATCH_CONCURRENCY", "1"))
	w.Start("ingest")
	w.Subscribe()
	w.Monday.SetAccess(e2e.Accounts, mondaysim.Denied)
	var accounts, leads []int64
	for n := range 6 {
		accounts = append(accounts, w.Monday.CreateItem(e2e.Accounts, fmt.Sprint("Account ", n), nil))
		leads = append(leads, w.Lead(fmt.Sprint("Lead ", n), "Engines"))
	}
	w.Eventually("one batch is waiting", func() bool { return w.Monday.Pending() == 0 })
	w.Start("worker")
	w.Message("Monday refuses access to board 1001", "USER_UNAUTHORIZED")
	w.Eventually("the other board's events are done", func() bool {
		return w.Monday.Pending() == 0 && w.Count("SELECT count(*) FROM river_job WHERE state <> 'completed' AND (args->>'board_id')::bigint <> 1001") == 0
	})
	w.Expect(0, "SELECT count(*) FROM river_job WHERE (args->>'board_id')::bigint <> 1001 AND metadata ? 'snoozes'") // no event of another board waited
	for _, item := range leads {
		if id := w.Record("Lead", item)["Id"]; w.Shown(item, "text_sfid") != id {
			t.Errorf("item %d shows %q, want %v", item, w.Shown(item, "text_sfid"), id)
		}
	}
	if got := parts(w); len(got) != 1 || got[0] != "monday board 1001" {
		t.Errorf("status shows outages %q", got)
	}
	unscathed(w)
	w.Monday.SetAccess(e2e.Accounts, mondaysim.Full)
	w.Quiet()
	w.Message("Monday gives access to board 1001 again")
	unscathed(w)
	for _, item := range accounts {
		w.Record("Account", item)
	}
	if n := len(w.Telegram.Texts()); n != 2 {
		t.Errorf("%d alerts, want 2: %q", n, w.Telegram.Texts())
	}
}

// TestStorageFull: new records wait for storage, updates continue, and one alert reports it.
func TestStorageFull(t *testing.T) {
	t.Parallel()
	w := pair(t)
	old := w.Lead("Ada Lovelace", "Engines")
	w.Quiet()
	w.Salesforce.SetStorageFull(true)
	var items []int64
	for n := range 8 {
		items = append(items, w.Lead(fmt.Sprint("Lead ", n), "Engines"))
	}
	w.Message("Salesforce creates no records", "STORAGE_LIMIT_EXCEEDED")
	w.Monday.SetColumn(old, "amount", "12")
	w.Eventually("the update arrives", func() bool { return w.Record("Opportunity", old)["Amount"] == 12.0 })
	if got := parts(w); len(got) != 1 || got[0] != "salesforce creation" {
		t.Errorf("status shows outages %q", got)
	}
	unscathed(w)
	w.Salesforce.SetStorageFull(false)
	w.Quiet()
	w.Message("Salesforce creates records again")
	unscathed(w)
	for _, item := range items {
		w.Record("Lead", item)
		w.Record("Opportunity", item)
	}
	var told []string
	for _, text := range w.Telegram.Texts() {
		told = append(told, strings.SplitN(text, " (", 2)[0])
	}
	if len(told) != 2 {
		t.Errorf("%d alerts, want 2: %q", len(told), told)
	}
}

// TestObjectDenied: Salesforce does not describe one object. Events that must look for its records wait without using up
// attempts, others are synced, and one alert names the object and the right. Nothing counts as gone.
func TestObjectDenied(t *testing.T) {
	t.Parallel()
	for code, status := range map[string]int{"INSUFFICIENT_ACCESS": 403, "UNKNOWN_EXCEPTION": 500} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.With("MAX_ATTEMPTS", "2"), e2e.With("RETRY_BASE", "10ms"))
			w.Salesforce.Insert("Contact", map[string]any{"LastName": "King", "Email": "ada@example.org"})
			w.Failing(sfsim.Fault{Status: status, Body: fmt.Sprintf(`[{"errorCode":"%s","message":"no"}]`, code)}, func(c sfsim.Call) bool { return c.Has("describe", "Contact") })
			item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("ada@example.org")})
			account := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
			w.Message("Salesforce refuses access to object Contact", code, "Read access to the object")
			w.Eventually("the other event is done", func() bool { return len(w.Records("Account", sfsim.KeyField, fmt.Sprint(account))) == 1 })
			w.Eventually("the event has waited twice", func() bool {
				return w.Count("SELECT coalesce(max((metadata->>'snoozes')::int), 0) FROM river_job WHERE (args->>'item_id')::bigint = $1", item) > 1
			})
			if got := parts(w); len(got) != 1 || got[0] != "salesforce object Contact" {
				t.Errorf("status shows outages %q", got)
			}
			if _, listed, _ := w.Command("errors"); !strings.Contains(listed, "object Contact") || !strings.Contains(listed, "none is lost") {
				t.Errorf("errors:\n%s", listed)
			}
			for _, command := range [][]string{{"check", "--live"}, {"doctor"}} {
				exit, stdout, stderr := w.Command(command...)
				if status < 500 && (exit == 0 || !strings.Contains(stdout+stderr, "the object Contact does not exist or is not visible to the run-as user")) {
					t.Errorf("%v: exit %d\n%s%s", command, exit, stdout, stderr)
				}
			}
			unscathed(w)
			w.Salesforce.OnCall(nil)
			w.Quiet()
			w.Message("Salesforce gives access to object Contact again")
			w.Holds(w.Record("Contact", item), map[string]any{"LastName": "King", "Email": "ada@example.org"})
			if n := len(w.Salesforce.Records("Contact")); n != 1 {
				t.Errorf("%d contacts, want the one that was there", n)
			}
			unscathed(w)
			if n := len(w.Telegram.Texts()); n != 2 {
				t.Errorf("%d alerts, want 2: %q", n, w.Telegram.Texts())
			}
		})
	}
}
