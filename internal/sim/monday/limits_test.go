package monday

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	readMe   = `{ me { id } }`
	writeOne = `mutation { create_item(board_id: 1001, item_name: "ACME") { id } }`
)

func TestTransport(t *testing.T) {
	t.Parallel()
	c := start(t, Config{})
	tests := map[string]struct {
		query  string
		header []string
		status int
		want   string // part of the body
	}{
		"token":               {readMe, nil, 200, `"67214742"`},
		"bearer token":        {readMe, []string{"Authorization", "Bearer " + testToken}, 200, `"67214742"`},
		"other token":         {readMe, []string{"Authorization", "x"}, 401, `{"errors":["Not Authenticated"]}`},
		"no JSON":             {readMe, []string{"Content-Type", "text/plain"}, 400, `JsonParseException`},
		"no query":            {"", nil, 200, `No query string was present`},
		"version":             {`{ version { value } }`, []string{"API-Version", "2026-10"}, 200, `"2026-10"`},
		"unsupported version": {readMe, []string{"API-Version", "2026-03"}, 200, `InvalidVersionException`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.call(tt.query, nil, tt.header...)
			if r.status != tt.status || !strings.Contains(r.text, tt.want) {
				t.Errorf("answer %d %s, want %d with %s", r.status, r.text, tt.status, tt.want)
			}
			if !strings.HasPrefix(r.header.Get("RateLimit-Policy"), `"minuteRate";q=5000;w=60, `) || !strings.HasPrefix(r.header.Get("RateLimit"), `"minuteRate";r=`) {
				t.Errorf("headers %v", r.header)
			}
		})
	}
}

func TestComplexity(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := start(t, Config{Now: now.Now, ComplexityPerMinute: 2500})
	r := c.call(`mutation { create_item(board_id: 1001, item_name: "ACME") { id } complexity { before query after reset_in_x_seconds } }`, nil)
	got := r.body["data"].(map[string]any)["complexity"]
	if diff := cmp.Diff(decoded(t, `{"before":2500,"query":1007,"after":1493,"reset_in_x_seconds":60}`), got); diff != "" {
		t.Errorf("complexity (-want +got):\n%s", diff)
	}
	now.add(20 * time.Second)
	c.call(writeOne, nil)
	r = c.call(writeOne, nil)
	errs := r.body["errors"].([]any)
	want := decoded(t, `[{"message":"Complexity budget exhausted","extensions":{"code":"COMPLEXITY_BUDGET_EXHAUSTED","retry_in_seconds":40}}]`)
	if diff := cmp.Diff(want, any(errs)); diff != "" || r.status != 429 || r.header.Get("Retry-After") != "40" {
		t.Errorf("exhausted: %d, Retry-After %q (-want +got):\n%s", r.status, r.header.Get("Retry-After"), diff)
	}
	now.add(40 * time.Second)
	if r := c.call(writeOne, nil); r.body["errors"] != nil {
		t.Errorf("in the next minute: %s", r.text)
	}
	if got := len(c.Items(1001)); got != 3 {
		t.Errorf("%d items, want 3", got)
	}
}

func TestDailyLimit(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := start(t, Config{Now: now.Now, DailyLimit: 2})
	c.call(readMe, nil)
	c.call(readMe, nil)
	r := c.call(readMe, nil)
	if r.status != 429 || r.code() != "DAILY_LIMIT_EXCEEDED" {
		t.Errorf("third call: %d %s", r.status, r.text)
	}
	now.add(12 * time.Hour)
	if r := c.call(readMe, nil); r.status != 200 {
		t.Errorf("next day: %d %s", r.status, r.text)
	}
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := start(t, Config{Now: now.Now})
	first := c.call(writeOne, nil, "Idempotency-Key", "k")
	again := c.call(writeOne, nil, "Idempotency-Key", "k")
	if first.text != again.text || first.header.Get("Idempotency-Replayed") != "" || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("first %s, again %s %v", first.text, again.text, again.header)
	}
	c.call(writeOne, nil, "Idempotency-Key", "other")
	now.add(31 * time.Minute)
	if late := c.call(writeOne, nil, "Idempotency-Key", "k"); late.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("after 31 minutes: %s", late.text)
	}
	if got := len(c.Items(1001)); got != 3 {
		t.Errorf("%d items, want 3", got)
	}
}

// TestIdempotencyAfterThrottling: a key can be used again after a throttled call.
func TestIdempotencyAfterThrottling(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := start(t, Config{Now: now.Now, ComplexityPerMinute: 1500})
	c.call(writeOne, nil)
	if r := c.call(writeOne, nil, "Idempotency-Key", "k"); r.status != 429 {
		t.Fatalf("answer %d %s, want 429", r.status, r.text)
	}
	now.add(time.Minute)
	if r := c.call(writeOne, nil, "Idempotency-Key", "k"); r.status != 200 || len(c.Items(1001)) != 2 {
		t.Errorf("answer %d %s with %d items, want 200 and 2", r.status, r.text, len(c.Items(1001)))
	}
}

// TestFaultsBeforeAndAfter: some of the failed calls take effect, others do not.
func TestFaultsBeforeAndAfter(t *testing.T) {
	t.Parallel()
	c := start(t, Config{FaultRate: 1, Seed: 3})
	for range 100 {
		if r, err := c.try(writeOne, nil); err == nil && r.status == 200 {
			t.Fatalf("answer %s, want a fault", r.text)
		}
	}
	if n := len(c.Items(1001)); n < 20 || n > 60 {
		t.Errorf("%d of 100 calls took effect, want about 37", n)
	}
}

// TestIdempotencyConflict: while the first call of a key is running, a second one is refused.
func TestIdempotencyConflict(t *testing.T) {
	t.Parallel()
	inside, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	c := start(t, Config{Deliver: func(Delivery) {
		once.Do(func() { close(inside) })
		<-leave
	}})
	c.AddWebhook(1001, "create_item", "http://example.org")
	done := make(chan reply)
	go func() {
		r, _ := c.try(writeOne, nil, "Idempotency-Key", "k")
		done <- r
	}()
	<-inside
	r := c.call(writeOne, nil, "Idempotency-Key", "k")
	if r.status != http.StatusConflict || r.code() != "IDEMPOTENCY_CONFLICT" || r.header.Get("Retry-After") == "" {
		t.Errorf("second call: %d %s", r.status, r.text)
	}
	close(leave)
	if r := <-done; r.status != 200 || r.body["errors"] != nil {
		t.Errorf("first call: %d %s", r.status, r.text)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault  Fault
		status int // 0: no answer
		items  int
	}{
		"before":     {Fault{Status: 502, Body: "<html>"}, 502, 0},
		"after":      {Fault{Status: 500, Body: `{"data":null}`, After: true}, 500, 1},
		"cut before": {Fault{Cut: true}, 0, 0},
		"cut after":  {Fault{Cut: true, After: true}, 0, 1},
		"delay":      {Fault{Delay: time.Millisecond}, 200, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, Config{})
			calls := make(chan Call, 1)
			c.OnCall(func(call Call) *Fault {
				calls <- call
				return &tt.fault
			})
			r, err := c.try(writeOne, nil, "Idempotency-Key", "k")
			if r.status != tt.status || (err != nil) != (tt.status == 0) {
				t.Errorf("answer %d %s, error %v; want %d", r.status, r.text, err, tt.status)
			}
			if got := len(c.Items(1001)); got != tt.items {
				t.Errorf("%d items, want %d", got, tt.items)
			}
			if seen := <-calls; seen.Operation != "create_item" || seen.Query != writeOne {
				t.Errorf("call %+v", seen)
			}
			c.OnCall(nil)
			if r := c.call(writeOne, nil, "Idempotency-Key", "k"); r.status != 200 || len(c.Items(1001)) != 1 {
				t.Errorf("repeated with the key: %d %s, %d items", r.status, r.text, len(c.Items(1001)))
			}
		})
	}
}

func TestFaultRate(t *testing.T) {
	t.Parallel()
	c := start(t, Config{FaultRate: 0.5, Seed: 3})
	outcomes := map[int]int{}
	for range 200 {
		r, _ := c.try(readMe, nil)
		outcomes[r.status]++
	}
	for _, status := range []int{0, 200, 429, 500, 502} {
		if outcomes[status] == 0 {
			t.Errorf("no call ended with %d: %v", status, outcomes)
		}
	}
	c.SetFaults(0)
	if r := c.call(readMe, nil); r.status != 200 {
		t.Errorf("without faults: %d", r.status)
	}
	c.SetDown(true)
	if _, err := c.try(readMe, nil); err == nil {
		t.Error("a call succeeded while the system was down")
	}
	c.SetDown(false)
	c.call(`{ complexity { query } me { id } boards { id } x: me { id } }`, nil)
	want := map[string]int{"boards+me": 1, "me": c.TotalCalls() - 1}
	if diff := cmp.Diff(want, c.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
