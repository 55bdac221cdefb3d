package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// lone is the latency of events that are sent one at a time.
type lone struct {
	acks, took []time.Duration // from POST to the webhook's answer, and to Salesforce's; both in ascending order
}

// idle measures the time from a delivery to Salesforce's answer when there is little else to do. No program could be
// faster than the floor: the webhook's answer, which needs a commit, and one round trip to Salesforce.
func (b *bench) idle(ctx context.Context) error {
	s := b.stage
	if err := errors.Join(s.empty(ctx), s.link(ctx, b.single)); err != nil {
		return err
	}
	front := newFront(s.Salesforce)
	address, err := s.Host(front)
	if err != nil {
		return fmt.Errorf("serving Salesforce: %w", err)
	}
	direct := s.Env["SALESFORCE_LOGIN_URL"]
	s.Env["SALESFORCE_LOGIN_URL"] = address
	defer func() { s.Env["SALESFORCE_LOGIN_URL"] = direct }()
	rows := [][]string{{"processes", "events", "webhook's answer, p50", "round trip, p50", "Salesforce's answer, p50",
		"of the floor", "p99", "longest"}}
	for _, roles := range [][]string{{"serve"}, {"worker", "ingest"}} {
		name := strings.Join(roles, " and ")
		for _, way := range []pace{{"each after the one before", true, 0, 100 * time.Millisecond},
			{"5 to 100 ms apart", false, 5 * time.Millisecond, 100 * time.Millisecond}} {
			l, err := b.singly(ctx, roles, front, way)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", name, way.name, err)
			}
			trip, err := s.roundTrip(ctx, b.single)
			if err != nil {
				return err
			}
			ack, p50, p99 := quantile(l.acks, 0.5), quantile(l.took, 0.5), quantile(l.took, 0.99)
			floor := ack + quantile(trip, 0.5)
			rows = append(rows, []string{name, way.name, millis(ack), millis(quantile(trip, 0.5)), millis(p50),
				fmt.Sprintf("%.2f", p50/floor), millis(p99), millis(quantile(l.took, 1))})
			what := fmt.Sprintf("idle, %s, %s: from POST to Salesforce's answer, ", name, way.name)
			if way.alone {
				b.atMost(what+"p50, times the floor", "%.2f", p50/floor, 1.7)
			}
			b.atMost(what+"p99", "%.1f ms", p99, 20)
		}
	}
	b.table(fmt.Sprintf("Idle: from POST to Salesforce's answer (%d events each); the floor is the webhook's answer and "+
		"one round trip to Salesforce", b.single), rows)
	return nil
}

// pace is how events follow each other.
type pace struct {
	name        string
	alone       bool          // each waits until the one before is completed
	least, most time.Duration // pause before each, at random: the queue does some things periodically
}

// singly sends events of different items, one at a time.
func (b *bench) singly(ctx context.Context, roles []string, front *front, way pace) (l lone, err error) {
	s := b.stage
	if err := s.exec(ctx, "TRUNCATE river_job, sync_logs", "CHECKPOINT"); err != nil {
		return l, err
	}
	var addr string
	for _, role := range roles {
		p, err := s.start(ctx, role)
		if err != nil {
			return l, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		alive, end := p.while(ctx)
		defer end()
		ctx, addr = alive, p.addr
	}
	connections, hangUp, err := dialAll(ctx, addr, 1)
	if err != nil {
		return l, err
	}
	defer hangUp()
	front.forget()
	sent := map[string]time.Time{}
	const completed = "SELECT count(*) = $1 FROM river_job WHERE state = 'completed'"
	for n := range b.single {
		if err := sleep(ctx, way.least+rand.N(way.most-way.least)); err != nil {
			return l, err
		}
		at := time.Now()
		if err := connections[0].post(payload(at, delivered.Add(1), firstItem+int64(n))); err != nil {
			return l, err
		}
		l.acks = append(l.acks, time.Since(at))
		sent[s.linked[n]] = at
		if way.alone {
			if err := s.within(ctx, completed, n+1); err != nil {
				return l, fmt.Errorf("event %d: %w", n+1, err)
			}
		}
	}
	if err := s.within(ctx, completed, b.single); err != nil {
		return l, err
	}
	for record, at := range sent {
		answered, ok := front.answer(record)
		if !ok {
			return l, fmt.Errorf("record %s was not written", record)
		}
		l.took = append(l.took, answered.Sub(at))
	}
	slices.Sort(l.acks)
	slices.Sort(l.took)
	return l, nil
}

// within repeats a query until it returns true, for a minute at most.
func (s *testbed) within(ctx context.Context, question string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return s.until(ctx, 20*time.Millisecond, question, args...)
}

// roundTrip measures how long it takes to write one record to Salesforce, in ascending order.
func (s *testbed) roundTrip(ctx context.Context, times int) (took []time.Duration, err error) {
	base := s.Env["SALESFORCE_LOGIN_URL"]
	login := url.Values{"grant_type": {"client_credentials"}, "client_id": {s.Env["SALESFORCE_CLIENT_ID"]},
		"client_secret": {s.Env["SALESFORCE_CLIENT_SECRET"]}}
	var granted struct {
		Token string `json:"access_token"`
	}
	answer, err := request(ctx, http.MethodPost, base+"/services/oauth2/token", login.Encode(),
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	if err == nil {
		err = json.Unmarshal(answer, &granted)
	}
	if err != nil {
		return nil, fmt.Errorf("logging in: %w", err)
	}
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + granted.Token}}
	for n := range times {
		if err := sleep(ctx, rand.N(20*time.Millisecond)); err != nil {
			return nil, err
		}
		body := fmt.Sprintf(`{"records":[{"attributes":{"type":"Contact"},"id":%q,"Email":"trip%d@example.org"}]}`,
			s.linked[0], n)
		began := time.Now()
		_, err := request(ctx, http.MethodPatch, base+"/services/data/v67.0/composite/sobjects", body, header)
		if err != nil {
			return nil, fmt.Errorf("writing a record: %w", err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took, nil
}

// request sends a request and returns the body of the answer, which must be 200.
func request(ctx context.Context, method, url, body string, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %d: %s", resp.StatusCode, answer)
	}
	return answer, err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// front passes requests on to Salesforce's simulator, and records when it answered the first write of each record.
type front struct {
	next http.Handler

	mu       sync.Mutex
	answered map[string]time.Time // by the record's Id
}

func newFront(next http.Handler) *front { return &front{next: next, answered: map[string]time.Time{}} }

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client left
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.next.ServeHTTP(w, r)
	at := time.Now()
	var written struct {
		Records []struct{ ID string }
	}
	if r.Method != http.MethodPatch || json.Unmarshal(body, &written) != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, record := range written.Records {
		if _, known := f.answered[record.ID]; !known {
			f.answered[record.ID] = at
		}
	}
}

// forget forgets all writes.
func (f *front) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answered = map[string]time.Time{}
}

// answer returns when the first write of a record was answered.
func (f *front) answer(record string) (at time.Time, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, ok = f.answered[record]
	return at, ok
}
