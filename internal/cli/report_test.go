package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	mondaysim "crmsync/internal/sim/monday"
)

func TestLogsExport(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.start("serve")
	w.subscribe()
	first := w.monday.CreateItem(accounts, "First Ltd", nil)
	second := w.monday.CreateItem(accounts, "Second Ltd", nil)
	w.quiet()
	if _, err := w.db.Exec(t.Context(), `UPDATE sync_logs SET event = '=HYPERLINK("x")' WHERE item_id = $1`, second); err != nil {
		t.Fatal(err)
	}

	code, out, errs := w.command("logs", "export", "--since", "1h")
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if !strings.Contains(out, "\r\n") {
		t.Error("lines do not end as RFC 4180 wants them")
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + w.count("SELECT count(*) FROM sync_logs"); len(rows) != want {
		t.Errorf("%d rows, want %d", len(rows), want)
	}
	for _, row := range rows[1:] {
		if strings.HasPrefix(row[1], "=") {
			t.Errorf("a formula: %q", row[1])
		}
	}
	_, out, _ = w.command("logs", "export", "--item", strconv.FormatInt(first, 10))
	if strings.Contains(out, strconv.FormatInt(second, 10)) || !strings.Contains(out, strconv.FormatInt(first, 10)) {
		t.Errorf("not the item's rows alone:\n%s", out)
	}
	if code, _, errs := w.command("logs", "export", "--since", "yesterday"); code != exitUsage || !strings.Contains(errs, "--since") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stop := w.start("serve")
	w.subscribe()
	w.monday.CreateItem(accounts, "First Ltd", nil)
	w.quiet()
	stop()
	code, out, errs := w.command("status", "--json")
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var got status
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.LastHour.Success != 1 || got.DeadLetters != 0 || len(got.Outages) != 0 || got.Salesforce == nil || got.Salesforce.Limit != 100_000 {
		t.Errorf("status: %s", out)
	}
	if _, out, _ = w.command("status"); !strings.Contains(out, "1 applied") {
		t.Errorf("status: %s", out)
	}
}

func TestErase(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.start("serve")
	w.subscribe()
	item := w.monday.CreateItem(contacts, "Zebulon Quixote", map[string]any{"email": map[string]any{"email": "zebulon@example.org", "text": "zebulon@example.org"}})
	w.quiet()
	w.monday.Rename(item, "Zebulon Quixotic")
	w.quiet()

	code, out, errs := w.command("erase", "--item", strconv.FormatInt(item, 10))
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if !strings.Contains(out, "Erased") {
		t.Errorf("said %q", out)
	}
	for _, table := range []string{"items", "links", "river_job", "sync_logs", "error_logs", "dead_letters"} {
		if n := w.count("SELECT count(*) FROM " + table + " t WHERE t::text ILIKE '%zebulon%' OR t::text ILIKE '%quixot%'"); n != 0 {
			t.Errorf("%s still has %d rows with values of the item", table, n)
		}
	}
	if n := w.count("SELECT count(*) FROM links WHERE item_id = $1 AND salesforce_id IS NOT NULL", item); n != 1 {
		t.Errorf("%d links, want the one that was there", n)
	}
	// What comes later goes on as before.
	w.monday.Rename(item, "Zoe Later")
	w.quiet()
	if got := w.record("Contact", item)["LastName"]; got != "Later" {
		t.Errorf("last name %v after a rename", got)
	}
}

// TestEraseMigrating erases an item whose making a run never heard of: its values leave the call that is kept too, and the
// next run makes no second one.
func TestEraseMigrating(t *testing.T) {
	t.Parallel()
	w := migrated(t, "", with("MAX_ATTEMPTS", "1"))
	account := w.salesforce.Insert("Account", map[string]any{"Name": "Quixote Mills"})
	other := w.salesforce.Insert("Account", map[string]any{"Name": "Other"})
	w.monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(c.Operation, "create_item") {
			return &mondaysim.Fault{Status: http.StatusOK, Body: `{"data":null,"errors":[{"message":"x","extensions":{"code":"SomethingException"}}]}`, After: true}
		}
		return nil
	})
	w.start("serve")
	w.subscribe(accounts)
	if code, _, _ := w.command("migrate", "accounts"); code != exitFailed {
		t.Fatalf("exited with %d, want 1", code)
	}
	w.monday.OnCall(nil)
	w.quiet()
	made := w.paired("Account", accounts, 2)
	item := made[account].ID
	w.expect(1, "SELECT count(*) FROM migration_documents WHERE answer IS NULL AND creates::text LIKE '%Quixote%'")

	if code, out, errs := w.command("erase", "--item", fmt.Sprint(item)); code != exitDone || !strings.Contains(out, "1 calls of a migration") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	for _, table := range []string{"items", "links", "river_job", "migration_documents", "migration_runs"} {
		w.expect(0, "SELECT count(*) FROM "+table+" t WHERE t::text ILIKE '%quixote%'")
	}

	// The other item of the call may not have come into Monday's index yet: the run waits until it surely has.
	w.exec("DELETE FROM links WHERE salesforce_id = $1", other)
	w.exec("UPDATE dead_letters SET replayed_at = now()")
	ended := make(chan int)
	go func() {
		code, _, _ := w.command("migrate", "accounts")
		ended <- code
	}()
	w.eventually("the run waits", func() bool {
		return w.count("SELECT count(*) FROM river_job WHERE kind = 'migrate_board' AND state = 'scheduled' AND scheduled_at > now() + interval '10 minutes'") == 1
	})
	w.exec("UPDATE migration_documents SET sent_at = sent_at - interval '1 hour'")
	w.exec("UPDATE river_job SET scheduled_at = now() WHERE state = 'scheduled'")
	if code := <-ended; code != exitDone {
		t.Errorf("exited with %d", code)
	}
	w.paired("Account", accounts, 2)
	w.expect(0, "SELECT count(*) FROM migration_documents")
}

func TestParseSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	tests := map[string]time.Time{
		"24h":                  now.Add(-24 * time.Hour),
		"2026-05-01":           time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
		"2026-05-01T06:00:00Z": time.Date(2026, 5, 1, 6, 0, 0, 0, time.UTC),
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := parseSince(text, now)
			if err != nil || !got.Equal(want) {
				t.Errorf("parseSince(%q) = %v, %v, want %v", text, got, err, want)
			}
		})
	}
	for _, text := range []string{"", "-1h", "yesterday", "2026-13-01"} {
		if _, err := parseSince(text, now); err == nil {
			t.Errorf("parseSince(%q) took it", text)
		}
	}
}
