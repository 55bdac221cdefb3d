package main

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	self := func(v float64) float64 { return v }
	took := []time.Duration{1e6, 2e6, 3e6, 4e6}
	some := latency{monday: 60 * time.Millisecond, salesforce: 20 * time.Millisecond}
	call := func(from, to int64) sentCall { return sentCall{began: time.UnixMilli(from), end: time.UnixMilli(to)} }
	tests := map[string]struct{ got, want float64 }{
		"middle of an odd number":           {middle([]float64{3, 1, 2}, self), 2},
		"middle of an even number":          {middle([]float64{4, 1, 3, 2}, self), 2.5},
		"most":                              {most([]float64{1, 3, 2}, self), 3},
		"ratio per round":                   {ratio([]float64{10, 1, 30}, []float64{5, 1, 10}, self), 2},
		"p50":                               {quantile(took, 0.5), 3},
		"p99":                               {quantile(took, 0.99), 4},
		"longest":                           {quantile(took, 1), 4},
		"quantile of no values":             {quantile(nil, 0.5), 0},
		"cost of an event":                  {cpu{program: 3, postgres: 5}.since(cpu{program: 1, postgres: 1}, 1000).total(), 6000},
		"without the CPU time of the bench": {cpu{bench: 3}.total(), 0},
		"what the calls allow":              {migrated{monday: 30, salesforce: 10, calls: some}.bound(), 2000}, // 2 s, 4 at once
		"share of what they allow":          {migrated{rate: 1500, monday: 30, salesforce: 10, calls: some}.share(), 0.75},
		"idle without calls":                {(&callLog{}).idle(), 0},
		"idle between calls": {
			(&callLog{calls: []sentCall{call(600, 1000), call(0, 300), call(100, 200), call(250, 400)}}).idle(), 0.2},
		"a figure below its minimum": {checked(func(b *bench) { b.atLeast("f", 0.49, 0.5) }), 0},
		"a figure at its minimum":    {checked(func(b *bench) { b.atLeast("f", 0.5, 0.5) }), 1},
		"a figure above its maximum": {checked(func(b *bench) { b.atMost("f", "%f", 0.51, 0.5) }), 0},
		"a figure at its maximum":    {checked(func(b *bench) { b.atMost("f", "%f", 0.5, 0.5) }), 1},
	}
	for name, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", name, tt.got, tt.want)
		}
	}
}

// checked returns 1 if the check passed.
func checked(check func(*bench)) float64 {
	b := &bench{}
	check(b)
	if b.checks[0].ok {
		return 1
	}
	return 0
}

func TestLatest(t *testing.T) {
	t.Parallel()
	const items = 4 // the stride leads by 3 of them: 0 3 2 1 0 3
	want := map[int]int{0: 4, 3: 5, 2: 2, 1: 3}
	if diff := cmp.Diff(want, latest(6, items)); diff != "" {
		t.Errorf("latest (-want +got):\n%s", diff)
	}
	if got := len(latest(20_000, 20_000)); got != 20_000 {
		t.Errorf("20,000 events come to %d items, want 20,000", got)
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 20_000: "20,000", 1_000_042: "1,000,042"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	tests := map[string][]int{"5000": {5000}, "5000,100000": {5000, 100_000}, "": nil, "5,": nil, "0": nil, "-1": nil, "many": nil}
	for list, want := range tests {
		got, err := numbers(list)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) {
			t.Errorf("numbers(%q): %v (-want +got):\n%s", list, err, diff)
		}
	}
}

// TestUsed reads facts about a process that are known otherwise: its parent, and that it uses CPU time.
func TestUsed(t *testing.T) {
	t.Parallel()
	var of stat
	for of.own == 0 { // a tick is 10 ms
		var err error
		if of, err = statOf(os.Getpid()); err != nil {
			t.Skipf("no /proc: %v", err)
		}
	}
	if of.parent != os.Getppid() {
		t.Errorf("statOf = %+v, want parent %d", of, os.Getppid())
	}
}
