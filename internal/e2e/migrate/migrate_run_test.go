package migrate_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// TestMigrateSlices: a run that exceeds the time limit of an attempt continues in slices without using attempts, and
// Ctrl-C loses none of its work.
func TestMigrateSlices(t *testing.T) {
	t.Parallel()
	// A page of 1,000 records is thirty calls, four at a time, and takes at least 6 s, so that a slice of 10 s starts
	// at most two.
	w := e2e.Migrated(t, "", e2e.With("JOB_TIMEOUT", "20s"), e2e.With("RESCUE_AFTER", "30s"), e2e.Monday(func(m *mondaysim.Config) { m.Latency, m.ComplexityPerMinute = 800*time.Millisecond, 50_000_000 }))
	for i := range 4000 {
		w.Salesforce.Insert("Account", map[string]any{"Name": fmt.Sprintf("Company %d", i)})
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupted := make(chan int)
	var out bytes.Buffer
	log := &e2e.LogBuffer{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the interrupted command:\n%s", log.Tail(60))
		}
	})
	go func() {
		interrupted <- cli.Run(ctx, []string{"migrate", "accounts"}, w.Getenv, &out, log)
	}()
	w.Eventually("a page is done", func() bool { return w.Count("SELECT coalesce(sum(read), 0) FROM migration_runs") > 0 })
	interrupt()
	if code := <-interrupted; code != cli.ExitDone || !strings.Contains(log.String(), "The runs continue") {
		t.Fatalf("exited with %d:\n%s", code, log.Tail(20))
	}
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'running' AND read < 4000")
	w.Eventually("nothing is leased", func() bool { return w.Count("SELECT count(*) FROM items WHERE lease_until > now()") == 0 })

	w.Crmsync("migrate", "accounts")
	w.Paired("Account", e2e.Accounts, 4000)
	// An attempt that a very slow machine cuts off, which is logged, may have created items that it did not count.
	if n := w.Count(`SELECT count(*) FROM migration_runs WHERE state = 'done' AND read = 4000
		AND (created = 4000 OR created < 4000 AND EXISTS (SELECT FROM error_logs))`); n != 1 {
		t.Errorf("counts: %s", w.Crmsync("migrate", "--history"))
	}
	// On a very slow machine, a slice without progress may cost an attempt, which is logged.
	w.Expect(1, `SELECT count(*) FROM river_job WHERE kind = 'migrate_board' AND (metadata->>'snoozes')::int >= 2
		AND attempt <= 1 + (SELECT count(*) FROM error_logs)`)
	w.Expect(0, "SELECT count(*) FROM dead_letters")
}

// TestMigrateCalls: a thousand records need few calls, and almost none if nothing has changed since.
func TestMigrateCalls(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "", e2e.Monday(func(m *mondaysim.Config) { m.ComplexityPerMinute = 50_000_000 }))
	for i := range 1000 {
		w.Salesforce.Insert("Account", map[string]any{"Name": fmt.Sprintf("Company %d", i)})
	}
	w.Crmsync("migrate", "accounts")
	w.Paired("Account", e2e.Accounts, 1000)
	if calls := w.Monday.TotalCalls(); calls > 25 {
		t.Errorf("%d calls to Monday: %v", calls, w.Monday.Calls())
	}
	for name, tt := range map[string]struct{ changed, most int }{
		"unchanged": {most: 1},                   // the board
		"changed":   {changed: 200, most: 1 + 6}, // a read for each 100 items, and a write for each 50
	} {
		for _, record := range w.Salesforce.Records("Account")[:tt.changed] {
			w.Salesforce.Update("Account", record["Id"].(string), map[string]any{"Phone": "+1 212 555 0999"})
		}
		before := w.Monday.TotalCalls()
		w.Crmsync("migrate", "accounts")
		if calls := w.Monday.TotalCalls() - before; calls > tt.most {
			t.Errorf("%s: %d calls to Monday, want at most %d: %v", name, calls, tt.most, w.Monday.Calls())
		}
	}
	w.Healthy()
}

// TestMigrateInterrupted: a page that an error interrupts continues from its stored results, without using an attempt.
func TestMigrateInterrupted(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "", e2e.With("MAX_ATTEMPTS", "1"), e2e.Monday(func(m *mondaysim.Config) { m.ComplexityPerMinute = 50_000_000 }))
	for i := range 1000 {
		w.Salesforce.Insert("Account", map[string]any{"Name": fmt.Sprintf("Company %d", i)})
	}
	const snoozed = "SELECT count(*) FROM river_job WHERE kind = 'migrate_board' AND (metadata->>'snoozes')::int >= 1"
	var creates atomic.Int64
	w.Monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault { // until the slice ends
		if strings.Contains(c.Operation, "create_item") && creates.Add(1) > 8 && w.Count(snoozed) == 0 {
			return &mondaysim.Fault{Status: http.StatusOK, Body: `{"data":null,"errors":[{"message":"x","extensions":{"code":"SomethingException"}}]}`}
		}
		return nil
	})
	w.Crmsync("migrate", "accounts")
	w.Paired("Account", e2e.Accounts, 1000)
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'done' AND created = 1000")
	w.Expect(1, snoozed)
	w.Healthy()
}

// TestMigrateSchedule: the mapping's schedule runs one migration at a time, and catches up on a run that was due while
// nothing was running.
func TestMigrateSchedule(t *testing.T) {
	t.Parallel()
	// The contacts wait while the accounts, to which they connect, are imported, which may take more than a second.
	w := e2e.Migrated(t, `, schedule: "@every 3s"`)
	w.Plant(3)
	stop := w.Start("worker")
	w.Eventually("a run by schedule", func() bool { return len(w.Monday.Items(e2e.Contacts)) == 3 })
	w.Eventually("further runs", func() bool { return w.Count("SELECT count(*) FROM migration_runs WHERE state = 'done'") > 5 })
	stop()
	w.Paired("Contact", e2e.Contacts, 3)

	late := e2e.Migrated(t, `, schedule: "0 6 * * 1"`)
	late.Plant(3)
	stop = late.Start("worker")
	late.Eventually("the schedules are known", func() bool { return late.Count("SELECT count(*) FROM migration_schedules") == 2 })
	stop()
	late.Expect(0, "SELECT count(*) FROM migration_runs")
	late.Exec("UPDATE migration_schedules SET since = now() - interval '8 days'")
	stop = late.Start("worker")
	late.Eventually("the runs that fell due", func() bool { return late.Count("SELECT count(*) FROM migration_runs WHERE state = 'done'") == 2 })
	stop()
	late.Expect(0, "SELECT count(*) FROM migration_schedules s WHERE since > (SELECT max(started_at) FROM migration_runs r WHERE r.board_id = s.board_id)")
}

// TestMigrateFails: a run that cannot succeed becomes a dead letter and is alerted; when replayed, it continues.
func TestMigrateFails(t *testing.T) {
	t.Parallel()
	text := strings.Replace(fmt.Sprintf(e2e.Migrating, ""), "board: 1002", "board: 4444", 1)
	w := e2e.Setup(t, e2e.Mapped(text))
	w.Plant(2)
	var out bytes.Buffer
	log := &e2e.LogBuffer{}
	if code := cli.Run(t.Context(), []string{"migrate"}, w.Getenv, &out, log); code != cli.ExitFailed {
		t.Errorf("exited with %d:\n%s\n%s", code, &out, log.Tail(20))
	}
	if !strings.Contains(log.String(), "the import of contacts failed") {
		t.Errorf("it says:\n%s", log.Tail(3))
	}
	w.Start("worker")
	w.Message("migrate_board", "4444")
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'failed' AND error LIKE '%InvalidBoardIdException%'")
	w.Paired("Account", e2e.Accounts, 2)
}

// TestMigrateOutOfTime: a run that fails when its time is up is still stored as failed.
func TestMigrateOutOfTime(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "", e2e.With("JOB_TIMEOUT", "10s"), e2e.With("RESCUE_AFTER", "20s"), e2e.With("MAX_ATTEMPTS", "1"))
	for i := range 100 { // two calls
		w.Salesforce.Insert("Account", map[string]any{"Name": fmt.Sprintf("Company %d", i)})
	}
	var creates atomic.Int64
	w.Monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		switch {
		case !strings.Contains(c.Operation, "create_item"):
			return nil
		case creates.Add(1) == 1:
			return &mondaysim.Fault{Delay: e2e.Patience}
		}
		return &mondaysim.Fault{Status: http.StatusOK, Body: `{"data":null,"errors":[{"message":"x","extensions":{"code":"SomethingException"}}]}`}
	})
	if code, _, _ := w.Command("migrate", "accounts"); code != cli.ExitFailed {
		t.Errorf("exited with %d, want 1", code)
	}
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'failed' AND error LIKE '%SomethingException%'")
	w.Expect(1, "SELECT count(*) FROM error_logs WHERE code = 'SomethingException'")
}

// TestMigrateAdopts: an item that shows a record's Id, or whose id a record carries, is adopted; an item deleted on
// Monday is not created again, and a record that belongs to an item of another board stays with that item.
func TestMigrateAdopts(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	shown := w.Salesforce.Insert("Account", map[string]any{"Name": "Shown", "Phone": "+1 212 555 0100"})
	showing := w.Monday.CreateItem(e2e.Accounts, "Shown", map[string]any{"text_sfid": shown})
	carries := w.Salesforce.Insert("Account", map[string]any{"Name": "Carries", "Website": "https://c.example.org"})
	carried := w.Monday.CreateItem(e2e.Accounts, "Carries", map[string]any{"website": map[string]any{"url": "https://m.example.org", "text": "m"}})
	w.Salesforce.Update("Account", carries, map[string]any{e2e.Key: fmt.Sprint(carried)})
	elsewhere := w.Salesforce.Insert("Account", map[string]any{"Name": "Elsewhere"})
	contact := w.Monday.CreateItem(e2e.Contacts, "Somebody", nil)
	w.Salesforce.Update("Account", elsewhere, map[string]any{e2e.Key: fmt.Sprint(contact)})
	gone := w.Salesforce.Insert("Account", map[string]any{"Name": "Gone"})
	w.Crmsync("migrate", "accounts")

	if n := len(w.Monday.Items(e2e.Accounts)); n != 3 {
		t.Fatalf("%d items, want 3", n)
	}
	if item, _ := w.Monday.Item(showing); item.Text["phone"] != "+1 212 555 0100" {
		t.Errorf("adopted item: %v", item.Text)
	}
	if item, _ := w.Monday.Item(carried); item.Text["text_sfid"] != carries || !strings.Contains(item.Text["website"], "m.example.org") {
		t.Errorf("carried item: %v", item.Text)
	}
	w.Holds(w.Salesforce.Get("Account", shown), map[string]any{e2e.Key: fmt.Sprint(showing)})
	w.Holds(w.Salesforce.Get("Account", elsewhere), map[string]any{e2e.Key: fmt.Sprint(contact)})
	w.Expect(1, "SELECT count(*) FROM links WHERE item_id = $1 AND salesforce_id = $2", carried, carries)

	w.Exec("UPDATE items SET deleted_at = now() WHERE item_id = (SELECT item_id FROM links WHERE salesforce_id = $1)", gone)
	w.Salesforce.Update("Account", gone, map[string]any{"Name": "Gone still"})
	w.Crmsync("migrate", "accounts")
	if n := len(w.Monday.Items(e2e.Accounts)); n != 3 {
		t.Errorf("%d items after one was deleted, want 3", n)
	}
	w.Healthy()
}

// TestMigrateUsage: names of boards are checked, and so is whether there is anything to do.
func TestMigrateUsage(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	for name, args := range map[string][]string{"unknown board": {"migrate", "acounts"}, "unknown flag": {"migrate", "--dry"}} {
		log := &e2e.LogBuffer{}
		if code := cli.Run(t.Context(), args, w.Getenv, log, log); code != cli.ExitUsage {
			t.Errorf("%s: exited with %d:\n%s", name, code, log.Tail(5))
		}
	}
	if out := w.Crmsync("check"); !strings.Contains(out, ": note: Contact.FirstName is synced to Salesforce only: "+
		"it is part of a name\n") {
		t.Errorf("check says:\n%s", out)
	}
	if out := w.Crmsync("migrate", "--history"); !strings.Contains(out, "There has been no run yet.") {
		t.Errorf("history:\n%s", out)
	}
}

// TestMigrateResultLost: writing the key field moves a record behind the end of the lap. If the result is lost after
// that, the record is still found.
func TestMigrateResultLost(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	w.Plant(60)
	w.Exec(`CREATE SEQUENCE keeps`)
	w.Exec(`CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN IF nextval('keeps') = 1 THEN RAISE EXCEPTION 'lost'; END IF; RETURN NEW; END $$`)
	w.Exec(`CREATE TRIGGER lose BEFORE INSERT ON links FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION lose()`)
	w.Crmsync("migrate", "accounts")
	w.Paired("Account", e2e.Accounts, 60)
	w.Expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'done' AND (read, created) = (60, 60)")
	w.Expect(0, "SELECT count(*) FROM migration_documents")
}
