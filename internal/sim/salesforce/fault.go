package salesforce

import (
	"cmp"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"crmsync/internal/sim/fault"
)

// Names of operations, as used in Call and Calls.
const (
	opToken     = "token"
	opCreate    = "create"
	opUpdate    = "update"
	opUpsert    = "upsert"
	opDelete    = "delete"
	opRetrieve  = "retrieve"
	opQuery     = "query"
	opDescribe  = "describe"
	opLimits    = "limits"
	opComposite = "composite"
	opOther     = "other"
)

// Call is a call before it takes effect.
type Call struct {
	// Operation is token, create, update, upsert, delete, retrieve, query, describe, limits, composite or other.
	// Single records and collections share names.
	Operation string
	Object    string // that of the first row if a collection has several; may be empty

	// Records are the rows of the request; those of a retrieve have only the id. Those of single records include the id
	// or external ID from the path; a composite has the rows of its parts. They must not be changed.
	Records []map[string]any
	Parts   []Call // of a composite
	At      time.Time
}

// Has reports whether the call, or a part of it, is an operation on an object; empty: on any.
func (c Call) Has(operation, object string) bool {
	return slices.ContainsFunc(c.Each(), func(part Call) bool {
		return part.Operation == operation && (object == "" || part.Object == object)
	})
}

// Each returns the parts of a composite, or the call itself.
func (c Call) Each() []Call {
	if len(c.Parts) > 0 {
		return c.Parts
	}
	return []Call{c}
}

// Fault is what goes wrong with a call. Its Delay passes before the call takes effect, or after it if After is set.
type Fault = fault.Fault

// downPage is what the edge answers while the org is down.
const downPage = `<!DOCTYPE html><html><head><title>Server Unavailable</title></head>` +
	`<body><h1>We are down for maintenance.</h1></body></html>`

// writeFault writes the faulty answer.
func writeFault(w http.ResponseWriter, f *Fault) {
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
	body := cmp.Or(f.Body, defaultBody(f.Status))
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	if strings.HasPrefix(body, "<") {
		w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	}
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, body)
}

// locker reports for each row whether it is locked: always for the first, then for every other one at random.
func locker(random *rand.Rand) func() bool {
	first := true
	return func() bool {
		locked := first || random.IntN(2) == 0
		first = false
		return locked
	}
}

func defaultBody(status int) string {
	var f *failure
	switch status {
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return downPage
	case http.StatusUnauthorized:
		f = invalidSession()
	case http.StatusForbidden:
		f = fail("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
	default:
		f = fail("UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support: "+
			"1-1 (1)")
	}
	return string(refusal(f).json())
}

// faultFor returns the fault of a call, which is never nil, and a function that reports which rows are locked; nil:
// none.
func (s *Sim) faultFor(op operation) (f *Fault, locked func() bool) {
	draw := func(random *rand.Rand) *Fault {
		writes := slices.Contains([]string{opCreate, opUpdate, opUpsert, opDelete, opComposite}, op.name)
		drawn := randomFault(random, writes)
		if drawn == nil {
			locked = locker(rand.New(rand.NewPCG(random.Uint64(), 0)))
		}
		return drawn
	}
	if op.name == opToken {
		draw = nil
	}
	call := Call{Operation: op.name, Object: op.object, Records: op.records, At: s.config.Now()}
	for _, part := range op.parts {
		call.Parts = append(call.Parts, Call{Operation: part.name, Object: part.object, Records: part.records, At: call.At})
	}
	f = s.Fault(call, draw)
	if f == nil {
		f = &Fault{}
	}
	return f, locked
}

// randomFault returns a fault of a kind that the real API shows now and then; nil: rows are locked.
func randomFault(random *rand.Rand, writes bool) *Fault {
	after, kind := random.IntN(2) == 0, random.IntN(4)
	switch {
	case after && kind < 2, !after && kind == 0:
		return &Fault{After: after, Cut: true}
	case after, kind == 1:
		return &Fault{After: after, Status: http.StatusServiceUnavailable}
	case kind == 2 || !writes:
		return &Fault{Status: http.StatusInternalServerError}
	}
	return nil
}
