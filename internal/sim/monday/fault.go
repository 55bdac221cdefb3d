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
	// the root fields, such as "items"; different ones sorted and joined by "+"; "invalid" for an invalid query
	Operation string
	Query     string
	At        time.Time
}

// Fault describes what goes wrong with a call. A Body that starts with "{" is sent as JSON, any other as HTML.
type Fault = fault.Fault

// strike counts a call, delays it, and returns its fault or nil.
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

// randomFault returns a fault of a kind that the real API shows now and then. A throttled call never takes effect.
func randomFault(random *rand.Rand) *Fault {
	after := random.IntN(2) == 0
	switch random.IntN(4) {
	case 0:
		return &Fault{Status: http.StatusInternalServerError, Body: `{"data":null}`, After: after}
	case 1:
		return &Fault{Status: http.StatusBadGateway, Body: "<html><head><title>502 Bad Gateway</title></head></html>",
			After: after}
	case 2:
		busy := exhausted(1)
		return &Fault{Status: busy.status, Body: string(busy.body)}
	default:
		return &Fault{Cut: true, After: after}
	}
}

// instead returns the answer that replaces the real one.
func instead(f *Fault) answer {
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
	return answer{status: f.Status, body: []byte(f.Body)}
}
