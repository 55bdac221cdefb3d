package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// pair is a world with one ingest and two workers.
func pair(t *testing.T, options ...option) *world {
	t.Helper()
	w := setup(t, options...)
	w.start("ingest")
	w.subscribe()
	w.start("worker")
	w.start("worker")
	return w
}

// unscathed holds that waiting cost no event a try.
func (w *world) unscathed() {
	w.t.Helper()
	w.healthy()
	w.expect(0, "SELECT count(*) FROM sync_logs WHERE attempt > 1")
	w.expect(0, "SELECT count(*) FROM river_job WHERE attempt > 1 AND state <> 'running'")
}

// outage holds that over all workers together there was one alert, and one that it is over.
func (w *world) outage(system string) {
	w.t.Helper()
	w.told(system + " is back")
	var away, back int
	for _, message := range w.telegram.texts() {
		away += strings.Count(message, system+" is away")
		back += strings.Count(message, system+" is back")
	}
	if away != 1 || back != 1 {
		w.t.Errorf("%d alerts and %d all-clears: %q", away, back, w.telegram.texts())
	}
}

// TestSalesforceAway: half a minute without Salesforce costs no event a try.
func TestSalesforceAway(t *testing.T) {
	t.Parallel()
	w := pair(t)
	before := w.lead("Before", "Engines")
	w.quiet()
	w.salesforce.SetDown(true)
	back := time.Now().Add(30 * time.Second)
	var items []int64
	for n := range 20 {
		items = append(items, w.lead(fmt.Sprint("Lead ", n), fmt.Sprint("Company ", n%3)))
		w.monday.SetColumn(before, "amount", fmt.Sprint(n))
	}
	w.told("Salesforce is away", "503")
	w.eventually("half a minute is over", func() bool { return time.Now().After(back) })
	w.eventually("all events wait for it", func() bool {
		return w.count("SELECT count(*) FROM river_job WHERE finalized_at IS NULL AND state <> 'running' AND NOT metadata @> '{\"output\": {\"away\": true}}'") == 0
	})
	w.unscathed()
	w.salesforce.SetDown(false)
	w.quiet()
	w.outage("Salesforce")
	w.unscathed()
	w.holds(w.record("Opportunity", before), map[string]any{"Amount": 19.0})
	for _, item := range items {
		w.record("Lead", item)
		w.record("Opportunity", item)
	}
}

func TestMondayAway(t *testing.T) {
	t.Parallel()
	w := pair(t)
	w.monday.SetDown(true)
	var items []int64
	for n := range 12 {
		items = append(items, w.lead(fmt.Sprint("Lead ", n), fmt.Sprint("Company ", n%3)))
	}
	w.told("Monday is away", "UNREACHABLE")
	w.unscathed()
	w.monday.SetDown(false)
	w.quiet()
	w.outage("Monday")
	w.unscathed()
	for _, item := range items {
		if id := w.record("Lead", item)["Id"]; w.shown(item, "text_sfid") != id {
			t.Errorf("item %d shows %q, want %v", item, w.shown(item, "text_sfid"), id)
		}
	}
}

// TestShortOutage: a call or two that fail are no outage to alert of.
func TestShortOutage(t *testing.T) {
	t.Parallel()
	w := serving(t)
	var calls atomic.Int64
	w.failing(sfsim.Fault{Status: 503}, func(c sfsim.Call) bool { return c.Operation == "upsert" && calls.Add(1) == 1 })
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.quiet()
	w.record("Lead", lead)
	w.unscathed()
	if messages := w.telegram.texts(); len(messages) != 0 {
		t.Errorf("alerts: %q", messages)
	}
}

// TestRevokedSession: a session that ends in the middle of a batch is renewed, and nobody is told.
func TestRevokedSession(t *testing.T) {
	t.Parallel()
	w := serving(t)
	var revoked atomic.Int64
	w.salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Operation == "upsert" && c.Object == "Contact" && revoked.Add(1) <= 2 {
			w.salesforce.Revoke()
		}
		return nil
	})
	for n := range 5 {
		w.lead(fmt.Sprint("Lead ", n), "Engines")
	}
	w.quiet()
	if n := len(w.salesforce.Records("Opportunity")); n != 5 || revoked.Load() == 0 {
		t.Errorf("%d opportunities after %d revocations, want 5", n, revoked.Load())
	}
	w.unscathed()
	if messages := w.telegram.texts(); len(messages) != 0 {
		t.Errorf("alerts: %q", messages)
	}
	if n := w.salesforce.Calls()["token"]; n > 4 {
		t.Errorf("%d logins, want one for each session", n)
	}
}

// TestShutOut: a login that is refused, and quotas that are used up, make events wait, and somebody hears of it.
func TestShutOut(t *testing.T) {
	t.Parallel()
	over := `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`
	tests := map[string]struct {
		option option
		fault  sfsim.Fault
		on     string
		told   []string
	}{
		"login": {
			fault: sfsim.Fault{Status: 400, Body: `{"error":"invalid_client","error_description":"invalid client credentials"}`}, on: "token",
			told: []string{"Salesforce is away", "invalid_client"},
		},
		"quota": {
			fault: sfsim.Fault{Status: 403, Body: over}, on: "upsert",
			told: []string{"Salesforce is away", "REQUEST_LIMIT_EXCEEDED"},
		},
		"limit of the day": {
			option: salesforce(func(c *sfsim.Config) { c.DailyLimit = 1 }),
			told:   []string{"Salesforce is away", "REQUEST_LIMIT_EXCEEDED"},
		},
		"Monday's limit of the day": {
			option: monday(func(c *mondaysim.Config) { c.DailyLimit = 1 }),
			told:   []string{"Monday is away", "DAILY_LIMIT_EXCEEDED"},
		},
		"Monday's login": {
			option: func(w *world, _ *mondaysim.Config, _ *sfsim.Config) { w.env["MONDAY_API_TOKEN"] = "another-token" },
			told:   []string{"Monday is away"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.option == nil {
				tt.option = with("", "")
			}
			w := pair(t, tt.option)
			if tt.on != "" {
				w.failing(tt.fault, func(c sfsim.Call) bool { return c.Operation == tt.on })
			}
			for n := range 6 {
				w.lead(fmt.Sprint("Lead ", n), "Engines")
			}
			w.told(tt.told...)
			w.eventually("all events wait", func() bool {
				return w.monday.Pending() == 0 && w.count("SELECT count(*) FROM river_job WHERE state IN ('available', 'running') AND scheduled_at <= now()") == 0
			})
			w.unscathed()
			calls := w.calls()
			if sum := calls[0] + calls[1]; sum > 60 {
				t.Errorf("%d calls for events that wait", sum)
			}
			if n := len(w.telegram.texts()); n != 1 {
				t.Errorf("%d alerts, want 1: %q", n, w.telegram.texts())
			}
		})
	}
}

// TestThrottled: too many at once is a matter of seconds, and no outage.
func TestThrottled(t *testing.T) {
	t.Parallel()
	w := serving(t)
	var salesforce, monday atomic.Int64
	w.failing(sfsim.Fault{Status: 403}, func(c sfsim.Call) bool { return c.Operation == "upsert" && salesforce.Add(1) == 1 })
	w.monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if monday.Add(1) > 1 {
			return nil
		}
		return &mondaysim.Fault{Status: 429, Body: `{"errors":[{"message":"Complexity budget exhausted","extensions":{"code":"COMPLEXITY_BUDGET_EXHAUSTED","retry_in_seconds":1}}]}`}
	})
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.quiet()
	w.record("Lead", lead)
	w.unscathed()
	if messages := w.telegram.texts(); len(messages) != 0 {
		t.Errorf("alerts: %q", messages)
	}
}

// TestLostAnswers: a call that was carried out, but whose answer was lost, is repeated without a second record.
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
			w.failing(fault, func(c sfsim.Call) bool {
				return c.Operation == operation && (object == "" || c.Object == object) && calls.Add(1) == 1
			})
			first, second := w.lead("Ada Lovelace", "Engines"), w.lead("Charles Babbage", "Engines")
			w.quiet()
			w.monday.SetColumn(first, "amount", "7")
			w.quiet()
			w.holds(w.record("Opportunity", first), map[string]any{"Amount": 7.0})
			for _, item := range []int64{first, second} {
				w.record("Lead", item)
				w.record("Contact", item)
				w.record("Opportunity", item)
			}
			if n := len(w.salesforce.Records("Account")); n != 1 {
				t.Errorf("%d accounts, want 1", n)
			}
			w.monday.DeleteItem(first)
			w.quiet()
			if n := len(w.salesforce.Records("Lead")); n != 1 {
				t.Errorf("%d leads, want that of the other item", n)
			}
			if calls.Load() == 0 {
				t.Error("no answer was lost")
			}
			w.unscathed()
		})
	}
}

// TestLostAnswersOfMonday: the same for what is written to Monday, which causes no further event.
func TestLostAnswersOfMonday(t *testing.T) {
	t.Parallel()
	w := serving(t)
	var calls atomic.Int64
	w.monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(c.Operation, "change") && calls.Add(1) == 1 {
			return &mondaysim.Fault{After: true, Cut: true}
		}
		return nil
	})
	lead := w.lead("Ada Lovelace", "Engines")
	w.quiet()
	if w.shown(lead, "text_sfid") != w.record("Lead", lead)["Id"] || calls.Load() == 0 {
		t.Errorf("the item shows %q after %d writes", w.shown(lead, "text_sfid"), calls.Load())
	}
	w.expect(1, "SELECT count(*) FROM sync_logs WHERE column_id = 'text_sfid'")
	w.unscathed()
}

// TestSlowSalesforce: a try that takes too long is given up and made again, within JOB_TIMEOUT.
func TestSlowSalesforce(t *testing.T) {
	t.Parallel()
	w := serving(t, with("JOB_TIMEOUT", "4s"), with("RESCUE_AFTER", "8s"))
	var calls atomic.Int64
	w.salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Operation == "upsert" && calls.Add(1) == 1 {
			return &sfsim.Fault{After: true, Delay: patience}
		}
		return nil
	})
	items := []int64{w.lead("Ada Lovelace", "Engines"), w.lead("Charles Babbage", "Engines")}
	w.quiet()
	for _, item := range slices.Sorted(slices.Values(items)) {
		w.record("Lead", item)
		w.record("Opportunity", item)
	}
	w.expect(0, "SELECT count(*) FROM dead_letters")
}

// TestGivenUpCall: a write that we no longer wait for ends before the next one of its record begins, so that it does not
// overtake it.
func TestGivenUpCall(t *testing.T) {
	t.Parallel()
	w := serving(t, with("JOB_TIMEOUT", "4s"), with("RESCUE_AFTER", "8s"))
	lead := w.lead("Ada Lovelace", "Engines")
	w.quiet()
	var calls atomic.Int64
	w.salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Operation == "update" && c.Object == "Opportunity" && calls.Add(1) == 1 {
			return &sfsim.Fault{Delay: 8 * time.Second} // and then it is carried out, though nobody listens
		}
		return nil
	})
	w.monday.SetColumn(lead, "amount", "1")
	w.eventually("the first write is under way", func() bool { return calls.Load() == 1 })
	w.monday.SetColumn(lead, "amount", "2")
	w.quiet()
	if got := w.record("Opportunity", lead)["Amount"]; got != 2.0 {
		t.Errorf("amount %v, want the newest", got)
	}
}
