package outage_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// pair returns a world with one ingest and two workers.
func pair(t *testing.T, options ...e2e.Option) *e2e.World {
	t.Helper()
	w := e2e.Setup(t, options...)
	w.Start("ingest")
	w.Subscribe()
	w.Start("worker")
	w.Start("worker")
	return w
}

// unscathed checks that waiting cost no event an attempt.
func unscathed(w *e2e.World) {
	w.T.Helper()
	w.Healthy()
	w.Expect(0, "SELECT count(*) FROM sync_logs WHERE attempt > 1")
	w.Expect(0, "SELECT count(*) FROM river_job WHERE attempt > 1 AND state <> 'running'")
}

// outage checks that all workers together sent one alert for the outage's start, and one for its end.
func outage(w *e2e.World, system string) {
	w.T.Helper()
	w.Message(system + " is back")
	var away, back int
	for _, message := range w.Telegram.Texts() {
		away += strings.Count(message, system+" is away")
		back += strings.Count(message, system+" is back")
	}
	if away != 1 || back != 1 {
		w.T.Errorf("%d alerts and %d all-clears: %q", away, back, w.Telegram.Texts())
	}
}

// TestSalesforceAway: half a minute without Salesforce costs no event an attempt.
func TestSalesforceAway(t *testing.T) {
	t.Parallel()
	w := pair(t)
	before := w.Lead("Before", "Engines")
	w.Quiet()
	w.Salesforce.SetDown(true)
	back := time.Now().Add(30 * time.Second)
	var items []int64
	for n := range 20 {
		items = append(items, w.Lead(fmt.Sprint("Lead ", n), fmt.Sprint("Company ", n%3)))
		w.Monday.SetColumn(before, "amount", fmt.Sprint(n))
	}
	w.Message("Salesforce is away", "503")
	w.Eventually("the metric says so", func() bool { return strings.Contains(w.Scrape(), `crmsync_system_up{system="salesforce"} 0`) })
	if !strings.Contains(w.Scrape(), `crmsync_system_up{system="monday"} 1`) {
		t.Error("Monday counts as away, too")
	}
	w.Eventually("half a minute is over", func() bool { return time.Now().After(back) })
	w.Eventually("all events wait for it", func() bool {
		return w.Count("SELECT count(*) FROM river_job WHERE finalized_at IS NULL AND state <> 'running' AND NOT metadata @> '{\"output\": {\"away\": true}}'") == 0
	})
	unscathed(w)
	w.Salesforce.SetDown(false)
	w.Quiet()
	outage(w, "Salesforce")
	w.Eventually("the metric says that it is over", func() bool { return strings.Contains(w.Scrape(), `crmsync_system_up{system="salesforce"} 1`) })
	unscathed(w)
	w.Holds(w.Record("Opportunity", before), map[string]any{"Amount": 19.0})
	for _, item := range items {
		w.Record("Lead", item)
		w.Record("Opportunity", item)
	}
}

func TestMondayAway(t *testing.T) {
	t.Parallel()
	w := pair(t)
	w.Monday.SetDown(true)
	var items []int64
	for n := range 12 {
		items = append(items, w.Lead(fmt.Sprint("Lead ", n), fmt.Sprint("Company ", n%3)))
	}
	w.Message("Monday is away", "UNREACHABLE")
	unscathed(w)
	w.Monday.SetDown(false)
	w.Quiet()
	outage(w, "Monday")
	unscathed(w)
	for _, item := range items {
		if id := w.Record("Lead", item)["Id"]; w.Shown(item, "text_sfid") != id {
			t.Errorf("item %d shows %q, want %v", item, w.Shown(item, "text_sfid"), id)
		}
	}
}

// TestHanging: systems that accept calls and answer none are away. However long that lasts, it costs no event an attempt.
func TestHanging(t *testing.T) {
	t.Parallel()
	w := pair(t)
	before := w.Lead("Before", "Engines")
	w.Quiet()
	w.NextSecond() // so that the next event says enough, without a read
	w.Salesforce.OnCall(func(sfsim.Call) *sfsim.Fault { return &sfsim.Fault{Cut: true, Delay: time.Hour} })
	w.Monday.OnCall(func(mondaysim.Call) *mondaysim.Fault { return &mondaysim.Fault{Cut: true, Delay: time.Hour} })
	back := time.Now().Add(time.Minute)
	w.Monday.SetColumn(before, "amount", "7") // needs only Salesforce
	w.Message("Salesforce is away", "TIMEOUT")
	var items []int64
	for n := range 6 {
		items = append(items, w.Lead(fmt.Sprint("Lead ", n), fmt.Sprint("Company ", n%3)))
	}
	w.Message("Monday is away", "TIMEOUT")
	w.Eventually("a minute is over", func() bool { return time.Now().After(back) })
	unscathed(w)
	w.Salesforce.OnCall(nil)
	w.Monday.OnCall(nil)
	w.Quiet()
	outage(w, "Salesforce")
	outage(w, "Monday")
	unscathed(w)
	w.Holds(w.Record("Opportunity", before), map[string]any{"Amount": 7.0})
	for _, item := range items {
		w.Record("Lead", item)
	}
}

// TestShortOutage: one or two failed calls are not alerted as an outage.
func TestShortOutage(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	var calls atomic.Int64
	w.Failing(sfsim.Fault{Status: 503}, func(c sfsim.Call) bool { return c.Has("upsert", "") && calls.Add(1) == 1 })
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	w.Record("Lead", lead)
	unscathed(w)
	if messages := w.Telegram.Texts(); len(messages) != 0 {
		t.Errorf("alerts: %q", messages)
	}
}

// TestRevokedSession: a session that ends in the middle of a batch is renewed, without an alert.
func TestRevokedSession(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	var revoked atomic.Int64
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Has("upsert", "Contact") && revoked.Add(1) <= 2 {
			w.Salesforce.Revoke()
		}
		return nil
	})
	for n := range 5 {
		w.Lead(fmt.Sprint("Lead ", n), "Engines")
	}
	w.Quiet()
	if n := len(w.Salesforce.Records("Opportunity")); n != 5 || revoked.Load() == 0 {
		t.Errorf("%d opportunities after %d revocations, want 5", n, revoked.Load())
	}
	unscathed(w)
	if messages := w.Telegram.Texts(); len(messages) != 0 {
		t.Errorf("alerts: %q", messages)
	}
	if n := w.Salesforce.Calls()["token"]; n > 4 {
		t.Errorf("%d logins, want one for each session", n)
	}
}

// TestShutOut: a refused login, and used-up quotas, make events wait, and are alerted.
func TestShutOut(t *testing.T) {
	t.Parallel()
	over := `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`
	tests := map[string]struct {
		option e2e.Option
		fault  sfsim.Fault
		on     string
		texts  []string
	}{
		"login": {
			fault: sfsim.Fault{Status: 400, Body: `{"error":"invalid_client","error_description":"invalid client credentials"}`}, on: "token",
			texts: []string{"Salesforce is away", "invalid_client"},
		},
		"quota": {
			fault: sfsim.Fault{Status: 403, Body: over}, on: "upsert",
			texts: []string{"Salesforce is away", "REQUEST_LIMIT_EXCEEDED"},
		},
		"limit of the day": {
			option: e2e.Salesforce(func(c *sfsim.Config) { c.DailyLimit = 1 }),
			texts:  []string{"Salesforce is away", "REQUEST_LIMIT_EXCEEDED"},
		},
		"Monday's limit of the day": {
			option: e2e.Monday(func(c *mondaysim.Config) { c.DailyLimit = 1 }),
			texts:  []string{"Monday is away", "DAILY_LIMIT_EXCEEDED"},
		},
		"Monday's login": {
			option: e2e.With("MONDAY_API_TOKEN", "another-token"),
			texts:  []string{"Monday is away"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.option == nil {
				tt.option = e2e.With("", "")
			}
			w := pair(t, tt.option)
			if tt.on != "" {
				w.Eventually("the workers have logged in", func() bool { return w.Salesforce.Calls()["query"] == 2 })
				w.Failing(tt.fault, func(c sfsim.Call) bool { return c.Operation == tt.on })
				w.Salesforce.Revoke()
			}
			for n := range 6 {
				w.Lead(fmt.Sprint("Lead ", n), "Engines")
			}
			w.Message(tt.texts...)
			w.Eventually("all events wait", func() bool {
				return w.Monday.Pending() == 0 && w.Count("SELECT count(*) FROM river_job WHERE state IN ('available', 'running') AND scheduled_at <= now()") == 0
			})
			unscathed(w)
			calls := w.Calls()
			if sum := calls[0] + calls[1]; sum > 60 {
				t.Errorf("%d calls for waiting events", sum)
			}
			if n := len(w.Telegram.Texts()); n != 1 {
				t.Errorf("%d alerts, want 1: %q", n, w.Telegram.Texts())
			}
		})
	}
}

// TestThrottled: throttling lasts for seconds, and is not an outage.
func TestThrottled(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	var salesforce, monday atomic.Int64
	w.Failing(sfsim.Fault{Status: 403}, func(c sfsim.Call) bool { return c.Has("upsert", "") && salesforce.Add(1) == 1 })
	w.Monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if monday.Add(1) > 1 {
			return nil
		}
		return &mondaysim.Fault{Status: 429, Body: `{"errors":[{"message":"Complexity budget exhausted","extensions":{"code":"COMPLEXITY_BUDGET_EXHAUSTED","retry_in_seconds":1}}]}`}
	})
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	w.Record("Lead", lead)
	unscathed(w)
	if messages := w.Telegram.Texts(); len(messages) != 0 {
		t.Errorf("alerts: %q", messages)
	}
}

// TestLostAnswers: a call that took effect, but whose answer was lost, is repeated without creating a second record.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	cut, unavailable := sfsim.Fault{After: true, Cut: true}, sfsim.Fault{After: true, Status: 503}
	tests := map[string]sfsim.Fault{
		"upsert Lead": cut, "upsert Opportunity": unavailable, "create Account": cut, "update Opportunity": unavailable, "delete ": cut,
	}
	for lost, fault := range tests {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			w := pair(t)
			operation, object, _ := strings.Cut(lost, " ")
			var calls atomic.Int64
			w.Failing(fault, func(c sfsim.Call) bool {
				return c.Has(operation, object) && calls.Add(1) == 1
			})
			first, second := w.Lead("Ada Lovelace", "Engines"), w.Lead("Charles Babbage", "Engines")
			w.Quiet()
			w.Monday.SetColumn(first, "amount", "7")
			w.Quiet()
			w.Holds(w.Record("Opportunity", first), map[string]any{"Amount": 7.0})
			for _, item := range []int64{first, second} {
				w.Record("Lead", item)
				w.Record("Contact", item)
				w.Record("Opportunity", item)
			}
			if n := len(w.Salesforce.Records("Account")); n != 1 {
				t.Errorf("%d accounts, want 1", n)
			}
			w.Monday.DeleteItem(first)
			w.Quiet()
			if n := len(w.Salesforce.Records("Lead")); n != 1 {
				t.Errorf("%d leads, want the other item's", n)
			}
			if calls.Load() == 0 {
				t.Error("no answer was lost")
			}
			unscathed(w)
		})
	}
}

// TestLostAnswersOfMonday: the same for writes to Monday, which cause no further event.
func TestLostAnswersOfMonday(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	var calls atomic.Int64
	w.Monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(c.Operation, "change") && calls.Add(1) == 1 {
			return &mondaysim.Fault{After: true, Cut: true}
		}
		return nil
	})
	lead := w.Lead("Ada Lovelace", "Engines")
	w.Quiet()
	if w.Shown(lead, "text_sfid") != w.Record("Lead", lead)["Id"] || calls.Load() == 0 {
		t.Errorf("the item shows %q after %d writes", w.Shown(lead, "text_sfid"), calls.Load())
	}
	w.Expect(1, "SELECT count(*) FROM sync_logs WHERE column_id = 'text_sfid'")
	unscathed(w)
}

// TestSlowSalesforce: an attempt that takes too long is ended and repeated, within JOB_TIMEOUT.
func TestSlowSalesforce(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.With("JOB_TIMEOUT", "4s"), e2e.With("RESCUE_AFTER", "8s"))
	var calls atomic.Int64
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Has("upsert", "") && calls.Add(1) == 1 {
			return &sfsim.Fault{After: true, Delay: e2e.Patience}
		}
		return nil
	})
	items := []int64{w.Lead("Ada Lovelace", "Engines"), w.Lead("Charles Babbage", "Engines")}
	w.Quiet()
	for _, item := range slices.Sorted(slices.Values(items)) {
		w.Record("Lead", item)
		w.Record("Opportunity", item)
	}
	w.Expect(0, "SELECT count(*) FROM dead_letters")
}

// TestAbandonedCall: a write that we no longer wait for ends before the next write to its record starts, and so cannot
// overtake it.
func TestAbandonedCall(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.With("JOB_TIMEOUT", "4s"), e2e.With("RESCUE_AFTER", "8s"))
	lead := w.Lead("Ada Lovelace", "Engines")
	w.Quiet()
	var calls atomic.Int64
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Has("update", "Opportunity") && calls.Add(1) == 1 {
			return &sfsim.Fault{Delay: 8 * time.Second} // it takes effect although its caller has left
		}
		return nil
	})
	w.Monday.SetColumn(lead, "amount", "1")
	w.Eventually("the first write is under way", func() bool { return calls.Load() == 1 })
	w.Monday.SetColumn(lead, "amount", "2")
	w.Quiet()
	if got := w.Record("Opportunity", lead)["Amount"]; got != 2.0 {
		t.Errorf("amount %v, want the newest", got)
	}
}
