package salesforce_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	sfsim "crmsync/internal/sim/salesforce"
)

func TestOnCall(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault   *sfsim.Fault
		status  int // 0: no answer
		want    string
		written bool
	}{
		"none":         {nil, 201, `"success":true`, true},
		"before":       {&sfsim.Fault{Status: 500}, 500, "UNKNOWN_EXCEPTION", false},
		"after":        {&sfsim.Fault{Status: 503, After: true}, 503, "<!DOCTYPE html>", true},
		"cut before":   {&sfsim.Fault{Cut: true}, 0, "", false},
		"cut after":    {&sfsim.Fault{Cut: true, After: true}, 0, "", true},
		"own body":     {&sfsim.Fault{Status: 429, Body: "{}"}, 429, "{}", false},
		"throttled":    {&sfsim.Fault{Status: 403}, 403, "ConcurrentRequests", false},
		"session":      {&sfsim.Fault{Status: 401}, 401, "INVALID_SESSION_ID", false},
		"delayed":      {&sfsim.Fault{Delay: time.Millisecond}, 201, `"success":true`, true},
		"late answer":  {&sfsim.Fault{Delay: time.Millisecond, After: true}, 201, `"success":true`, true},
		"late refusal": {&sfsim.Fault{Delay: time.Millisecond, Status: 502}, 502, "<!DOCTYPE html>", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := setup(t, sfsim.Config{})
			var calls []sfsim.Call
			o.OnCall(func(c sfsim.Call) *sfsim.Fault {
				calls = append(calls, c)
				o.Records(c.Object) // a hook may use the simulator
				return tt.fault
			})
			r, err := o.try(o.request("POST", "/sobjects/account", `{"Name":"A"}`))
			if (err != nil) != (tt.status == 0) || r.status != tt.status || !strings.Contains(r.text, tt.want) {
				t.Errorf("answered %d %s, %v, want %d with %s", r.status, r.text, err, tt.status, tt.want)
			}
			if written := len(o.Records("Account")) == 1; written != tt.written {
				t.Errorf("written = %v, want %v", written, tt.written)
			}
			if len(calls) != 1 || calls[0].Operation != "create" || calls[0].Object != "Account" || !cmp.Equal(calls[0].Records, []map[string]any{{"Name": "A"}}) {
				t.Errorf("the hook saw %v", calls)
			}
		})
	}
}

// TestFaultRate sends the same calls to two orgs with the same seed.
func TestFaultRate(t *testing.T) {
	t.Parallel()
	const calls = 400
	run := func(seed int64) (outcomes []string) {
		o := setup(t, sfsim.Config{FaultRate: 0.5, Seed: seed})
		for i := range calls {
			before := len(o.Records("Contact"))
			body := rows("Contact", false, map[string]any{"LastName": fmt.Sprint(i)}, map[string]any{"LastName": "x"})
			r, err := o.try(o.request("POST", "/composite/sobjects", body))
			outcome := fmt.Sprint(r.status, " ", r.outcomes())
			if err != nil {
				outcome = "cut"
			}
			outcomes = append(outcomes, fmt.Sprintf("%s, %d written", outcome, len(o.Records("Contact"))-before))
		}
		o.SetFaults(0)
		if r := o.do("GET", "/limits", ""); r.status != 200 {
			t.Errorf("a call without faults answered %d", r.status)
		}
		return outcomes
	}
	first := run(1)
	if diff := cmp.Diff(first, run(1)); diff != "" {
		t.Errorf("same seed (-first +second):\n%s", diff)
	}
	if cmp.Equal(first, run(2)) {
		t.Error("orgs with different seeds fail the same calls")
	}
	counts := map[string]int{}
	for _, o := range first {
		counts[o]++
	}
	// 200 of 400 fail: 100 after taking effect, 100 before in four ways; each within a wide margin.
	want := map[string]int{
		"200 [ok ok], 2 written": 200,
		"cut, 2 written":         50, "503 [], 2 written": 50,
		"cut, 0 written": 25, "503 [], 0 written": 25, "500 [UNKNOWN_EXCEPTION], 0 written": 25,
		"200 [UNABLE_TO_LOCK_ROW ok], 1 written": 12, "200 [UNABLE_TO_LOCK_ROW UNABLE_TO_LOCK_ROW], 0 written": 12,
	}
	for outcome, n := range counts {
		if n < want[outcome]/2 || n > want[outcome]*2 {
			t.Errorf("%d calls ended in %q, want about %d", n, outcome, want[outcome])
		}
	}
	if len(counts) != len(want) {
		t.Errorf("outcomes: %v", counts)
	}
}

func TestDailyLimit(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	o := setup(t, sfsim.Config{DailyLimit: 2, Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	o.query("SELECT Id FROM Lead")
	o.do("POST", "/sobjects/Lead", `{}`)
	r := o.do("GET", "/limits", "")
	if r.status != 403 || !strings.Contains(r.text, "TotalRequests Limit exceeded.") || r.code() != "REQUEST_LIMIT_EXCEEDED" {
		t.Errorf("third call answered %d %s", r.status, r.text)
	}
	if got := r.header.Get("Sforce-Limit-Info"); got != "api-usage=2/2" {
		t.Errorf("Sforce-Limit-Info = %q", got)
	}
	now.Add(24 * 60 * 60)
	if r := o.do("GET", "/limits", ""); r.status != 200 {
		t.Errorf("a call a day later answered %d %s", r.status, r.text)
	}
	if diff := cmp.Diff(map[string]int{"token": 1, "query": 1, "create": 1, "limits": 2}, o.Calls()); diff != "" || o.TotalCalls() != 4 {
		t.Errorf("%d calls (-want +got):\n%s", o.TotalCalls(), diff)
	}
}

// TestInFlight holds one call in the handler while another arrives.
func TestInFlight(t *testing.T) {
	t.Parallel()
	const byID, collection = "/sobjects/Contact/", "/composite/sobjects"
	one := func(id string) [3]string { return [3]string{"PATCH", byID + id, `{"Title":"signal"}`} }
	key := func(key string) [3]string {
		return [3]string{"PATCH", "/sobjects/Contact/Monday_Item_Id__c/" + key, `{"LastName":"L","Title":"signal"}`}
	}
	tests := map[string]struct {
		held, next func(a, b string) [3]string // method, path, body; records a and b have keys A and B
		want       int
	}{
		"same id":      {func(a, _ string) [3]string { return one(a) }, func(a, _ string) [3]string { return one(a[:15]) }, 1},
		"another id":   {func(a, _ string) [3]string { return one(a) }, func(_, b string) [3]string { return one(b) }, 0},
		"id and key":   {func(a, _ string) [3]string { return one(a) }, func(_, _ string) [3]string { return key("a") }, 1},
		"key and id":   {func(_, _ string) [3]string { return key("A") }, func(a, _ string) [3]string { return one(a) }, 1},
		"same new key": {func(_, _ string) [3]string { return key("new") }, func(_, _ string) [3]string { return key("NEW") }, 1},
		"another key":  {func(_, _ string) [3]string { return key("new") }, func(_, _ string) [3]string { return key("other") }, 0},
		"delete":       {func(a, _ string) [3]string { return one(a) }, func(a, _ string) [3]string { return [3]string{"DELETE", byID + a, ""} }, 1},
		"reading":      {func(a, _ string) [3]string { return one(a) }, func(a, _ string) [3]string { return [3]string{"GET", byID + a, ""} }, 0},
		"rows": {func(a, _ string) [3]string { return one(a) }, func(a, b string) [3]string {
			return [3]string{"PATCH", collection, rows("Contact", false, map[string]any{"id": b}, map[string]any{"id": a})}
		}, 1},
		"deleting rows": {func(a, _ string) [3]string { return one(a) }, func(a, b string) [3]string { return [3]string{"DELETE", collection + "?ids=" + b + "," + a, ""} }, 1},
		"composite": {func(a, _ string) [3]string { return one(a) }, func(a, _ string) [3]string {
			return [3]string{"POST", "/composite", `{"compositeRequest":[{"method":"PATCH","url":"` + base + byID + a + `","referenceId":"r","body":{}}]}`}
		}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := setup(t, sfsim.Config{})
			a := o.Insert("Contact", map[string]any{"LastName": "A", sfsim.KeyField: "A"})
			b := o.Insert("Contact", map[string]any{"LastName": "B", sfsim.KeyField: "B"})
			hold := make(chan *sfsim.Fault, 1)
			hold <- &sfsim.Fault{After: true, Delay: time.Hour}
			o.OnCall(func(sfsim.Call) *sfsim.Fault {
				select {
				case f := <-hold:
					return f
				default:
					return nil
				}
			})
			holding := make(chan struct{})
			applied := sync.OnceFunc(func() { close(holding) })
			o.Reject("Contact", "Title", func(any) string { applied(); return "" }) // runs while the call takes effect
			ctx, hangUp := context.WithCancel(t.Context())
			left := make(chan struct{})
			h := tt.held(a, b)
			go func() {
				defer close(left)
				o.ServeHTTP(httptest.NewRecorder(), o.request(h[0], h[1], h[2]).WithContext(ctx))
			}()
			<-holding
			n := tt.next(a, b)
			o.do(n[0], n[1], n[2])
			if got := o.InFlightViolations(); got != tt.want {
				t.Errorf("%d violations while the first call is in flight, want %d", got, tt.want)
			}
			hangUp()
			<-left
			o.do(http.MethodPatch, h[1], h[2])
			if got := o.InFlightViolations(); got != tt.want {
				t.Errorf("%d violations after the first client hung up, want %d", got, tt.want)
			}
		})
	}
}
