package mondayclient

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Budget is what Monday allows the account until the end of the current minute, according to its last answer, and of
// the current day in UTC, according to WhoAmI and the calls made since. A limit of 0 is unknown.
//
// https://developer.monday.com/api-reference/docs/rate-limits
type Budget struct {
	Complexity, ComplexityLimit int
	Calls, CallsLimit           int
	Concurrent                  int       // limit of concurrent calls
	Resets                      time.Time // end of the minute
	DayCalls, DayLimit          int       // remaining calls of the day
}

// KnowsComplexity reports whether it is known how much complexity is left.
func (b Budget) KnowsComplexity() bool { return b.ComplexityLimit > 0 }

// KnowsCalls reports whether it is known how many calls are left.
func (b Budget) KnowsCalls() bool { return b.CallsLimit > 0 }

// KnowsDay reports whether it is known how many calls of the day are left.
func (b Budget) KnowsDay() bool { return b.DayLimit > 0 }

// Budget returns what was left as of the last answer, or the full limits if that answer's minute is over.
func (c *Client) Budget() Budget {
	c.tracker.mu.Lock()
	defer c.tracker.mu.Unlock()
	now, b := time.Now(), c.tracker.budget
	b.DayCalls, b.DayLimit = c.tracker.day.left(now)
	if !b.Resets.IsZero() && !now.Before(b.Resets) {
		b.Complexity, b.Calls = b.ComplexityLimit, b.CallsLimit
	}
	return b
}

// DayCalls returns the current day in UTC, such as 2026-11-26, and how many calls this client has made on it.
func (c *Client) DayCalls(now time.Time) (date string, calls int) {
	c.tracker.mu.Lock()
	defer c.tracker.mu.Unlock()
	c.tracker.day.turn(now)
	return c.tracker.day.date, c.tracker.day.own
}

// AddDayCalls counts calls that others made on a day, of which at least this many are known in all. A day that is over
// is ignored.
func (c *Client) AddDayCalls(date string, calls, least int) {
	c.tracker.mu.Lock()
	defer c.tracker.mu.Unlock()
	if d := &c.tracker.day; d.date == date {
		d.used = max(d.used+calls, least)
	}
}

// budgetTracker holds the budget according to the last answers.
type budgetTracker struct {
	mu     sync.Mutex
	budget Budget
	day    day
}

// day counts the calls of a day in UTC. The account's other programs are known as of the last WhoAmI.
type day struct {
	limit int
	used  int
	own   int // of these, calls of this client
	date  string
}

// count counts a call.
func (d *day) count(now time.Time) {
	d.turn(now)
	d.used++
	d.own++
}

// turn starts a new count each day.
func (d *day) turn(now time.Time) {
	if date := now.UTC().Format(time.DateOnly); date != d.date {
		d.date, d.used, d.own = date, 0, 0
	}
}

// left returns how many calls of the day are left, and the limit.
func (d *day) left(now time.Time) (left, limit int) {
	d.turn(now)
	return max(d.limit-d.used, 0), d.limit
}

// count counts a call of the day.
func (h *budgetTracker) count(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.day.count(now)
}

// know records what Monday reports about the day's calls. Its analytics may lag behind our own count.
func (h *budgetTracker) know(limit, used int, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.day.turn(now)
	if h.day.limit = limit; limit > 0 {
		h.day.used = max(h.day.used, used)
	}
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
