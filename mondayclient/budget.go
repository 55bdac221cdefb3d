package mondayclient

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Budget is what Monday allows the account until the end of the current minute, according to its last answer. A limit
// of 0 is unknown.
//
// https://developer.monday.com/api-reference/docs/rate-limits
type Budget struct {
	Complexity, ComplexityLimit int
	Calls, CallsLimit           int
	Concurrent                  int       // limit of concurrent calls
	Resets                      time.Time // end of the minute
}

// KnowsComplexity reports whether it is known how much complexity is left.
func (b Budget) KnowsComplexity() bool { return b.ComplexityLimit > 0 }

// KnowsCalls reports whether it is known how many calls are left.
func (b Budget) KnowsCalls() bool { return b.CallsLimit > 0 }

// Budget returns what was left as of the last answer, or the full limits if that answer's minute is over.
func (c *Client) Budget() Budget {
	c.tracker.mu.Lock()
	defer c.tracker.mu.Unlock()
	b := c.tracker.budget
	if !b.Resets.IsZero() && !time.Now().Before(b.Resets) {
		b.Complexity, b.Calls = b.ComplexityLimit, b.CallsLimit
	}
	return b
}

// budgetTracker holds the budget according to the last answer.
type budgetTracker struct {
	mu     sync.Mutex
	budget Budget
}

// take reads the headers that every answer should have: RateLimit-Policy has the limits (q), RateLimit what remains (r)
// and for how many seconds (t). A limit without a remainder is ignored.
func (h *budgetTracker) take(header http.Header, now time.Time) {
	policy, left := limitsOf(header.Values("RateLimit-Policy")), limitsOf(header.Values("RateLimit"))
	if len(left) == 0 {
		return
	}
	b := Budget{
		Concurrent: policy["concurrency"]["q"],
		Resets:     now.Add(time.Duration(max(left["complexityMinute"]["t"], left["minuteRate"]["t"])) * time.Second),
	}
	if r, ok := left["complexityMinute"]["r"]; ok {
		b.Complexity, b.ComplexityLimit = r, policy["complexityMinute"]["q"]
	}
	if r, ok := left["minuteRate"]["r"]; ok {
		b.Calls, b.CallsLimit = r, policy["minuteRate"]["q"]
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.budget = b
}

// limitsOf reads a list such as `"minuteRate";r=0;t=38, "concurrency";r=249`. It leaves out what it does not
// understand.
func limitsOf(lines []string) map[string]map[string]int {
	limits := map[string]map[string]int{}
	for entry := range strings.SplitSeq(strings.Join(lines, ","), ",") {
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
