package store_test

import "testing"

// TestAddMondayCalls: the calls of all processes are added up by day.
func TestAddMondayCalls(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, tt := range []struct {
		day         string
		calls, want int
	}{{"2026-11-25", 5, 5}, {"2026-11-26", 3, 3}, {"2026-11-26", 4, 7}, {"2026-11-25", 1, 6}, {"2026-11-27", 0, 0}} {
		if got := must[int](t)(w.AddMondayCalls(t.Context(), tt.day, tt.calls)); got != tt.want {
			t.Errorf("%d calls on %s: %d in all, want %d", tt.calls, tt.day, got, tt.want)
		}
	}
	if got := must[int](t)(w.AddMondayCalls(t.Context(), "2026-11-25", 0)); got != 0 {
		t.Errorf("the day before yesterday has %d calls, want it forgotten", got)
	}
}
