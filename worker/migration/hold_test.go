package migration

import (
	"errors"
	"testing"
	"time"

	"crmsync/mondayclient"
)

// budget is a Monday of which only the budget is asked.
type budget struct {
	Monday
	left mondayclient.Budget
}

func (b budget) Budget() mondayclient.Budget { return b.left }

// What is left of Monday's minute is for live events once it is little.
func TestHold(t *testing.T) {
	t.Parallel()
	soon := time.Now().Add(time.Hour)
	tests := map[string]struct {
		left mondayclient.Budget
		held bool
	}{
		"unknown":           {mondayclient.Budget{}, false},
		"plenty":            {mondayclient.Budget{Complexity: 20, ComplexityLimit: 100, Calls: 10, CallsLimit: 100, Resets: soon}, false},
		"little complexity": {mondayclient.Budget{Complexity: 19, ComplexityLimit: 100, Calls: 99, CallsLimit: 100, Resets: soon}, true},
		"few calls":         {mondayclient.Budget{Complexity: 99, ComplexityLimit: 100, Calls: 9, CallsLimit: 100, Resets: soon}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &slice{Migrator: New(Config{Monday: budget{left: tt.left}}), ctx: t.Context(), deadline: time.Now().Add(time.Minute)}
			err := s.hold()
			var held *HoldError
			if errors.As(err, &held) != tt.held {
				t.Fatalf("%v", err)
			}
			if tt.held && (held.RetryAfter() < 59*time.Minute || held.RetryAfter() > 61*time.Minute) {
				t.Errorf("to come back in %s", held.RetryAfter())
			}
		})
	}
}

// A document is no larger than what the minute allows several of.
func TestMost(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{0: 50, 10_000_000: 50, 1_000_000: 20, 30_000: 1} {
		s := &slice{Migrator: New(Config{Monday: budget{left: mondayclient.Budget{ComplexityLimit: limit}}})}
		if got := s.most(); got != want {
			t.Errorf("with %d a minute: %d items to a document, want %d", limit, got, want)
		}
	}
}
