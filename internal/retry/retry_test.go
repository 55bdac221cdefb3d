package retry_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"crmsync/internal/retry"
)

type fault struct {
	wait              time.Duration
	permanent, outage bool
}

func (fault) Error() string               { return "fault" }
func (f fault) RetryAfter() time.Duration { return f.wait }
func (f fault) Permanent() bool           { return f.permanent }
func (f fault) Outage() bool              { return f.outage }

func TestBehaviour(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err               error
		after             time.Duration
		permanent, outage bool
	}{
		"none":      {},
		"plain":     {err: errors.New("x")},
		"waits":     {err: fault{wait: time.Minute}, after: time.Minute},
		"wrapped":   {err: fmt.Errorf("doing: %w", fault{wait: time.Minute, outage: true}), after: time.Minute, outage: true},
		"in a join": {err: errors.Join(errors.New("x"), fault{permanent: true}), permanent: true},
		"backwards": {err: fault{wait: -time.Second}},
		"busy":      {err: &retry.BusyError{What: "an item"}, after: time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := retry.After(tt.err); got != tt.after {
				t.Errorf("After() = %v, want %v", got, tt.after)
			}
			if got := retry.Permanent(tt.err); got != tt.permanent {
				t.Errorf("Permanent() = %t, want %t", got, tt.permanent)
			}
			if got := retry.Outage(tt.err); got != tt.outage {
				t.Errorf("Outage() = %t, want %t", got, tt.outage)
			}
		})
	}
}
