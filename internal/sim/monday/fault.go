package monday

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"crmsync/internal/sim/fault"
)

// Call is an API call as OnCall sees it.
type Call struct {
	Operation string // the root fields, such as "items"; different ones sorted and joined by "+"; "invalid" for a query that is none
	Query     string
	At        time.Time
}

// Fault is what goes wrong with a call. Its Body is JSON where it starts with "{", else HTML.
type Fault = fault.Fault

// strike counts a call, makes it wait, and returns what else happens to it; nil: nothing.
func (s *Sim) strike(ctx context.Context, c Call) *Fault {
	s.counting.Lock()
	s.calls[c.Operation]++
	s.counting.Unlock()
	found := s.Fault(c, randomFault)
	wait := s.Latency()
	if found != nil {
		wait += found.Delay
	}
	fault.Wait(ctx, wait)
	return found
}

// randomFault is a fault as the API has them now and then. A throttled call has never taken effect.
func randomFault(random *rand.Rand) *Fault {
	after := random.IntN(2) == 0
	switch random.IntN(4) {
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

// instead is the answer that a fault puts in place of the real one.
func instead(f *Fault) answer {
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
	return answer{status: f.Status, body: []byte(f.Body)}
}
