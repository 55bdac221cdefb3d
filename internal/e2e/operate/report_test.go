package operate_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

func TestLogsExport(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Start("serve")
	w.Subscribe()
	first := w.Monday.CreateItem(e2e.Accounts, "First Ltd", nil)
	second := w.Monday.CreateItem(e2e.Accounts, "Second Ltd", nil)
	w.Quiet()
	if _, err := w.DB.Exec(t.Context(), `UPDATE sync_logs SET event = '=HYPERLINK("x")' WHERE item_id = $1`, second); err != nil {
		t.Fatal(err)
	}

	code, out, errs := w.Command("logs", "export", "--since", "1h")
	if code != cli.ExitDone {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if !strings.Contains(out, "\r\n") {
		t.Error("lines do not end as RFC 4180 requires")
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + w.Count("SELECT count(*) FROM sync_logs"); len(rows) != want {
		t.Errorf("%d rows, want %d", len(rows), want)
	}
	for _, row := range rows[1:] {
		if strings.HasPrefix(row[1], "=") {
			t.Errorf("a formula: %q", row[1])
		}
	}
	_, out, _ = w.Command("logs", "export", "--item", strconv.FormatInt(first, 10))
	if strings.Contains(out, strconv.FormatInt(second, 10)) || !strings.Contains(out, strconv.FormatInt(first, 10)) {
		t.Errorf("not only the item's rows:\n%s", out)
	}
	if code, _, errs := w.Command("logs", "export", "--since", "yesterday"); code != cli.ExitUsage || !strings.Contains(errs, "--since") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	stop := w.Start("serve")
	w.Subscribe()
	w.Monday.CreateItem(e2e.Accounts, "First Ltd", nil)
	w.Quiet()
	w.Eventually("the calls are counted", func() bool { return w.Count("SELECT count(*) FROM hours WHERE salesforce_used IS NOT NULL") > 0 })
	stop()
	code, out, errs := w.Command("status", "--json")
	if code != cli.ExitDone {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var got cli.Status
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.LastHour.Success != 1 || got.DeadLetters != 0 || len(got.Outages) != 0 || got.Salesforce == nil || got.Salesforce.Limit != 100_000 {
		t.Errorf("status: %s", out)
	}
	w.Exec(`INSERT INTO hours (hour, counted_to, monday_used, monday_limit) VALUES (date_trunc('hour', now(), 'UTC'), now(), 421, 10000)
		ON CONFLICT (hour) DO UPDATE SET monday_used = excluded.monday_used, monday_limit = excluded.monday_limit`)
	_, out, _ = w.Command("status")
	for _, want := range []string{"1 synced", "9579 of 10000 left today\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in status: %s", want, out)
		}
	}
}

// TestEraseMigrating erases an item for whose creation a run got no answer: its values are also erased from the stored
// call, and the next run creates no second item.
func TestEraseMigrating(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "", e2e.With("MAX_ATTEMPTS", "1"))
	account := w.Salesforce.Insert("Account", map[string]any{"Name": "Quixote Mills"})
	other := w.Salesforce.Insert("Account", map[string]any{"Name": "Other"})
	w.Monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(c.Operation, "create_item") {
			return &mondaysim.Fault{Status: http.StatusOK, Body: `{"data":null,"errors":[{"message":"x","extensions":{"code":"SomethingException"}}]}`, After: true}
		}
		return nil
	})
	w.Start("serve")
	w.Subscribe(e2e.Accounts)
	if code, _, _ := w.Command("migrate", "accounts"); code != cli.ExitFailed {
		t.Fatalf("exited with %d, want 1", code)
	}
	w.Monday.OnCall(nil)
	w.Quiet()
	made := w.Paired("Account", e2e.Accounts, 2)
	item := made[account].ID
	w.Expect(1, "SELECT count(*) FROM migration_documents WHERE answer IS NULL AND creates::text LIKE '%Quixote%'")

	if code, out, errs := w.Command("erase", "--item", fmt.Sprint(item)); code != cli.ExitDone || !regexp.MustCompile(`migration_documents +1\n`).MatchString(out) {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	for _, table := range []string{"items", "links", "river_job", "migration_documents", "migration_runs"} {
		w.Expect(0, "SELECT count(*) FROM "+table+" t WHERE t::text ILIKE '%quixote%'")
	}

	// The other item of the call may not be in Monday's index yet: the run waits until it certainly is.
	w.Exec("DELETE FROM links WHERE salesforce_id = $1", other)
	w.Exec("UPDATE dead_letters SET replayed_at = now()")
	ended := make(chan int)
	go func() {
		code, _, _ := w.Command("migrate", "accounts")
		ended <- code
	}()
	w.Eventually("the run waits", func() bool {
		return w.Count("SELECT count(*) FROM river_job WHERE kind = 'migrate_board' AND state = 'scheduled' AND scheduled_at > now() + interval '10 minutes'") == 1
	})
	w.Exec("UPDATE migration_documents SET sent_at = sent_at - interval '1 hour'")
	w.Exec("UPDATE river_job SET scheduled_at = now() WHERE state = 'scheduled'")
	if code := <-ended; code != cli.ExitDone {
		t.Errorf("exited with %d", code)
	}
	w.Paired("Account", e2e.Accounts, 2)
	w.Expect(0, "SELECT count(*) FROM migration_documents")
}
