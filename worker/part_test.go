package worker

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/retry"
	"crmsync/mondayclient"
	"crmsync/sfclient"
)

var (
	errRefused = &mondayclient.Error{Status: 200, Code: "UserUnauthorizedException"}
	errStorage = &sfclient.Error{Status: 400, Code: "STORAGE_LIMIT_EXCEEDED"}
)

// TestPartAway: a refusal that concerns one part only blocks calls to that part, and counts as an answer of the system.
func TestPartAway(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end    error
		scopes []string
		probe  error
		away   string // the outage that the call waits for; empty: none of a part
		opens  bool   // the part is known
		system bool   // the system counts as away
	}{
		"a board":                     {end: errRefused, scopes: []string{"board 1"}, away: "salesforce board 1", opens: true},
		"one of two boards":           {end: errRefused, scopes: []string{"board 1", "board 2"}, away: "salesforce board 1, board 2"},
		"no named part":               {end: errRefused, away: "monday", system: true},
		"the whole system":            {end: errRefused, scopes: []string{"board 1"}, probe: errRefused, away: "monday", system: true},
		"storage":                     {end: errStorage, scopes: []string{"creation"}, away: "salesforce creation", opens: true},
		"another failure of a create": {end: &sfclient.Error{Status: 400, Code: "BAD"}, scopes: []string{"creation"}},
		"no answer":                   {end: &mondayclient.Error{Code: "UNREACHABLE"}, scopes: []string{"board 1"}, away: "monday"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *breaker, p *prober) {
				p.set(tt.probe)
				_, err := call(b, tt.end, tt.scopes...)
				if got := waitsFor(err); !errors.Is(err, tt.end) || got != tt.away {
					t.Errorf("error %v waits for %q, want %q", err, got, tt.away)
				}
				if tt.away != "" && (!retry.Outage(err) || retry.After(err) <= 0 || retry.Permanent(err)) {
					t.Errorf("error %v does not ask to wait", err)
				}
				made, err := call(b, nil, tt.scopes...)
				if made == (tt.opens || tt.system) {
					t.Errorf("the next call is sent: %v, %v", made, err)
				}
				if made, err := call(b, nil, "board 3"); made == tt.system {
					t.Errorf("a call to another part is sent: %v, %v", made, err)
				}
			})
		})
	}
}

// TestStorageDoesNotFlap: while the org's storage is full, calls that may create and do not, or that fail for another
// reason, do not end the outage. One that creates does.
func TestStorageDoesNotFlap(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *breaker, _ *prober) {
		call(b, errStorage, "creation")
		for name, end := range map[string]error{"changed only": errors.New("nothing was created"), "another failure": &sfclient.Error{Status: 400, Code: "BAD"}} {
			time.Sleep(partLongest)
			if made, err := call(b, end, "creation"); !made {
				t.Errorf("%s: not made: %v", name, err)
			}
			if !b.isOpen("creation") {
				t.Errorf("%s: the outage is over", name)
			}
		}
		time.Sleep(partLongest)
		if made, err := call(b, nil, "creation"); !made || err != nil || b.isOpen("creation") {
			t.Errorf("a record is created: made %v, %v, still away %v", made, err, b.isOpen("creation"))
		}
	})
}

// TestPartDivides: a call that needs several parts, one of which is away, is not sent: the caller sends one for each.
func TestPartDivides(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *breaker, _ *prober) {
		call(b, errRefused, "board 1")
		time.Sleep(time.Minute) // one call may probe the board again now
		made, err := call(b, nil, "board 1", "board 2")
		var divides interface{ Divisible() bool }
		if made || !errors.As(err, &divides) || !divides.Divisible() {
			t.Errorf("made %v, %v", made, err)
		}
		if _, err := call(b, errRefused, "board 1"); !errors.As(err, &divides) || divides.Divisible() {
			t.Errorf("%v: there is nothing to divide", err)
		}
	})
}

// TestPartProbes: a part is probed by one call after a wait that doubles, and a successful call ends its outage.
func TestPartProbes(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *breaker, p *prober) {
		var probed []int // seconds
		for second := range 40 * 60 {
			if made, _ := call(b, errRefused, "board 1"); made {
				probed = append(probed, second)
			}
			time.Sleep(time.Second)
		}
		want := []int{0, 5, 15, 35, 75, 155, 315, 615, 915, 1215, 1515, 1815, 2115}
		if diff := cmp.Diff(want, probed); diff != "" {
			t.Errorf("probed after (-want +got):\n%s", diff)
		}
		time.Sleep(partLongest)
		if made, err := call(b, nil, "board 1"); !made || err != nil || b.isOpen("board 1") {
			t.Errorf("made %v, %v, away %v", made, err, b.isOpen("board 1"))
		}
	})
}

// TestSettleParts ends the outage of a part that no worker has seen for a long time.
func TestSettleParts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		seen time.Duration // ago
		own  bool          // this worker sees it too
		ends bool
	}{
		"no worker sees it": {seen: time.Hour, ends: true},
		"another sees it":   {seen: time.Minute},
		"this one sees it":  {seen: time.Hour, own: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			b := w.breaker(&prober{})
			defer b.close()
			call(b, nil)
			if tt.own {
				call(b, errRefused, "board 1")
				w.until("the outage is recorded", "SELECT count(*) = 1 FROM outages")
			} else if err := w.StartOutage(t.Context(), "salesforce board 1", "X"); err != nil {
				t.Fatal(err)
			}
			w.exec("UPDATE outages SET seen_at = now() - $1::interval", tt.seen)
			if err := b.settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if ended := ask[bool](w, "SELECT ended_at IS NOT NULL FROM outages"); ended != tt.ends {
				t.Errorf("ended: %v, want %v", ended, tt.ends)
			}
		})
	}
}
