package worker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"

	"crmsync/schema/store"
)

// call makes a call that ends as it is told to, and says whether it was made.
func call(b *breaker, end error) (made bool, err error) {
	_, err = through(b, func() (int, error) {
		made = true
		return 0, end
	})
	return made, err
}

// inBubble runs a test with a breaker whose clock stands still until all wait.
func inBubble(t *testing.T, test func(t *testing.T, b *breaker)) {
	synctest.Test(t, func(t *testing.T) {
		s, end := unreachable(t)
		defer end()
		b := newBreaker("salesforce", s, quiet)
		test(t, b)
		b.reports.Wait()
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
		"a refusal between":              {ends: []error{away, away, away, other, away, away}, every: time.Second},
		"refusals":                       {ends: []error{other, other, other, other, other, errTrouble, errTrouble}},
		"over quota":                     {ends: []error{quota}, trips: true},
		"given up by the caller":         {ends: []error{context.Canceled, context.Canceled, context.Canceled, context.Canceled, context.Canceled}},
		"given up, among failures":       {ends: []error{away, away, away, context.Canceled, away, away}, trips: true},
		"given up, among slow failures":  {ends: []error{away, context.Canceled, away, away}, every: 2 * time.Second, trips: true},
		"an answer, among slow failures": {ends: []error{away, nil, away, away, away}, every: 1200 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *breaker) {
				for n, end := range tt.ends {
					if made, err := call(b, end); !made || !errors.Is(err, end) {
						t.Fatalf("call %d: made %v, %v", n, made, err)
					}
					time.Sleep(tt.every)
				}
				made, err := call(b, nil)
				if made == tt.trips {
					t.Errorf("the next call is made: %v", made)
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
	return errors.As(err, &a) && a.RetryAfter() > 0 && away(err)
}

func TestBreakerProbes(t *testing.T) {
	t.Parallel()
	failing := fault{outage: true, wait: time.Second}
	tests := map[string]struct {
		probe error
		state gobreaker.State
	}{
		"answered":               {nil, gobreaker.StateClosed},
		"refused":                {fault{permanent: true}, gobreaker.StateClosed},
		"still away":             {failing, gobreaker.StateOpen},
		"given up by the caller": {context.Canceled, gobreaker.StateHalfOpen},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *breaker) {
				for range failuresInARow {
					call(b, failing)
				}
				if made, _ := call(b, nil); made {
					t.Fatal("a call is made to a system that is away")
				}
				time.Sleep(probeAfter + time.Millisecond)
				_, err := through(b, func() (int, error) {
					if made, err := call(b, nil); made || !notMade(err) {
						t.Errorf("a second call is made while the first is out, or fails by %v", err)
					}
					return 0, tt.probe
				})
				if !errors.Is(err, tt.probe) {
					t.Errorf("error %v", err)
				}
				if got := b.circuit.State(); got != tt.state {
					t.Errorf("then %s, want %s", got, tt.state)
				}
				if made, err := call(b, nil); made != (tt.state != gobreaker.StateOpen) {
					t.Errorf("the next call is made: %v, %v", made, err)
				}
			})
		})
	}
}

func TestBreakerHeedsTheTimeAsked(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *breaker) {
		call(b, fault{outage: true, wait: 5 * time.Minute})
		if got := b.circuit.State(); got != gobreaker.StateOpen {
			t.Errorf("%s: nobody is told", got)
		}
		time.Sleep(4 * time.Minute)
		made, err := call(b, nil)
		var a *awayError
		if made || !errors.As(err, &a) || a.RetryAfter() != time.Minute {
			t.Errorf("after 4 of 5 minutes: made %v, %v", made, err)
		}
		time.Sleep(time.Minute + time.Millisecond)
		if made, err := call(b, nil); !made || err != nil {
			t.Errorf("after 5 minutes: made %v, %v", made, err)
		}
	})
}

// TestBreakerPanics has a bug in a client pass for an answer, and not for an outage.
func TestBreakerPanics(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *breaker) {
		for range 2 * failuresInARow {
			func() {
				defer func() { _ = recover() }()
				_, _ = through(b, func() (int, error) { panic("bug") })
			}()
		}
		if made, err := call(b, nil); !made {
			t.Error(err)
		}
	})
}

// TestOneOutage has two workers see the same.
func TestOneOutage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	breakers := []*breaker{newBreaker("salesforce", w.Store, quiet), newBreaker("salesforce", w.Store, quiet)}
	for _, b := range breakers {
		for range failuresInARow {
			call(b, fault{outage: true, wait: time.Second})
		}
		b.reports.Wait()
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
		b.changed("", gobreaker.StateHalfOpen, gobreaker.StateClosed)
		b.reports.Wait()
	}
	if n := ask[int](w, "SELECT count(*) FROM outages WHERE ended_at IS NOT NULL"); n != 1 || len(open()) != 0 {
		t.Errorf("%d outages have ended, want one; open are %+v", n, open())
	}
}

// TestSettle ends an outage whose keeper is gone, once the system has answered this worker for a while.
func TestSettle(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answered time.Duration // ago; 0: never
		seen     time.Duration // ago
		open     bool          // the worker's own circuit
		ends     bool
	}{
		"nobody sees it any more":    {answered: time.Second, seen: time.Minute, ends: true},
		"it has answered since":      {answered: 15 * time.Second, seen: 25 * time.Second, ends: true},
		"another sees it":            {answered: time.Second, seen: 5 * time.Second},
		"this one has not asked":     {seen: time.Hour},
		"this one's answer is older": {answered: time.Hour, seen: time.Minute},
		"this one sees it too":       {answered: time.Second, seen: time.Minute, open: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			b := newBreaker("salesforce", w.Store, quiet)
			if tt.open {
				for range failuresInARow {
					call(b, fault{outage: true, wait: time.Second})
				}
				b.reports.Wait()
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
