package cli

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	sfsim "crmsync/internal/sim/salesforce"
)

// TestAnyOrder: events that come late, twice and in any order leave the newest value of everything.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	w := setup(t, byHand, ticking)
	w.start("ingest")
	for range 2 {
		w.start("worker")
	}
	w.subscribe()
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.flush() // the item is known: what follows is not read but told
	for n := range 4 {
		w.monday.SetColumn(lead, "company", fmt.Sprint("Company ", n))
		w.monday.SetColumn(lead, "amount", fmt.Sprint(n))
		w.monday.SetColumn(lead, "email", email(fmt.Sprintf("ada%d@example.org", n)))
		w.monday.Rename(lead, fmt.Sprint("Ada Lovelace", n))
	}
	events := w.mail.take()
	events = append(events, events...)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for n, event := range events {
		w.send(event, map[string]any{"triggerUuid": fmt.Sprint("another ", n)})
	}
	w.flush()
	w.holds(w.record("Lead", lead), map[string]any{"Company": "Company 3", "LastName": "Lovelace3", "Email": "ada3@example.org"})
	w.holds(w.record("Opportunity", lead), map[string]any{"Amount": 3.0, "Name": "Company 3 - Ada Lovelace3"})
	w.holds(w.record("Contact", lead), map[string]any{"LastName": "Lovelace3", "Email": "ada3@example.org"})
	w.healthy()
}

// TestNoWayBack: an older event that comes after a newer one was applied changes nothing, not for a moment.
func TestNoWayBack(t *testing.T) {
	t.Parallel()
	w := serving(t, byHand, ticking)
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.flush()
	w.monday.SetColumn(lead, "company", "Old Engines")
	w.monday.Rename(lead, "Ada Old")
	w.monday.SetColumn(lead, "company", "New Engines")
	w.monday.Rename(lead, "Ada New")
	events := w.mail.take()
	w.send(events[2])
	w.send(events[3])
	w.quiet()
	w.holds(w.record("Lead", lead), map[string]any{"Company": "New Engines", "LastName": "New"})
	before := w.calls()
	w.send(events[0])
	w.send(events[1])
	w.quiet()
	w.holds(w.record("Lead", lead), map[string]any{"Company": "New Engines", "LastName": "New"})
	if after := w.calls(); after != before {
		t.Errorf("%v calls for events that are of no consequence", after)
	}
	if _, reason := w.ending("update_name", lead); reason != "a newer value is known" {
		t.Errorf("the old rename's reason is %q", reason)
	}
}

// TestDeliveredAgain: Monday delivers once more what it believes was not taken.
func TestDeliveredAgain(t *testing.T) {
	t.Parallel()
	w := setup(t, byHand)
	w.start("ingest")
	w.subscribe()
	w.monday.CreateItem(accounts, "Engines", nil)
	event := w.mail.take()[0]
	w.send(event)
	w.send(event)
	w.send(event, redelivered()) // the same trigger, another body
	w.start("ingest")            // any number of them
	w.send(event)
	w.expect(1, "SELECT count(*) FROM river_job")

	nameless := `{"event":{"type":"create_pulse","boardId":1001,"pulseId":77,"pulseName":"x","triggerTime":"2026-09-23T12:03:55.044Z"}}`
	for _, body := range []string{nameless, nameless, strings.Replace(nameless, "77", "78", 1)} {
		w.deliver(body)
	}
	w.expect(3, "SELECT count(*) FROM river_job")
}

// TestRedeliveredEvents: the time of a delivery that comes again is not that of the event, so the item is read.
func TestRedeliveredEvents(t *testing.T) {
	t.Parallel()
	w := serving(t, byHand, ticking)
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	gone := w.lead("Charles Babbage", "Difference Engines")
	w.flush()

	w.monday.Rename(lead, "Ada Old")
	w.monday.Rename(lead, "Ada New")
	events := w.mail.take()
	w.send(events[1])
	w.quiet()
	w.send(events[0], redelivered())
	w.quiet()
	w.holds(w.record("Lead", lead), map[string]any{"LastName": "New"})

	w.monday.SetColumn(lead, "company", "Old Engines")
	w.monday.SetColumn(lead, "company", "New Engines")
	events = w.mail.take()
	timeless := map[string]any{"changedAt": nil}
	w.send(events[1])
	w.quiet()
	w.send(events[0], redelivered(), timeless)
	w.quiet()
	w.holds(w.record("Lead", lead), map[string]any{"Company": "New Engines"})

	w.monday.DeleteItem(lead)
	w.monday.RestoreItem(lead)
	w.monday.DeleteItem(gone)
	events = w.mail.take()
	w.send(events[1])
	w.quiet()
	w.send(events[0], redelivered())
	w.send(events[2], redelivered())
	w.quiet()
	w.holds(w.record("Lead", lead), map[string]any{"LastName": "New"})
	if n := len(w.records("Lead", key, gone)); n != 0 {
		t.Errorf("%d leads of an item whose delete came late, want none", n)
	}
	w.healthy()
}

// TestEchoes: what the program writes to Monday comes back as events, and that is the end of it.
func TestEchoes(t *testing.T) {
	t.Parallel()
	w := serving(t, byHand)
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.send(w.mail.take()[0])
	w.quiet()
	before := w.calls()
	echoes := w.mail.take()
	if len(echoes) != 2 {
		t.Fatalf("%d events by our own writes, want those of two id columns", len(echoes))
	}
	for n, echo := range echoes {
		w.send(echo)
		w.send(echo, map[string]any{"triggerUuid": fmt.Sprint("once more ", n)})
	}
	w.quiet()
	if after := w.calls(); after != before {
		t.Errorf("%v calls after the echoes, %v before", after, before)
	}
	if more := w.mail.take(); len(more) != 0 {
		t.Errorf("%d further events", len(more))
	}
	w.expect(4, `SELECT count(*) FROM sync_logs WHERE column_id IN ('text_sfid', 'text_oppid') AND status IN ('unchanged', 'skipped') AND item_id = $1`, lead)
	w.healthy()
}

// TestOnlyDifferences: what somebody changes in Salesforce stays, as long as nobody changes the same in Monday.
func TestOnlyDifferences(t *testing.T) {
	t.Parallel()
	w := serving(t)
	lead := w.lead("Ada Lovelace", "Analytical Engines", map[string]any{"amount": "100"})
	w.quiet()
	opportunity := w.record("Opportunity", lead)["Id"].(string)
	w.salesforce.Update("Opportunity", opportunity, map[string]any{"Amount": 250, "NextStep": "Call"})
	w.monday.SetColumn(lead, "status", label("Quote"))
	w.quiet()
	w.holds(w.record("Opportunity", lead), map[string]any{"StageName": "Proposal/Price Quote", "Amount": 250.0, "NextStep": "Call"})
	w.monday.SetColumn(lead, "amount", "300")
	w.quiet()
	w.holds(w.record("Opportunity", lead), map[string]any{"Amount": 300.0, "NextStep": "Call"})
	w.healthy()
}

// TestOneItemAtATime: many events of one record on several workers never overlap (setup looks for that), and the last wins.
func TestOneItemAtATime(t *testing.T) {
	t.Parallel()
	w := setup(t, with("BATCH_SIZE", "2"), salesforce(func(c *sfsim.Config) { c.Latency = 10 * time.Millisecond }))
	w.start("ingest")
	w.subscribe()
	for range 3 {
		w.start("worker")
	}
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	for n := range 30 {
		w.monday.SetColumn(lead, "amount", fmt.Sprint(n))
		w.monday.SetColumn(lead, "company", fmt.Sprint("Company ", n))
	}
	w.quiet()
	w.holds(w.record("Opportunity", lead), map[string]any{"Amount": 29.0, "Name": "Company 29 - Ada Lovelace"})
	w.healthy()
}
