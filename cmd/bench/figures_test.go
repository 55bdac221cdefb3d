package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestCompare: a figure that is worse by more than the allowed share fails the run, and such a run does not replace the
// earlier figures.
func TestCompare(t *testing.T) {
	t.Parallel()
	rate := func(v float64) check { return check{figure: figure{"rate", v, higher, 4}} }
	wait := func(v float64) check { return check{figure: figure{"wait", v, lower, 10}} }
	tests := map[string]struct {
		before, now []check
		lost        string // figures, separated by commas
	}{
		"first run":             {nil, []check{rate(3), wait(5)}, ""},
		"the same":              {[]check{rate(3), wait(0)}, []check{rate(3), wait(0)}, ""},
		"better":                {[]check{rate(3), wait(5)}, []check{rate(6), wait(1)}, ""},
		"a little worse":        {[]check{rate(3), wait(5)}, []check{rate(2.6), wait(5.7)}, ""},
		"lower rate":            {[]check{rate(3), wait(5)}, []check{rate(2.5), wait(5)}, "rate"},
		"longer wait":           {[]check{rate(3), wait(5)}, []check{rate(3), wait(5.8)}, "wait"},
		"both":                  {[]check{rate(3), wait(5)}, []check{rate(1), wait(9)}, "rate,wait"},
		"more than zero before": {[]check{wait(0)}, []check{wait(1)}, "wait"},
		"a new figure":          {[]check{rate(3)}, []check{rate(3), wait(100)}, ""},
		"a removed figure":      {[]check{rate(3), wait(5)}, []check{rate(3)}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "figures.json")
			if tt.before != nil {
				first := &bench{out: io.Discard, keep: path, checks: tt.before}
				if err := first.settle(record{Measured: time.Unix(1, 0).UTC(), Machine: "a"}); err != nil {
					t.Fatal(err)
				}
			}
			b := &bench{out: io.Discard, keep: path, before: path, allowed: 0.15, checks: tt.now}
			err := b.settle(record{Measured: time.Unix(2, 0).UTC(), Machine: "b"})
			var lost []string
			for _, f := range []string{"rate", "wait"} {
				if err != nil && strings.Contains(err.Error(), "\n"+f+": ") {
					lost = append(lost, f)
				}
			}
			if got := strings.Join(lost, ","); got != tt.lost || (err != nil) != (tt.lost != "") {
				t.Errorf("lost %q with error %v, want %q", got, err, tt.lost)
			}
			kept, err := readRecord(path)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.now
			if tt.lost != "" {
				want = tt.before
			}
			var figures []figure
			for _, c := range want {
				figures = append(figures, c.figure)
			}
			if diff := cmp.Diff(figures, kept.Figures); diff != "" {
				t.Errorf("stored figures (-want +got):\n%s", diff)
			}
		})
	}
}
