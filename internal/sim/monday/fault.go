package monday

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"
)

// Call is an API call as OnCall sees it.
type Call struct {
	Operation string // the root fields, such as "items"; different ones sorted and joined by "+"; "invalid" for a query that is none
	Query     string
	At        time.Time
}

// Fault is what happens to a call in place of its answer, or to its answer.
type Fault struct {
	Status int    // with Body, the answer; 0 and no Cut: the real answer
	Body   string // JSON where it starts with "{", else HTML
	After  bool   // the call takes effect first
	Cut    bool   // the connection is cut without an answer
	Delay  time.Duration
}

// faults decides what goes wrong with calls, and counts them.
type faults struct {
	chance *chance

	mu      sync.Mutex
	down    bool
	rate    float64
	latency time.Duration
	hook    func(Call) *Fault
	count   map[string]int
}

func (f *faults) start(cfg Config) {
	f.chance = newChance(cfg.Seed + 1)
	f.rate, f.latency = cfg.FaultRate, cfg.Latency
	f.count = map[string]int{}
}

func (f *faults) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *faults) setRate(rate float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rate = rate
}

func (f *faults) setLatency(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latency = d
}

func (f *faults) setHook(hook func(Call) *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

func (f *faults) calls() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.count)
}

func (f *faults) isDown() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down
}

// strike counts a call, makes it wait, and gives what else happens to it; nil: nothing.
func (f *faults) strike(ctx context.Context, c Call) *Fault {
	f.mu.Lock()
	f.count[c.Operation]++
	rate, wait, hook := f.rate, f.latency, f.hook
	f.mu.Unlock()
	var found *Fault
	if hook != nil {
		found = hook(c)
	}
	if found == nil && f.chance.below(rate) {
		found = f.random()
	}
	if found != nil {
		wait += found.Delay
	}
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return found
}

// random is a fault as the API has them now and then. A throttled call has never taken effect.
func (f *faults) random() *Fault {
	after := f.chance.below(0.5)
	switch f.chance.upTo(4) {
	case 0:
		return &Fault{Status: http.StatusInternalServerError, Body: `{"data":null}`, After: after}
	case 1:
		return &Fault{Status: http.StatusBadGateway, Body: "<html><head><title>502 Bad Gateway</title></head></html>", After: after}
	case 2:
		busy := exhausted(1)
		return &Fault{Status: busy.status, Body: string(busy.body)}
	default:
		return &Fault{Cut: true, After: after}
	}
}

// answer is what the fault puts in place of the real answer; ok is false where that one stands.
func (f *Fault) answer() (answer, bool) {
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
	if f.Status == 0 {
		return answer{}, false
	}
	return answer{status: f.Status, body: []byte(f.Body)}, true
}
