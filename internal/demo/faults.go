package demo

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	sfsim "crmsync/internal/sim/salesforce"
)

const (
	latency   = 50 * time.Millisecond // of every API call
	faultRate = 0.04                  // share of Salesforce's calls that fail
	slowRate  = 0.03                  // share of the calls that take a second
	maxAmount = 1_000_000             // Salesforce rejects larger amounts
)

// faults makes Salesforce fail now and then, in every way that a caller must be able to handle.
type faults struct {
	salesforce   *sfsim.Sim
	endSessionAt int

	mu     sync.Mutex
	random *rand.Rand
	inARow int
	calls  int
	before int // failed without writing
	after  int // wrote, but the answer was lost
	slow   int
	ended  int // sessions
}

func newFaults(salesforce *sfsim.Sim, endSessionAt int) *faults {
	f := &faults{salesforce: salesforce, endSessionAt: endSessionAt, random: rand.New(rand.NewPCG(5, 0))}
	salesforce.OnCall(f.next)
	salesforce.Reject("Opportunity", "Amount", func(value any) string {
		if amount, ok := value.(float64); ok && amount > maxAmount {
			return "FIELD_CUSTOM_VALIDATION_EXCEPTION"
		}
		return ""
	})
	return f
}

// next chooses the fault of a call. Never more than two calls fail in a row: that would be an outage, which is
// another scenario.
func (f *faults) next(c sfsim.Call) *sfsim.Fault {
	if c.Operation == "token" {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls++; f.calls == f.endSessionAt {
		f.salesforce.Revoke()
		f.ended++
	}
	chance := f.random.Float64()
	switch {
	case chance < faultRate && f.inARow < 2:
		f.inARow++
		return f.fail(slices.Contains([]string{"create", "update", "upsert", "delete"}, c.Operation))
	case chance > 1-slowRate:
		f.slow++
		f.inARow = 0
		return &sfsim.Fault{Delay: time.Second - latency}
	}
	f.inARow = 0
	return nil
}

func (f *faults) fail(writes bool) *sfsim.Fault {
	fault := &sfsim.Fault{After: writes && f.random.IntN(3) > 0}
	switch f.random.IntN(3) {
	case 0:
		fault.Cut = true
	case 1:
		fault.Status = http.StatusServiceUnavailable
	case 2:
		fault.Status = http.StatusInternalServerError
	}
	if fault.After {
		f.after++
	} else {
		f.before++
	}
	return fault
}

// tally counts Salesforce's faults so far.
type tally struct{ before, after, slow, ended int }

func (t tally) all() int { return t.before + t.after + t.slow + t.ended }

func (f *faults) tally() tally {
	f.mu.Lock()
	defer f.mu.Unlock()
	return tally{f.before, f.after, f.slow, f.ended}
}
