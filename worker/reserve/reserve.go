// Package reserve decides when bulk work (comparisons of boards, migrations, the feed of changes from Salesforce) has
// to leave the remaining calls of a system to live events and to others.
package reserve

import (
	"time"

	"crmsync/mondayclient"
)

// holdFor is the longest wait of bulk work once only the reserve of a day's calls is left. Salesforce's limit counts
// the calls of the last 24 hours, so some become available all the time; Monday's day ends at midnight UTC.
const holdFor = 5 * time.Minute

// Reserve is the share of each system's calls that bulk work leaves.
type Reserve struct {
	// Usage returns how many of Salesforce's calls for a day are used, and their limit; 0: unknown.
	Usage func() (used, limit int)

	// Budget returns what Monday allows until its minute, and its day, is over.
	Budget func() mondayclient.Budget

	// Salesforce and Monday are percentages.
	Salesforce, Monday int

	Now func() time.Time
}

// Check returns a HoldError if only the reserve of a system is left. A nil reserve leaves nothing.
func (r *Reserve) Check() error {
	if r == nil {
		return nil
	}
	if r.Left() == 0 {
		return &HoldError{System: "Salesforce", Wait: holdFor}
	}
	return r.CheckMonday()
}

// CheckMonday returns a HoldError if only the reserve of Monday is left.
func (r *Reserve) CheckMonday() error {
	if r == nil {
		return nil
	}
	b := r.Budget()
	if b.KnowsDay() && b.DayCalls <= b.DayLimit*r.Monday/100 {
		now := r.Now().UTC()
		midnight := now.Truncate(24 * time.Hour).Add(24 * time.Hour)
		return &HoldError{System: "Monday", Wait: min(midnight.Sub(now), holdFor)}
	}
	short := b.KnowsComplexity() && b.Complexity < b.ComplexityLimit*r.Monday/100 || b.KnowsCalls() &&
		b.Calls < b.CallsLimit*r.Monday/100
	if !short { // an unknown limit does not hold work back
		return nil
	}
	return &HoldError{System: "Monday", Wait: max(b.Resets.Sub(r.Now()), 0) + 100*time.Millisecond}
}

// Allowance returns how many calls a day of Salesforce bulk work may use in all; 0: unknown.
func (r *Reserve) Allowance() int {
	_, limit := r.Usage()
	return limit * (100 - r.Salesforce) / 100
}

// Left returns the share of the allowance that is not used, from 0 to 1; 1 if it is unknown.
func (r *Reserve) Left() float64 {
	used, _ := r.Usage()
	all := r.Allowance()
	if all == 0 {
		return 1
	}
	return float64(max(all-used, 0)) / float64(all)
}

// HoldError means that the remaining calls of a system are reserved for live events.
type HoldError struct {
	System string
	Wait   time.Duration
}

func (e *HoldError) Error() string {
	return "the remaining calls of " + e.System + " are reserved for live events"
}

// RetryAfter returns when calls may be available again.
func (e *HoldError) RetryAfter() time.Duration { return e.Wait }
