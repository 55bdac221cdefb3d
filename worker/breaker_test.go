package worker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"

	"crmsync/internal/retry"
	"crmsync/schema/store"
)

// call sends a call that ends with a given error, and reports whether it was sent.
func call(b *breaker, end error, scopes ...string) (made bool, err error) {
	err = b.guard(scopes, func() error {
		made = true
		return end
	})
	return made, err
}

// prober answers a breaker's probes with configured errors.
type prober struct {
	mu     sync.Mutex
	err    error
	probes int
}

func (p *prober) probe(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probes++
	return p.err
}

func (p *prober) set(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *prober) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.probes
}

// inBubble runs a test with a breaker whose clock stands still until all goroutines are waiting.
func inBubble(t *testing.T, test func(t *testing.T, b *breaker, p *prober)) {
	synctest.Test(t, func(t *testing.T) {
		db, end := unreachable(t)
		defer end()
		p := &prober{}
		b := newBreaker("salesforce", p.probe, store.New(db), Queue(db), quiet)
		defer b.close()
		test(t, b, p)
	})
}

func TestBreakerTrips(t *testing.T) {
	t.Parallel()
	away, quota, other := fault{outage: true, wait: 5 * time.Second}, fault{outage: true, wait: 5 * time.Minute}, fault{permanent: true}
	tests := map[string]struct {
		ends  []error
		every time.Duration
		trips bool
	}{
		"five in a row":                  {ends: []error{away, away, away, away, away}, trips: true},
		"four":                           {ends: []error{away, away, away, away}},
		"three, slowly":                  {ends: []error{away, away, away}, every: 2 * time.Second, trips: true},
		"two, slowly":                    {ends: []error{away, away}, every: time.Minute},
		"an answer between":              {ends: []error{away, away, away, nil, away, away}},
		"a rejection between":            {ends: []error{away, away, away, other, away, away}, every: time.Second},
		"refusals":                       {ends: []error{other, other, other, other, other, errTrouble, errTrouble}},
		"over quota":                     {ends: []error{quota}, trips: true},
		"canceled by the caller":         {ends: []error{context.Canceled, context.Canceled, context.Canceled, context.Canceled, context.Canceled}},
		"canceled, among failures":       {ends: []error{away, away, away, context.Canceled, away, away}, trips: true},
		"canceled, among slow failures":  {ends: []error{away, context.Canceled, away, away}, every: 2 * time.Second, trips: true},
		"an answer, among slow failures": {ends: []error{away, nil, away, away, away}, every: 1200 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *breaker, p *prober) {
				p.set(fault{outage: true})
				for n, end := range tt.ends {
					if made, err := call(b, end); !made || !errors.Is(err, end) {
						t.Fatalf("call %d: made %v, %v", n, made, err)
					}
					time.Sleep(tt.every)
				}
				made, err := call(b, nil)
				if made == tt.trips {
					t.Errorf("the next call is sent: %v", made)
				}
				if tt.trips && (!notMade(err) || err.Error() != "salesforce is away") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func notMade(err error) bool {
	var a *awayError
	return errors.As(err, &a) && a.RetryAfter() > 0 && retry.Outage(err)
}

// TestBreakerProbes: while the system is away, only probes are sent, every 5 s. Once one succeeds, calls are sent
// again.
func TestBreakerProbes(t *testing.T) {
	t.Parallel()
	failing := fault{outage: true, wait: time.Second}
	tests := map[string]struct {
		probe error
		back  bool
	}{
		"answered":   {nil, true},
		"refused":    {fault{permanent: true}, true},
		"still away": {failing, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *breaker, p *prober) {
				p.set(failing)
				for range failuresInARow {
					call(b, failing)
				}
				time.Sleep(4*probeAfter + time.Second)
				if n := p.count(); n != 4 {
					t.Errorf("%d probes in 21 s, want 4", n)
				}
				if made, err := call(b, nil); made || !notMade(err) {
					t.Errorf("a call is sent to a system that is away, or fails with %v", err)
				}
				p.set(tt.probe)
				time.Sleep(probeAfter)
				if made, err := call(b, nil); made != tt.back {
					t.Errorf("after that a call is sent: %v, %v", made, err)
				}
				if got := b.recovering.Load(); got {
					t.Error("the outage continues after a call was answered")
				}
			})
		})
	}
}

// TestBreakerFlaps has a system that answers probes but no calls: the outage continues.
func TestBreakerFlaps(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *breaker, _ *prober) {
		failing := fault{outage: true, wait: time.Second}
		for range 3 {
			for range failuresInARow {
				call(b, failing)
			}
			time.Sleep(probeAfter + time.Second)
			if b.circuit.State() != gobreaker.StateClosed || !b.recovering.Load() {
				t.Fatalf("after a probe the circuit is %s, recovering %v", b.circuit.State(), b.recovering.Load())
			}
		}
	})
}

func TestBreakerWaitsAsRequested(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *breaker, p *prober) {
		call(b, fault{outage: true, wait: 5 * time.Minute})
		if got := b.circuit.State(); got == gobreaker.StateClosed {
			t.Errorf("%s: the outage is not recorded", got)
		}
		time.Sleep(4 * time.Minute)
		made, err := call(b, nil)
		var a *awayError
		if made || !errors.As(err, &a) || a.RetryAfter() != time.Minute || p.count() != 0 {
			t.Errorf("after 4 of 5 minutes: made %v, %v, %d probes", made, err, p.count())
		}
		time.Sleep(time.Minute + time.Millisecond)
		if made, err := call(b, nil); !made || err != nil {
			t.Errorf("after 5 minutes: made %v, %v", made, err)
		}
	})
}

// TestBreakerPanics: a panic in a client counts as an answer, not as an outage.
func TestBreakerPanics(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *breaker, _ *prober) {
		for range 2 * failuresInARow {
			func() {
				defer func() { _ = recover() }()
				_ = b.guard(nil, func() error { panic("bug") })
			}()
		}
		if made, err := call(b, nil); !made {
			t.Error(err)
		}
	})
}

// TestOneOutage has two workers that see the same outage.
func TestOneOutage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	breakers := []*breaker{w.breaker(&prober{}), w.breaker(&prober{})}
	for _, b := range breakers {
		for range failuresInARow {
			call(b, fault{outage: true, wait: time.Second})
		}
		b.close()
	}
	open := func() []store.Outage {
		t.Helper()
		outages, err := w.OpenOutages(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return outages
	}
	if got := open(); len(got) != 1 || got[0].System != "salesforce" || got[0].Code != "ERROR" {
		t.Errorf("outages %+v, want one", got)
	}
	for _, b := range breakers {
		b.recovering.Store(true) // as after a probe
		b.observe(nil)
		b.close()
	}
	if n := ask[int](w, "SELECT count(*) FROM outages WHERE ended_at IS NOT NULL"); n != 1 || len(open()) != 0 {
		t.Errorf("%d outages have ended, want one; open are %+v", n, open())
	}
}

// TestSettle ends an outage whose worker is gone, once the system has answered this worker for a while.
func TestSettle(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answered time.Duration // ago; 0: never
		seen     time.Duration // ago
		open     bool          // the worker's own circuit
		ends     bool
	}{
		"no worker sees it":          {answered: time.Second, seen: time.Minute, ends: true},
		"it has answered since":      {answered: 15 * time.Second, seen: 25 * time.Second, ends: true},
		"another sees it":            {answered: time.Second, seen: 5 * time.Second},
		"this one has made no call":  {seen: time.Hour},
		"this one's answer is older": {answered: time.Hour, seen: time.Minute},
		"this one sees it too":       {answered: time.Second, seen: time.Minute, open: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			b := w.breaker(&prober{err: fault{outage: true}})
			defer b.close()
			if tt.open {
				for range failuresInARow {
					call(b, fault{outage: true, wait: time.Minute})
				}
				w.until("the outage is recorded", "SELECT count(*) = 1 FROM outages")
			} else if err := w.StartOutage(t.Context(), "salesforce", "503"); err != nil {
				t.Fatal(err)
			}
			w.exec("UPDATE outages SET seen_at = now() - $1::interval", tt.seen)
			if tt.answered > 0 {
				b.answered.Store(time.Now().Add(-tt.answered).UnixNano())
			}
			if err := b.settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if ended := ask[bool](w, "SELECT ended_at IS NOT NULL FROM outages"); ended != tt.ends {
				t.Errorf("ended: %v, want %v", ended, tt.ends)
			}
		})
	}
}

// TestBreakerHanging: a system that accepts calls but answers none, not even a probe, counts as away before the calls
// time out. One that only takes long for a large call does not.
func TestBreakerHanging(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answers bool // to probes
		probes  int  // at most, in five minutes
	}{
		"nothing is answered": {probes: 40},
		"one call takes long": {answers: true, probes: 15},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				db, end := unreachable(t)
				defer end()
				var probes atomic.Int64
				b := newBreaker("salesforce", func(ctx context.Context) error {
					probes.Add(1)
					if tt.answers {
						return nil
					}
					<-ctx.Done()
					return fault{outage: true}
				}, store.New(db), Queue(db), quiet)
				defer b.close()
				release := make(chan struct{})
				defer close(release)
				go func() { _ = b.guard(nil, func() error { <-release; return nil }) }()
				time.Sleep(30 * time.Second)
				if made, err := call(b, nil); made != tt.answers {
					t.Errorf("after 30 s, the next call is sent: %v, %v", made, err)
				}
				time.Sleep(270 * time.Second)
				if n := int(probes.Load()); n == 0 || n > tt.probes {
					t.Errorf("%d probes, want up to %d", n, tt.probes)
				}
			})
		})
	}
}
