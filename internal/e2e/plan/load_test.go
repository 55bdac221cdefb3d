package plan_test

import (
	"fmt"
	"testing"
	"time"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// rich gives the systems some latency, and Monday a budget that the test never exhausts. What a killed process holds is
// free sooner than by default, but an attempt may last as long as a page of 500 items takes on a machine that is busy
// with other tests: a page that is interrupted is compared again, by further calls.
func rich() []e2e.Option {
	return []e2e.Option{
		e2e.With("JOB_TIMEOUT", "20s"), e2e.With("RESCUE_AFTER", "25s"),
		e2e.Monday(func(c *mondaysim.Config) { c.ComplexityPerMinute, c.Latency = 1_000_000_000, 20*time.Millisecond }),
		e2e.Salesforce(func(c *sfsim.Config) { c.Latency = 20 * time.Millisecond }),
	}
}

// TestLoadKilled brings 10,000 items to Salesforce, where 1,000 of the records exist already, by a command that is
// killed three times. Nothing is duplicated, and few calls are made.
func TestLoadKilled(t *testing.T) {
	t.Parallel()
	const items, there, kills = 10_000, 1_000, 3
	w := e2e.Setup(t, append(rich(), e2e.Mapped(contactMapping("")), e2e.With("LOG_LEVEL", "info"))...)
	address := func(n int) string { return fmt.Sprintf("person%d@example.org", n) }
	for n := range there {
		w.Salesforce.Insert("Contact", map[string]any{"LastName": fmt.Sprint("Person ", n), "Email": address(n * items / there)})
	}
	for n := range items {
		w.Monday.CreateItem(e2e.Contacts, fmt.Sprint("Person ", n), map[string]any{"email": e2e.Email(address(n))})
	}
	before := w.Calls()
	reads := w.Monday.TotalCalls()
	killed := 0
	got, output := w.RunKilled(w.Program(), []string{"apply", "--yes", "contacts"}, func() bool {
		if killed < kills && w.Monday.TotalCalls() >= reads+4*(killed+1) {
			killed++
			return true
		}
		return false
	})
	if got != kills {
		t.Errorf("%d kills, want %d", got, kills)
	}
	t.Logf("last run:\n%s", output)
	keys, addresses := map[any]bool{}, map[any]bool{}
	for _, record := range w.Salesforce.Records("Contact") {
		keys[record[e2e.Key]], addresses[record["Email"]] = true, true
	}
	if n := len(w.Salesforce.Records("Contact")); n != items || len(keys) != items || len(addresses) != items {
		t.Errorf("%d records with %d keys and %d addresses, want %d of each", n, len(keys), len(addresses), items)
	}
	after := w.Calls()
	if salesforce, monday := after[0]-before[0], after[1]-before[1]; salesforce > 70 || monday > 25 {
		t.Errorf("%d calls to Salesforce and %d to Monday, want at most 70 and 25", salesforce, monday)
	} else {
		t.Logf("%d calls to Salesforce and %d to Monday", salesforce, monday)
	}
}

// TestBackfillKilled kills the worker that fills a new field of the mapping, twice. The next one finishes the work,
// and events of items are processed meanwhile.
func TestBackfillKilled(t *testing.T) {
	t.Parallel()
	const items, pages = 3_000, 6
	w := e2e.Setup(t, append(rich(), e2e.Mapped(contactMapping("")), e2e.With("LOG_LEVEL", "info"))...)
	var last int64
	for n := range items {
		last = w.Monday.CreateItem(e2e.Contacts, fmt.Sprint("Person ", n), map[string]any{"phone": phone(fmt.Sprintf("+1212555%04d", n))})
	}
	apply(w)
	w.Start("ingest")
	w.Subscribe()
	w.Env["MAPPING"] = w.Mapping(contactMapping(", Phone: { from: phone, as: phone }"))
	program := w.Program()
	before := w.Calls()
	for kill := range 2 {
		w.RunUntil(program, []string{"worker"}, func() bool {
			return w.Count("SELECT coalesce(sum(pages), 0) FROM sweeps WHERE kind = 'backfill'") > kill
		})
	}
	w.Monday.Rename(last, "Ada Lovelace")
	w.Start("worker")
	ended(w, "backfill", 1)
	after := w.Calls()
	logins := 3 * 1 // a call of either system for each start
	if salesforce, monday := after[0]-before[0]-logins, after[1]-before[1]-logins; monday > pages+3 || salesforce > 2*pages+2*3+3 {
		t.Errorf("%d calls to Salesforce and %d to Monday for %d pages", salesforce, monday, pages)
	} else {
		t.Logf("%d calls to Salesforce and %d to Monday", salesforce, monday)
	}
	for _, record := range w.Salesforce.Records("Contact") {
		if record["Phone"] == nil {
			t.Fatalf("a record without a phone: %v", record)
		}
	}
	w.Holds(w.Record("Contact", last), map[string]any{"LastName": "Ada Lovelace"})
	w.Healthy()
}
