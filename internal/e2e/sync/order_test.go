package sync_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestAnyOrder: late, repeated and reordered events leave the newest value of everything.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.ByHand, e2e.Ticking)
	w.Start("ingest")
	for range 2 {
		w.Start("worker")
	}
	w.Subscribe()
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Flush() // the item is known: later values come from events, without a read
	for n := range 4 {
		w.Monday.SetColumn(lead, "company", fmt.Sprint("Company ", n))
		w.Monday.SetColumn(lead, "amount", fmt.Sprint(n))
		w.Monday.SetColumn(lead, "email", e2e.Email(fmt.Sprintf("ada%d@example.org", n)))
		w.Monday.Rename(lead, fmt.Sprint("Ada Lovelace", n))
	}
	events := w.Mail.Take()
	events = append(events, events...)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for n, event := range events {
		w.Send(event, map[string]any{"triggerUuid": fmt.Sprint("another ", n)})
	}
	w.Flush()
	w.Holds(w.Record("Lead", lead), map[string]any{"Company": "Company 3", "LastName": "Lovelace3", "Email": "ada3@example.org"})
	w.Holds(w.Record("Opportunity", lead), map[string]any{"Amount": 3.0, "Name": "Company 3 - Ada Lovelace3"})
	w.Holds(w.Record("Contact", lead), map[string]any{"LastName": "Lovelace3", "Email": "ada3@example.org"})
	w.Healthy()
}

// TestOneActionManyEvents: changing several selected items at once causes events with the same triggerUuid. None of
// them counts as a repeat of another.
func TestOneActionManyEvents(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	var leads []int64
	for n := range 3 {
		leads = append(leads, w.Lead(fmt.Sprint("Ada Lovelace", n), "Analytical Engines"))
	}
	w.Quiet()
	w.Monday.SetColumns(leads, map[string]any{"company": "Difference Engines", "amount": "7", "email": e2e.Email("ada@example.org")})
	w.Quiet()
	for n, lead := range leads {
		want := map[string]any{"Company": "Difference Engines", "LastName": fmt.Sprint("Lovelace", n), "Email": "ada@example.org"}
		w.Holds(w.Record("Lead", lead), want)
		w.Holds(w.Record("Opportunity", lead), map[string]any{"Amount": 7.0})
	}
	w.Healthy()
}

// TestOlderEvent: an older event that arrives after a newer one was applied changes nothing, not even briefly.
func TestOlderEvent(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand, e2e.Ticking)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Flush()
	w.Monday.SetColumn(lead, "company", "Old Engines")
	w.Monday.Rename(lead, "Ada Old")
	w.Monday.SetColumn(lead, "company", "New Engines")
	w.Monday.Rename(lead, "Ada New")
	events := w.Mail.Take()
	w.Send(events[2])
	w.Send(events[3])
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"Company": "New Engines", "LastName": "New"})
	before := w.Calls()
	w.Send(events[0])
	w.Send(events[1])
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"Company": "New Engines", "LastName": "New"})
	if after := w.Calls(); after != before {
		t.Errorf("%v calls for events without effect", after)
	}
	if _, reason := w.Ending("update_name", lead); reason != "a newer value is known" {
		t.Errorf("the old rename's reason is %q", reason)
	}
}

// TestDeliveredAgain: Monday repeats deliveries that it believes failed.
func TestDeliveredAgain(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.ByHand)
	w.Start("ingest")
	w.Subscribe()
	w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	event := w.Mail.Take()[0]
	w.Send(event)
	w.Send(event)
	w.Send(event, e2e.Redelivered()) // the same trigger, another body
	w.Start("ingest")                // any number of them
	w.Send(event)
	w.Expect(1, "SELECT count(*) FROM river_job")

	nameless := `{"event":{"type":"create_pulse","boardId":1001,"pulseId":77,"pulseName":"x","triggerTime":"2026-09-23T12:03:55.044Z"}}`
	for _, body := range []string{nameless, nameless, strings.Replace(nameless, "77", "78", 1)} {
		w.Deliver(body)
	}
	w.Expect(3, "SELECT count(*) FROM river_job")
}

// TestRedeliveredEvents: the time of a repeated delivery is not that of the event, so the item is read.
func TestRedeliveredEvents(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand, e2e.Ticking)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	gone := w.Lead("Charles Babbage", "Difference Engines")
	w.Flush()

	w.Monday.Rename(lead, "Ada Old")
	w.Monday.Rename(lead, "Ada New")
	events := w.Mail.Take()
	w.Send(events[1])
	w.Quiet()
	w.Send(events[0], e2e.Redelivered())
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"LastName": "New"})

	w.Monday.SetColumn(lead, "company", "Old Engines")
	w.Monday.SetColumn(lead, "company", "New Engines")
	events = w.Mail.Take()
	timeless := map[string]any{"changedAt": nil}
	w.Send(events[1])
	w.Quiet()
	w.Send(events[0], e2e.Redelivered(), timeless)
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"Company": "New Engines"})

	w.Monday.DeleteItem(lead)
	w.Monday.RestoreItem(lead)
	w.Monday.DeleteItem(gone)
	events = w.Mail.Take()
	w.Send(events[1])
	w.Quiet()
	w.Send(events[0], e2e.Redelivered())
	w.Send(events[2], e2e.Redelivered())
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"LastName": "New"})
	if n := len(w.Records("Lead", e2e.Key, gone)); n != 0 {
		t.Errorf("%d leads of an item whose delete arrived late, want none", n)
	}
	w.Healthy()
}

// TestEchoes: the program's own writes to Monday cause events, which have no effect.
func TestEchoes(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Send(w.Mail.Take()[0])
	w.Quiet()
	before := w.Calls()
	echoes := w.Mail.Take()
	if len(echoes) != 2 {
		t.Fatalf("%d events by our own writes, want those of two id columns", len(echoes))
	}
	for n, echo := range echoes {
		w.Send(echo)
		w.Send(echo, map[string]any{"triggerUuid": fmt.Sprint("once more ", n)})
	}
	w.Quiet()
	if after := w.Calls(); after != before {
		t.Errorf("%v calls after the echoes, %v before", after, before)
	}
	if more := w.Mail.Take(); len(more) != 0 {
		t.Errorf("%d further events", len(more))
	}
	w.Expect(4, `SELECT count(*) FROM sync_logs WHERE column_id IN ('text_sfid', 'text_oppid') AND status IN ('unchanged', 'skipped') AND item_id = $1`, lead)
	w.Healthy()
}

// TestOnlyDifferences: a change in Salesforce stays until the same value changes in Monday.
func TestOnlyDifferences(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	lead := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"amount": "100"})
	w.Quiet()
	opportunity := w.Record("Opportunity", lead)["Id"].(string)
	w.Salesforce.Update("Opportunity", opportunity, map[string]any{"Amount": 250, "NextStep": "Call"})
	w.Monday.SetColumn(lead, "status", e2e.Label("Quote"))
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"StageName": "Proposal/Price Quote", "Amount": 250.0, "NextStep": "Call"})
	w.Monday.SetColumn(lead, "amount", "300")
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"Amount": 300.0, "NextStep": "Call"})
	w.Healthy()
}

// TestOneItemAtATime: the writes of many events for one record by several workers never overlap (setup checks that),
// and the last one wins.
func TestOneItemAtATime(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("BATCH_SIZE", "2"), e2e.Salesforce(func(c *sfsim.Config) { c.Latency = 10 * time.Millisecond }))
	w.Start("ingest")
	w.Subscribe()
	for range 3 {
		w.Start("worker")
	}
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	for n := range 30 {
		w.Monday.SetColumn(lead, "amount", fmt.Sprint(n))
		w.Monday.SetColumn(lead, "company", fmt.Sprint("Company ", n))
	}
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"Amount": 29.0, "Name": "Company 29 - Ada Lovelace"})
	w.Healthy()
}

// TestWorkersShareItems: two workers drain a queue with many events of each item. Each takes the items of its share, so
// that they seldom wait for each other, and the last values win.
func TestWorkersShareItems(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("BATCH_SIZE", "10"), e2e.With("MAX_WORKERS", "50"),
		e2e.Salesforce(func(c *sfsim.Config) { c.Latency = 10 * time.Millisecond }))
	w.Start("ingest")
	w.Subscribe()
	const rounds = 12
	var items []int64
	w.Paused(func() {
		items = w.Items(e2e.Accounts, 40, "Company ")
		for round := range rounds {
			for n, item := range items {
				w.Monday.Rename(item, fmt.Sprint("Company ", n, " ", round))
			}
		}
		w.Eventually("all events are queued", func() bool {
			return w.Count("SELECT count(*) FROM river_job WHERE state = 'available'") == len(items)*(rounds+1)
		})
		w.Start("worker")
		w.Start("worker")
		w.Exec("UPDATE river_job SET scheduled_at = now()") // all at once: older events are anyone's
	})
	w.Quiet()
	for n, item := range items {
		w.Holds(w.Record("Account", item), map[string]any{"Name": fmt.Sprint("Company ", n, " ", rounds-1)})
	}
	w.Healthy()
	const elsewhere = `
		SELECT coalesce(sum(jobs - most), 0) FROM (
			SELECT sum(jobs) AS jobs, max(jobs) AS most
			FROM  (SELECT args->>'item_id' AS item, attempted_by[1] AS worker, count(*) AS jobs
			       FROM river_job WHERE state = 'completed' AND args ? 'item_id' GROUP BY 1, 2) AS by_worker
			GROUP BY item) AS by_item`
	// A worker that has finished its share helps the other, with at most half of the other's events.
	if n, all := w.Count(elsewhere), len(items)*(rounds+1); 10*n > 3*all {
		t.Errorf("%d of %d events were taken by the other worker than most of their item, want at most 30 %%", n, all)
	}
	if n := w.Count("SELECT count(DISTINCT attempted_by[1]) FROM river_job"); n != 2 {
		t.Errorf("%d workers took events, want 2", n)
	}
}
