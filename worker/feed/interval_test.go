package feed

import (
	"testing"
	"time"
)

func TestInterval(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		idle      time.Duration
		allowance int
		left      float64
		calls     int
		want      time.Duration
	}{
		"busy, limit unknown":  {0, 0, 1, 1, 15 * time.Second},
		"idle for ten minutes": {10 * time.Minute, 0, 1, 1, time.Minute},
		"idle for a day":       {24 * time.Hour, 0, 1, 1, 5 * time.Minute},
		"plenty":               {0, 93_500, 1, 1, 15 * time.Second},
		"a small org":          {0, 12_750, 1, 1, 67764 * time.Millisecond},
		"half of it used":      {0, 12_750, 0.5, 1, 135529 * time.Millisecond},
		"six objects":          {0, 93_500, 1, 2, 18481 * time.Millisecond},
		"almost nothing left":  {0, 12_750, 0.001, 1, 5 * time.Minute},
	} {
		if got := interval(tt.idle, tt.allowance, tt.left, tt.calls); got.Truncate(time.Millisecond) != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
