package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// A run that takes longer than a try may goes on in slices, at no cost of an attempt, and Ctrl-C loses nothing of it.
func TestMigrateSlices(t *testing.T) {
	t.Parallel()
	// A page of 1,000 records is thirty calls, four at a time, and takes 6 s at least, so that a slice of 10 s begins two at most.
	w := migrated(t, "", with("JOB_TIMEOUT", "20s"), with("RESCUE_AFTER", "30s"), monday(func(m *mondaysim.Config) { m.Latency, m.ComplexityPerMinute = 800*time.Millisecond, 50_000_000 }))
	for i := range 4000 {
		w.salesforce.Insert("Account", map[string]any{"Name": fmt.Sprintf("Company %d", i)})
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupted := make(chan int)
	var out bytes.Buffer
	log := &logBuffer{}
	go func() {
		interrupted <- Run(ctx, []string{"migrate", "accounts"}, func(name string) string { return w.env[name] }, &out, log)
	}()
	w.eventually("a page is done", func() bool { return w.count("SELECT coalesce(sum(read), 0) FROM migration_runs") > 0 })
	interrupt()
	if code := <-interrupted; code != exitDone || !strings.Contains(log.String(), "go on where they were") {
		t.Fatalf("exited with %d:\n%s", code, log.tail(20))
	}
	w.expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'running' AND read < 4000")
	w.eventually("nothing is leased", func() bool { return w.count("SELECT count(*) FROM items WHERE lease_until > now()") == 0 })

	w.crmsync("migrate", "accounts")
	w.paired("Account", accounts, 4000)
	w.expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'done' AND read = 4000 AND created = 4000")
	// A slice that gets nowhere, on a machine that is very slow, may cost an attempt: then that is logged.
	w.expect(1, `SELECT count(*) FROM river_job WHERE kind = 'migrate_board' AND (metadata->>'snoozes')::int >= 2
		AND attempt <= 1 + (SELECT count(*) FROM error_logs)`)
	w.expect(0, "SELECT count(*) FROM dead_letters")
}

// A thousand records are few calls.
func TestMigrateCalls(t *testing.T) {
	t.Parallel()
	w := migrated(t, "", monday(func(m *mondaysim.Config) { m.ComplexityPerMinute = 50_000_000 }))
	for i := range 1000 {
		w.salesforce.Insert("Account", map[string]any{"Name": fmt.Sprintf("Company %d", i)})
	}
	w.crmsync("migrate", "accounts")
	w.paired("Account", accounts, 1000)
	if calls := w.monday.TotalCalls(); calls > 40 {
		t.Errorf("%d calls to Monday: %v", calls, w.monday.Calls())
	}
	w.healthy()
}

// A page that an error breaks off goes on from what was kept of it, and costs no attempt either.
func TestMigrateBreaksOff(t *testing.T) {
	t.Parallel()
	w := migrated(t, "", with("MAX_ATTEMPTS", "1"), monday(func(m *mondaysim.Config) { m.ComplexityPerMinute = 50_000_000 }))
	for i := range 1000 {
		w.salesforce.Insert("Account", map[string]any{"Name": fmt.Sprintf("Company %d", i)})
	}
	const snoozed = "SELECT count(*) FROM river_job WHERE kind = 'migrate_board' AND (metadata->>'snoozes')::int >= 1"
	var creates atomic.Int64
	w.monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault { // until the slice is given up
		if strings.Contains(c.Operation, "create_item") && creates.Add(1) > 8 && w.count(snoozed) == 0 {
			return &mondaysim.Fault{Status: http.StatusOK, Body: `{"data":null,"errors":[{"message":"x","extensions":{"code":"SomethingException"}}]}`}
		}
		return nil
	})
	w.crmsync("migrate", "accounts")
	w.paired("Account", accounts, 1000)
	w.expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'done' AND created = 1000")
	w.expect(1, snoozed)
	w.healthy()
}

// The schedule of the mapping runs a migration, once at a time, and makes up for what fell due while nothing was up.
func TestMigrateSchedule(t *testing.T) {
	t.Parallel()
	w := migrated(t, `, schedule: "@every 1s"`)
	w.plant(3)
	stop := w.start("worker")
	w.eventually("a run by schedule", func() bool { return len(w.monday.Items(contacts)) == 3 })
	w.eventually("further runs", func() bool { return w.count("SELECT count(*) FROM migration_runs WHERE state = 'done'") > 5 })
	stop()
	w.paired("Contact", contacts, 3)

	late := migrated(t, `, schedule: "0 6 * * 1"`)
	late.plant(3)
	stop = late.start("worker")
	late.eventually("the schedules are known", func() bool { return late.count("SELECT count(*) FROM migration_schedules") == 2 })
	stop()
	late.expect(0, "SELECT count(*) FROM migration_runs")
	late.exec("UPDATE migration_schedules SET since = now() - interval '8 days'")
	stop = late.start("worker")
	late.eventually("the runs that fell due", func() bool { return late.count("SELECT count(*) FROM migration_runs WHERE state = 'done'") == 2 })
	stop()
	late.expect(0, "SELECT count(*) FROM migration_schedules s WHERE since > (SELECT max(started_at) FROM migration_runs r WHERE r.board_id = s.board_id)")
}

// A run that cannot succeed is a dead letter that somebody hears of; replayed, it goes on.
func TestMigrateFails(t *testing.T) {
	t.Parallel()
	text := strings.Replace(fmt.Sprintf(migrating, ""), "board: 1002", "board: 4444", 1)
	w := setup(t, mapped(text))
	w.plant(2)
	var out bytes.Buffer
	log := &logBuffer{}
	if code := Run(t.Context(), []string{"migrate"}, func(name string) string { return w.env[name] }, &out, log); code != exitFailed {
		t.Errorf("exited with %d:\n%s\n%s", code, &out, log.tail(20))
	}
	if !strings.Contains(log.String(), "the migration of contacts failed") {
		t.Errorf("it says:\n%s", log.tail(3))
	}
	w.start("worker")
	w.told("migrate_board", "4444")
	w.expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'failed' AND error LIKE '%InvalidBoardIdException%'")
	w.paired("Account", accounts, 2)
}

// A run that fails as its time is up is kept as failed all the same.
func TestMigrateOutOfTime(t *testing.T) {
	t.Parallel()
	w := migrated(t, "", with("JOB_TIMEOUT", "2s"), with("RESCUE_AFTER", "4s"), with("MAX_ATTEMPTS", "1"))
	for i := range 100 { // two calls
		w.salesforce.Insert("Account", map[string]any{"Name": fmt.Sprintf("Company %d", i)})
	}
	var creates atomic.Int64
	w.monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		switch {
		case !strings.Contains(c.Operation, "create_item"):
			return nil
		case creates.Add(1) == 1:
			return &mondaysim.Fault{Delay: patience}
		}
		return &mondaysim.Fault{Status: http.StatusOK, Body: `{"data":null,"errors":[{"message":"x","extensions":{"code":"SomethingException"}}]}`}
	})
	if code, _, _ := w.command("migrate", "accounts"); code != exitFailed {
		t.Errorf("exited with %d, want 1", code)
	}
	w.expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'failed' AND error LIKE '%SomethingException%'")
	w.expect(1, "SELECT count(*) FROM error_logs WHERE code = 'SomethingException'")
}

// A record that Monday does not take fails alone.
func TestMigrateBadRecord(t *testing.T) {
	t.Parallel()
	w := migrated(t, "")
	w.plant(60)
	bad := w.salesforce.Insert("Account", map[string]any{"Name": "Odd", "Website": "company.example.org"})
	w.salesforce.Insert("Account", map[string]any{"Name": strings.Repeat("ö", 255)})
	w.crmsync("migrate", "accounts")
	w.paired("Account", accounts, 61)
	w.expect(1, "SELECT count(*) FROM migration_runs WHERE (read, created, failed) = (62, 61, 1)")
	w.expect(1, "SELECT count(*) FROM error_logs WHERE salesforce_id = $1 AND code = 'ColumnValueException' AND event = 'migrate_board'", bad)
	w.expect(1, "SELECT count(*) FROM error_logs")
	w.salesforce.Update("Account", bad, map[string]any{"Website": "https://company.example.org"})
	w.crmsync("migrate", "accounts")
	w.paired("Account", accounts, 62)
}

// An item that shows a record's Id, or whose id a record carries, is adopted; what was deleted on Monday is not made again, and
// a record that is an item's of another board stays that item's.
func TestMigrateAdopts(t *testing.T) {
	t.Parallel()
	w := migrated(t, "")
	shown := w.salesforce.Insert("Account", map[string]any{"Name": "Shown", "Phone": "+1 212 555 0100"})
	showing := w.monday.CreateItem(accounts, "Shown", map[string]any{"text_sfid": shown})
	carries := w.salesforce.Insert("Account", map[string]any{"Name": "Carries", "Website": "https://c.example.org"})
	carried := w.monday.CreateItem(accounts, "Carries", map[string]any{"website": map[string]any{"url": "https://m.example.org", "text": "m"}})
	w.salesforce.Update("Account", carries, map[string]any{key: fmt.Sprint(carried)})
	elsewhere := w.salesforce.Insert("Account", map[string]any{"Name": "Elsewhere"})
	contact := w.monday.CreateItem(contacts, "Somebody", nil)
	w.salesforce.Update("Account", elsewhere, map[string]any{key: fmt.Sprint(contact)})
	gone := w.salesforce.Insert("Account", map[string]any{"Name": "Gone"})
	w.crmsync("migrate", "accounts")

	if n := len(w.monday.Items(accounts)); n != 3 {
		t.Fatalf("%d items, want 3", n)
	}
	if item, _ := w.monday.Item(showing); item.Text["phone"] != "+1 212 555 0100" {
		t.Errorf("adopted item: %v", item.Text)
	}
	if item, _ := w.monday.Item(carried); item.Text["text_sfid"] != carries || !strings.Contains(item.Text["website"], "m.example.org") {
		t.Errorf("carried item: %v", item.Text)
	}
	w.holds(w.salesforce.Get("Account", shown), map[string]any{key: fmt.Sprint(showing)})
	w.holds(w.salesforce.Get("Account", elsewhere), map[string]any{key: fmt.Sprint(contact)})
	w.expect(1, "SELECT count(*) FROM links WHERE item_id = $1 AND salesforce_id = $2", carried, carries)

	w.exec("UPDATE items SET deleted_at = now() WHERE item_id = (SELECT item_id FROM links WHERE salesforce_id = $1)", gone)
	w.salesforce.Update("Account", gone, map[string]any{"Name": "Gone still"})
	w.crmsync("migrate", "accounts")
	if n := len(w.monday.Items(accounts)); n != 3 {
		t.Errorf("%d items after one was deleted, want 3", n)
	}
	w.healthy()
}

// The names of boards are checked, and so is whether there is anything to do.
func TestMigrateUsage(t *testing.T) {
	t.Parallel()
	w := migrated(t, "", func(_ *world, _ *mondaysim.Config, _ *sfsim.Config) {})
	for name, args := range map[string][]string{"unknown board": {"migrate", "acounts"}, "unknown flag": {"migrate", "--dry"}} {
		log := &logBuffer{}
		if code := Run(t.Context(), args, func(name string) string { return w.env[name] }, log, log); code != exitUsage {
			t.Errorf("%s: exited with %d:\n%s", name, code, log.tail(5))
		}
	}
	if out := w.crmsync("check"); !strings.Contains(out, "note: FirstName does not travel to board contacts: it is a part of a name.") {
		t.Errorf("check says:\n%s", out)
	}
	if out := w.crmsync("migrate", "--history"); !strings.Contains(out, "There was no run yet.") {
		t.Errorf("history:\n%s", out)
	}
}

// Writing the key field moves a record behind the end of the lap. What was not kept after that is found all the same.
func TestMigrateNotKept(t *testing.T) {
	t.Parallel()
	w := migrated(t, "")
	w.plant(60)
	w.exec(`CREATE SEQUENCE keeps`)
	w.exec(`CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN IF nextval('keeps') = 1 THEN RAISE EXCEPTION 'lost'; END IF; RETURN NEW; END $$`)
	w.exec(`CREATE TRIGGER lose BEFORE INSERT ON links FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION lose()`)
	w.crmsync("migrate", "accounts")
	w.paired("Account", accounts, 60)
	w.expect(1, "SELECT count(*) FROM migration_runs WHERE state = 'done' AND (read, created) = (60, 60)")
	w.expect(0, "SELECT count(*) FROM migration_documents")
}
