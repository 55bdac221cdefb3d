package salesforce

import (
	"cmp"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Names of operations, as Call and Calls give them.
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

// Call is a call that is about to take effect.
type Call struct {
	// Operation is token, create, update, upsert, delete, retrieve, query, describe, limits, composite
	// or other. Single records and collections share names.
	Operation string
	Object    string // that of the first row where a collection mixes them; empty where there is none

	// Records are the rows as the request gives them; those of single records have the id or external
	// ID of the path added. A composite has its parts' rows. They must not be changed.
	Records []map[string]any
	At      time.Time
}

// Fault is what goes wrong with a call. One with neither Status nor Cut only delays it.
type Fault struct {
	Status int
	Body   string        // empty: what Salesforce answers with such a status
	After  bool          // the call takes effect before it fails
	Cut    bool          // the connection is dropped without an answer
	Delay  time.Duration // waited before the call takes effect, or After it

	lock *rand.Rand // rows are refused as locked, by its draw
}

// downPage is what the edge answers when the org is away.
const downPage = `<!DOCTYPE html><html><head><title>Server Unavailable</title></head>` +
	`<body><h1>We are down for maintenance.</h1></body></html>`

func (f *Fault) fails() bool { return f.Status != 0 || f.Cut }

// write fails the call.
func (f *Fault) write(w http.ResponseWriter) {
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
	body := cmp.Or(f.Body, defaultBody(f.Status))
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	if strings.HasPrefix(body, "<") {
		w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	}
	w.WriteHeader(f.Status)
	io.WriteString(w, body)
}

// locker says of each row whether it is locked: always the first, then one in two. nil: none is.
func (f *Fault) locker() func() bool {
	if f.lock == nil {
		return nil
	}
	first := true
	return func() bool {
		locked := first || f.lock.IntN(2) == 0
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
		f = fail("UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (1)")
	}
	return string(refusal(f).json())
}

// faultFor asks the hook, then chance, what goes wrong with a call. It is never nil.
func (s *Sim) faultFor(op operation) *Fault {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook != nil {
		if f := hook(Call{Operation: op.name, Object: op.object, Records: op.records, At: s.config.Now()}); f != nil {
			return f
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if op.name == opToken || s.random.Float64() >= s.faultRate {
		return &Fault{}
	}
	writes := slices.Contains([]string{opCreate, opUpdate, opUpsert, opDelete, opComposite}, op.name)
	return s.randomFault(writes)
}

func (s *Sim) randomFault(writes bool) *Fault {
	after, kind := s.random.IntN(2) == 0, s.random.IntN(4)
	switch {
	case after && kind < 2, !after && kind == 0:
		return &Fault{After: after, Cut: true}
	case after, kind == 1:
		return &Fault{After: after, Status: http.StatusServiceUnavailable}
	case kind == 2 || !writes:
		return &Fault{Status: http.StatusInternalServerError}
	}
	return &Fault{lock: rand.New(rand.NewPCG(s.random.Uint64(), 0))}
}
