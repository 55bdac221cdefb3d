package cli

import (
	"net"
	"net/url"
	"testing"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestStopFinishes: what runs when the program is told to stop comes to its end, and nothing new begins.
func TestStopFinishes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stop := w.start("serve")
	w.subscribe()
	called := make(chan struct{}, 100)
	w.salesforce.OnCall(func(sfsim.Call) *sfsim.Fault {
		called <- struct{}{}
		return &sfsim.Fault{Delay: 100 * time.Millisecond}
	})
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	<-called
	if code := stop(); code != exitDone {
		t.Errorf("exit code %d, want 0", code)
	}
	w.record("Lead", lead)
	w.record("Opportunity", lead)
	w.expect(1, "SELECT count(*) FROM river_job WHERE kind = 'item_create' AND state = 'completed'")
	w.expect(1, "SELECT count(*) FROM sync_logs WHERE event = 'create_pulse' AND status = 'success'")
	w.expect(0, "SELECT count(*) FROM river_job WHERE state = 'running'")
	// The item is kept from others as long as the call that was given up may still be under way, and no longer.
	w.expect(0, "SELECT count(*) FROM items WHERE lease_until > now() + interval '15 seconds'")
	for _, address := range []string{w.ingest, w.admin} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if conn, err := net.Dial("tcp", u.Host); err == nil {
			conn.Close()
			t.Errorf("%s still listens", address)
		}
	}
}

// TestStopHandsBack: what does not end in time is another worker's, at no cost of a try, though its last call was carried
// out.
func TestStopHandsBack(t *testing.T) {
	t.Parallel()
	w := setup(t, with("SHUTDOWN_GRACE", "200ms"))
	w.start("ingest")
	w.subscribe()
	stop := w.start("worker")
	called := make(chan struct{}, 100)
	w.salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Operation != "upsert" {
			return nil
		}
		called <- struct{}{}
		return &sfsim.Fault{After: true, Delay: patience}
	})
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	<-called
	began := time.Now()
	if code := stop(); code != exitDone {
		t.Errorf("exit code %d, want 0", code)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopped after %s, want soon after the grace", took)
	}
	w.expect(0, "SELECT count(*) FROM river_job WHERE state IN ('running', 'completed', 'discarded', 'cancelled')")
	// The item is kept from others as long as the call that was given up may still be under way, and no longer.
	w.expect(0, "SELECT count(*) FROM items WHERE lease_until > now() + interval '15 seconds'")
	w.salesforce.OnCall(nil)
	w.start("worker")
	w.quiet()
	w.record("Lead", lead)
	w.record("Contact", lead)
	w.unscathed()
}

// TestStopOfOneOfTwo: a rolling restart under load loses nothing and alerts nobody.
func TestStopOfOneOfTwo(t *testing.T) {
	t.Parallel()
	w := setup(t, with("BATCH_SIZE", "5"), salesforce(func(c *sfsim.Config) { c.Latency = 5 * time.Millisecond }),
		monday(func(c *mondaysim.Config) { c.Doubled, c.Shuffle = 0.2, 50*time.Millisecond }))
	w.start("ingest")
	w.subscribe()
	stop := w.start("worker")
	var items []int64
	for round := range 4 {
		for range 10 {
			items = append(items, w.lead("Ada Lovelace", "Analytical Engines"))
		}
		next := w.start("worker")
		if code := stop(); code != exitDone {
			t.Errorf("exit code %d in round %d, want 0", code, round)
		}
		stop = next
	}
	w.quiet()
	for _, item := range items {
		w.record("Lead", item)
	}
	w.unscathed()
	if messages := w.telegram.texts(); len(messages) != 0 {
		t.Errorf("alerts: %q", messages)
	}
}
