package monday

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// limits are the budgets of the account: complexity by the minute and calls by the day.
//
// https://developer.monday.com/api-reference/docs/rate-limits
type limits struct {
	complexity int
	daily      int  // calls; 0: no limit
	isSilent   bool // headers do not mention complexity

	mu     sync.Mutex
	since  time.Time // start of the minute, at its first call
	used   int       // complexity in it
	calls  int       // in it
	day    string
	tenths int // of calls in the day
}

// The limits in the RateLimit headers. Only complexity is enforced.
const (
	minuteCalls = 5000
	concurrent  = 250
)

// maxCost is the maximum cost of one query.
const maxCost = 5_000_000

// spent is the cost of a call, and what is left of the minute's budget.
type spent struct{ before, query, after, resetIn int }

func (c spent) node() node {
	return record{"Complexity", object{"before": c.before, "query": c.query, "after": c.after,
		"reset_in_x_seconds": c.resetIn}}
}

// call counts a call. If the day's calls are used up, it returns the time until midnight UTC.
func (l *limits) call(now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	l.calls++
	now = now.UTC()
	if day := now.Format(time.DateOnly); day != l.day {
		l.day, l.tenths = day, 0
	}
	if l.daily > 0 && l.tenths+10 > l.daily*10 {
		l.tenths++
		return now.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now)
	}
	l.tenths += 10
	return 0
}

// spend deducts a query's cost from the budget, or reports that the budget is exhausted. A call refused for this
// reason counts as a tenth of a call in the daily limit.
func (l *limits) spend(now time.Time, cost int) (spent, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	left := l.complexity - l.used
	out := spent{before: left, query: cost, after: left - cost, resetIn: l.reset(now)}
	if cost > left {
		l.tenths -= 9
		return out, false
	}
	l.used += cost
	return out, true
}

// turn starts a new minute with the first call after the last one.
func (l *limits) turn(now time.Time) {
	if now.Sub(l.since) >= time.Minute {
		l.since, l.used, l.calls = now, 0, 0
	}
}

// reset returns the time to the end of the minute, in seconds.
func (l *limits) reset(now time.Time) int {
	return max(1, int((time.Minute-now.Sub(l.since)+time.Second-1)/time.Second))
}

// setHeaders sets the headers of every answer.
func (l *limits) setHeaders(h http.Header, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.reset(now)
	if l.isSilent {
		h.Set("RateLimit-Policy", fmt.Sprintf(`"minuteRate";q=%d;w=60, "concurrency";q=%d;qu="concurrent-requests"`,
			minuteCalls, concurrent))
		h.Set("RateLimit", fmt.Sprintf(`"minuteRate";r=%d;t=%d, "concurrency";r=%d`, max(0, minuteCalls-l.calls), t,
			concurrent-1))
		return
	}
	h.Set("RateLimit-Policy", fmt.Sprintf(`"minuteRate";q=%d;w=60, "concurrency";q=%d;qu="concurrent-requests", `+
		`"complexityMinute";q=%d;w=60;qu="content-bytes"`,
		minuteCalls, concurrent, l.complexity))
	h.Set("RateLimit", fmt.Sprintf(`"minuteRate";r=%d;t=%d, "concurrency";r=%d, "complexityMinute";r=%d;t=%d`,
		max(0, minuteCalls-l.calls), t, concurrent-1, max(0, l.complexity-l.used), t))
}

// today returns the number of calls of the day.
func (l *limits) today(now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.UTC().Format(time.DateOnly) != l.day {
		return 0
	}
	return (l.tenths + 9) / 10
}

// exhausted returns the answer to a query that exceeds the budget.
func exhausted(seconds int) answer {
	a := refused(http.StatusTooManyRequests, &apiError{message: "Complexity budget exhausted",
		code: "COMPLEXITY_BUDGET_EXHAUSTED", retry: seconds})
	a.retryAfter = strconv.Itoa(seconds)
	return a
}

// cost estimates the cost of an operation: one point for each value that it may return, with lists at the requested
// length, and 1,000 for each mutation. Monday does not publish a formula.
func cost(op *ast.OperationDefinition, vars map[string]any) int {
	total := weigh(op.SelectionSet, vars)
	if op.Operation == ast.Mutation {
		for _, sel := range op.SelectionSet {
			if f, ok := sel.(*ast.Field); !ok || f.Name != "complexity" {
				total += 1000
			}
		}
	}
	return total
}

func weigh(set ast.SelectionSet, vars map[string]any) int {
	total := 0
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			total += length(sel, vars) * (1 + weigh(sel.SelectionSet, vars))
		case *ast.InlineFragment:
			total += weigh(sel.SelectionSet, vars)
		case *ast.FragmentSpread:
			total += weigh(sel.Definition.SelectionSet, vars)
		}
	}
	return total
}

// length estimates how many values a field returns.
func length(f *ast.Field, vars map[string]any) int {
	if f.SelectionSet == nil {
		return 1
	}
	a := args(f.ArgumentMap(vars))
	limit := a.number("limit")
	switch ids := len(a.list("ids")); {
	case ids > 0 && limit > 0:
		return min(ids, limit)
	case ids > 0:
		return ids
	case limit > 0:
		return limit
	case f.Name == "column_values" || f.Name == "columns":
		return 20
	}
	return 1
}
