package cli

import "testing"

// TestSeconds checks that durations are rounded for people.
func TestSeconds(t *testing.T) {
	t.Parallel()
	for s, want := range map[float64]string{0: "0 ms", 0.0314: "31 ms", 5.674: "5.7 s", 41.6: "42 s", 4271.3: "1h11m11s"} {
		if got := seconds(s); got != want {
			t.Errorf("seconds(%v) = %q, want %q", s, got, want)
		}
	}
}
