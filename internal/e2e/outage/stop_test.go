package outage_test

import (
	"context"
	"net"
	"net/url"
	"testing"
	"time"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestStopWhileStarting: stopping a program that waits for Postgres, for example at the start of a machine, is not a
// failure.
func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	w := e2e.Setup(t)
	w.Env["DATABASE_URL"] = "postgres://u@" + silent.Addr().String() + "/db?sslmode=disable"
	for _, command := range []string{"serve", "ingest", "worker"} {
		ctx, stop := context.WithCancel(t.Context())
		code := make(chan int, 1)
		var log e2e.LogBuffer
		go func() { code <- cli.Run(ctx, []string{command}, w.Getenv, &log, &log) }()
		conn, err := silent.Accept() // and never answered
		if err != nil {
			t.Fatal(err)
		}
		stop()
		if got := <-code; got != cli.ExitDone {
			t.Errorf("%s: exit code %d, want 0:\n%s", command, got, &log)
		}
		conn.Close()
	}
}

// TestStopFinishes: when the program is stopped, running work is finished, and nothing new is started.
func TestStopFinishes(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	stop := w.Start("serve")
	w.Subscribe()
	called := make(chan struct{}, 100)
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Object == "Lead" { // not the login at the start
			called <- struct{}{}
		}
		return &sfsim.Fault{Delay: 100 * time.Millisecond}
	})
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	<-called
	if code := stop(); code != cli.ExitDone {
		t.Errorf("exit code %d, want 0", code)
	}
	w.Record("Lead", lead)
	w.Record("Opportunity", lead)
	w.Expect(1, "SELECT count(*) FROM river_job WHERE kind = 'item_create' AND state = 'completed'")
	w.Expect(1, "SELECT count(*) FROM sync_logs WHERE event = 'create_pulse' AND status = 'success'")
	w.Expect(0, "SELECT count(*) FROM river_job WHERE state = 'running'")
	// The item stays leased exactly as long as the abandoned call may still be running.
	w.Expect(0, "SELECT count(*) FROM items WHERE lease_until > now() + interval '15 seconds'")
	for _, address := range []string{w.Ingest, w.Admin} {
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

// TestStopHandsBack: work that does not end in time is left to another worker without using an attempt, although its
// last call took effect.
func TestStopHandsBack(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("SHUTDOWN_GRACE", "200ms"))
	w.Start("ingest")
	w.Subscribe()
	stop := w.Start("worker")
	called := make(chan struct{}, 100)
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Operation != "upsert" {
			return nil
		}
		called <- struct{}{}
		return &sfsim.Fault{After: true, Delay: e2e.Patience}
	})
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	<-called
	began := time.Now()
	if code := stop(); code != cli.ExitDone {
		t.Errorf("exit code %d, want 0", code)
	}
	if took := time.Since(began); took > 20*time.Second { // the default
		t.Errorf("stopped after %s, want soon after the grace", took)
	}
	w.Expect(0, "SELECT count(*) FROM river_job WHERE state IN ('running', 'completed', 'discarded', 'cancelled')")
	// The item stays leased exactly as long as the abandoned call may still be running.
	w.Expect(0, "SELECT count(*) FROM items WHERE lease_until > now() + interval '15 seconds'")
	w.Salesforce.OnCall(nil)
	w.Start("worker")
	w.Quiet()
	w.Record("Lead", lead)
	w.Record("Contact", lead)
	unscathed(w)
}

// TestStopOfOneOfTwo: a rolling restart under load loses nothing and causes no alerts.
func TestStopOfOneOfTwo(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("BATCH_SIZE", "5"), e2e.Salesforce(func(c *sfsim.Config) { c.Latency = 5 * time.Millisecond }),
		e2e.Monday(func(c *mondaysim.Config) { c.Doubled, c.Shuffle = 0.2, 50*time.Millisecond }))
	w.Start("ingest")
	w.Subscribe()
	stop := w.Start("worker")
	var items []int64
	for round := range 4 {
		for range 10 {
			items = append(items, w.Lead("Ada Lovelace", "Analytical Engines"))
		}
		next := w.Start("worker")
		if code := stop(); code != cli.ExitDone {
			t.Errorf("exit code %d in round %d, want 0", code, round)
		}
		stop = next
	}
	w.Quiet()
	for _, item := range items {
		w.Record("Lead", item)
	}
	unscathed(w)
	if messages := w.Telegram.Texts(); len(messages) != 0 {
		t.Errorf("alerts: %q", messages)
	}
}
