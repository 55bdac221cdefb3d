package mondayclient

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Budget is what Monday allows the account until its minute is over, as its last answer told. What Monday did not tell is
// unknown: its limit is 0.
//
// https://developer.monday.com/api-reference/docs/rate-limits
type Budget struct {
	Complexity, ComplexityLimit int
	Calls, CallsLimit           int
	Concurrent                  int       // limit of calls at the same time
	Resets                      time.Time // when the minute is over
}

// KnowsComplexity reports whether Monday has told how much complexity is left.
func (b Budget) KnowsComplexity() bool { return b.ComplexityLimit > 0 }

// KnowsCalls reports whether Monday has told how many calls are left.
func (b Budget) KnowsCalls() bool { return b.CallsLimit > 0 }

// Budget returns what was left as of the last answer; after the end of its minute, all of it.
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

// take reads the headers that every answer should have: RateLimit-Policy has the limits (q), RateLimit what remains (r) and
// for how many seconds (t). A limit without what remains of it says nothing.
func (h *heard) take(header http.Header, now time.Time) {
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

// limitsOf reads a list such as `"minuteRate";r=0;t=38, "concurrency";r=249`. What it does not understand is left out.
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
