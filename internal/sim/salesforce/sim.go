// Package salesforce simulates Salesforce's REST API as an http.Handler: sessions, records with their rules,
// collections, composite requests, queries and describes. It keeps state, and fails on demand. It is as strict as
// Salesforce where Salesforce's behavior is known.
//
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm
package salesforce

import (
	"bytes"
	"cmp"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"crmsync/internal/sim/fault"
	"crmsync/internal/sim/salesforce/soql"
)

const (
	maxURI  = 16_384   // bytes in a request's URI
	maxBody = 50 << 20 // bytes in a request's body
)

// Config configures the simulated org.
type Config struct {
	ClientID     string // consumer key of the only app; empty: any is accepted
	ClientSecret string // its secret; empty: any is accepted

	// PublicKey verifies JWT bearer assertions; nil: any well-formed one is accepted.
	PublicKey *rsa.PublicKey

	// RefreshToken is accepted by the refresh_token grant; empty: that grant is rejected.
	RefreshToken string

	Objects     []Object      // nil: Standard()
	SessionLife time.Duration // since the last use; 0: until revoked
	DailyLimit  int           // API calls in 24 hours; 0: 100,000
	PageSize    int           // records per page of a query; 0: 2,000

	PersonAccounts bool     // the org has person accounts
	Currencies     []string // the org's currencies, its own first; empty: one

	Now func() time.Time // nil: time.Now

	// Latency is added to each API call, half before and half after the call takes effect.
	Latency time.Duration

	// FaultRate is the share of API calls that fail, from 0 to 1. Half of them fail after taking effect, by a broken
	// connection or a 503; the others fail before, by a 503, a 500, a broken connection or locked rows.
	FaultRate float64
	Seed      int64 // seed of the faults
}

// Sim is a simulated org. It is safe for concurrent use.
//
// All records written by one call get the same SystemModstamp, to the millisecond. Each writing call gets a later one
// than any before, ahead of the clock if necessary.
type Sim struct {
	*fault.Knobs[Call] // while down, the org answers everything, logins too, with 503 and an HTML page

	config   Config
	tables   []*table
	byName   map[string]*table // in lower case
	byPrefix map[string]*table
	user     string // id of the integration user, the default owner

	revision atomic.Int64

	mu          sync.Mutex
	last        time.Time // latest SystemModstamp
	ids         int
	sessions    map[string]time.Time // when each ends; zero: only when revoked
	cursors     []cursor
	calls       map[string]int
	used        int // calls counted against the daily limit
	since       time.Time
	writing     map[writeKey]int
	violations  int
	full        bool
	oldest      int    // oldest supported version of the API
	instance    string // where the org has moved to; empty: it has not moved
	movedStatus int
}

// New creates an org whose only record is the integration user. It panics if the objects are invalid.
func New(c Config) *Sim {
	if c.Objects == nil {
		c.Objects = Standard()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.DailyLimit = cmp.Or(c.DailyLimit, 100_000)
	c.PageSize = cmp.Or(c.PageSize, 2000)
	s := &Sim{
		config: c, byName: map[string]*table{}, byPrefix: map[string]*table{},
		sessions: map[string]time.Time{}, calls: map[string]int{}, since: c.Now(), writing: map[writeKey]int{},
		Knobs: fault.New[Call](c.FaultRate, c.Latency, uint64(c.Seed)),
	}
	for _, o := range extend(c) {
		t := newTable(o)
		s.tables = append(s.tables, t)
		s.byName[strings.ToLower(o.Name)], s.byPrefix[o.Prefix] = t, t
	}
	for _, t := range s.tables {
		for i := range t.columns {
			t.columns[i].parent = s.byName[strings.ToLower(t.columns[i].ReferenceTo)]
		}
	}
	if t := s.byName["user"]; t != nil {
		if _, ok := t.column("Username"); ok {
			s.user = s.Insert("User", map[string]any{
				"Username": "integration@sim.example", "Email": "integration@sim.example", "LastName": "Integration",
			})
		}
	}
	for i, code := range c.Currencies {
		s.Insert("CurrencyType", map[string]any{"IsoCode": code, "ConversionRate": 1, "IsActive": true,
			"IsCorporate": i == 0})
	}
	return s
}

// answer is the answer to a request. A body of type json.RawMessage is sent as it is; nil: none.
type answer struct {
	status   int
	location string
	body     any
}

// operation is a parsed request that has not taken effect yet.
type operation struct {
	name    string
	object  string
	records []map[string]any // as in the request
	targets []target         // what it writes
	parts   []operation      // of a composite
	run     func(*tx) answer // under the simulator's lock
}

// ServeHTTP answers as the org's My Domain host does.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := strings.TrimSuffix(r.URL.Path, "/"); {
	case s.Down():
		writeFault(w, &Fault{Status: http.StatusServiceUnavailable})
	case path == "/services/oauth2/token":
		s.token(w, r)
	case path == "/services/data":
		s.write(w, answer{status: http.StatusOK, body: versions()})
	case s.movedAway(w, r):
	case strings.HasPrefix(path, "/services/data/"):
		s.api(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *Sim) api(w http.ResponseWriter, r *http.Request) {
	if f := s.authorize(r.Header.Get("Authorization")); f != nil {
		w.Header().Set("WWW-Authenticate", "Token")
		s.write(w, refusal(f))
		return
	}
	if len(r.RequestURI) > maxURI {
		http.Error(w, "URI Too Long", http.StatusRequestURITooLong)
		return
	}
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), maxBody)) + bytes.MinRead)
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		http.Error(w, "Request Entity Too Large", http.StatusRequestEntityTooLarge)
		return
	}
	req, f := newRequest(r.Method, r.URL, r.Header, body.Bytes())
	if f == nil {
		f = s.retired(req.version)
	}
	if f != nil {
		s.write(w, refusal(f))
		return
	}
	s.call(w, r, s.plan(req))
}

// call takes an operation through quota, faults and latency to its answer.
func (s *Sim) call(w http.ResponseWriter, r *http.Request, op operation) {
	if f := s.count(op.name); f != nil {
		s.write(w, refusal(f))
		return
	}
	f, locked := s.faultFor(op)
	defer s.enter(op.targets)()
	latency := s.Latency()
	time.Sleep(latency / 2)
	if f.Fails() && !f.After {
		fault.Wait(r.Context(), f.Delay)
		writeFault(w, f)
		return
	}
	if !f.After {
		time.Sleep(f.Delay)
	}
	a := s.execute(op, locked)
	if f.After {
		fault.Wait(r.Context(), f.Delay)
	}
	fault.Wait(r.Context(), latency/2)
	if f.Fails() {
		writeFault(w, f)
		return
	}
	s.write(w, a)
}

// execute makes the call take effect.
func (s *Sim) execute(op operation, locked func() bool) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &tx{sim: s, locked: locked, api: true}
	defer t.commit()
	return op.run(t)
}

func (s *Sim) write(w http.ResponseWriter, a answer) {
	h := w.Header()
	h.Set("Sforce-Limit-Info", s.limitInfo())
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	h.Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.json())
}

func (a answer) json() json.RawMessage {
	if raw, ok := a.body.(json.RawMessage); ok {
		return raw
	}
	raw, err := json.Marshal(a.body)
	if err != nil {
		panic(fmt.Sprintf("sfsim: encoding an answer: %v", err))
	}
	return raw
}

// plan parses a request. It takes no lock and changes nothing.
func (s *Sim) plan(r request) operation {
	op := s.route(r)
	run := op.run
	op.run = func(x *tx) answer {
		x.options = readOptions(r.header)
		return run(x)
	}
	return op
}

func (s *Sim) route(r request) operation {
	switch r.path[0] {
	case "":
		return s.planResources(r)
	case "sobjects":
		return s.planSObjects(r)
	case "composite":
		return s.planComposites(r)
	case "query", "queryAll":
		return s.planQuery(r)
	case "limits":
		return s.planLimits(r)
	}
	return refused("other", "", notFound())
}

// refused returns an operation that fails.
func refused(name, object string, f *failure) operation {
	return operation{name: name, object: object, run: func(*tx) answer { return refusal(f) }}
}

func notAllowed(r request, allowed string) operation {
	return refused("other", "", fail("METHOD_NOT_ALLOWED", "HTTP Method '%s' not allowed. Allowed are %s", r.method,
		allowed).
		with(http.StatusMethodNotAllowed))
}

// tick returns the time of the next write: later than any before, in whole milliseconds.
func (s *Sim) tick() string {
	now := s.config.Now().UTC().Truncate(time.Millisecond)
	if !now.After(s.last) {
		now = s.last.Add(time.Millisecond)
	}
	s.last = now
	return now.Format(soql.DateTimeLayout)
}

func (s *Sim) nextID() int {
	s.ids++
	return s.ids
}

// table finds an object by name, ignoring case.
func (s *Sim) table(name string) (*table, bool) {
	t, ok := s.byName[strings.ToLower(name)]
	return t, ok
}
