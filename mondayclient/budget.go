package mondayclient

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Budget is what Monday allows the account until its minute is over, as its last answer told. A limit of 0 was not told.
//
// https://developer.monday.com/api-reference/docs/rate-limits
type Budget struct {
	Complexity, ComplexityLimit int
	Calls, CallsLimit           int
	Concurrent                  int       // limit of calls at the same time
	Resets                      time.Time // when the minute is over
}

// Budget tells what is left as of the last answer; after the end of its minute, that all of it is.
func (c *Client) Budget() Budget {
	c.heard.mu.Lock()
	defer c.heard.mu.Unlock()
	b := c.heard.budget
	if !b.Resets.IsZero() && !time.Now().Before(b.Resets) {
		b.Complexity, b.Calls = b.ComplexityLimit, b.CallsLimit
	}
	return b
}

// heard is what the answers told of the limits.
type heard struct {
	mu     sync.Mutex
	budget Budget
}

// take reads the headers that every answer has: RateLimit-Policy has the limits (q), RateLimit what remains (r) and for how
// many seconds (t).
func (h *heard) take(header http.Header, now time.Time) {
	policy, left := limitsOf(header.Get("RateLimit-Policy")), limitsOf(header.Get("RateLimit"))
	if len(left) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.budget = Budget{
		Complexity: left["complexityMinute"]["r"], ComplexityLimit: policy["complexityMinute"]["q"],
		Calls: left["minuteRate"]["r"], CallsLimit: policy["minuteRate"]["q"],
		Concurrent: policy["concurrency"]["q"],
		Resets:     now.Add(time.Duration(max(left["complexityMinute"]["t"], left["minuteRate"]["t"])) * time.Second),
	}
}

// limitsOf reads a list such as `"minuteRate";r=0;t=38, "concurrency";r=249`. What it does not understand is left out.
func limitsOf(text string) map[string]map[string]int {
	limits := map[string]map[string]int{}
	for entry := range strings.SplitSeq(text, ",") {
		name, rest, _ := strings.Cut(strings.TrimSpace(entry), ";")
		values := map[string]int{}
		for parameter := range strings.SplitSeq(rest, ";") {
			key, value, _ := strings.Cut(parameter, "=")
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && n >= 0 {
				values[strings.TrimSpace(key)] = min(n, 1<<31-1)
			}
		}
		if name = strings.Trim(name, `"`); name != "" && len(values) > 0 {
			limits[name] = values
		}
	}
	return limits
}
