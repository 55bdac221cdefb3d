package reserve

import (
	"errors"
	"testing"
	"time"

	"crmsync/mondayclient"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 9, 23, 12, 0, 0, 0, time.UTC)
	soon := now.Add(20 * time.Second)
	for name, tt := range map[string]struct {
		used, limit int
		budget      mondayclient.Budget
		system      string // that holds
		wait        time.Duration
		at          time.Time // now; zero: at noon
		left        float64
	}{
		"nothing is known":          {left: 1},
		"plenty":                    {used: 1000, limit: 10_000, left: 7500. / 8500},
		"the last call":             {used: 8499, limit: 10_000, left: 1. / 8500},
		"only the reserve":          {used: 8500, limit: 10_000, system: "Salesforce", wait: 5 * time.Minute},
		"into the reserve":          {used: 9900, limit: 10_000, system: "Salesforce", wait: 5 * time.Minute},
		"Monday's complexity":       {budget: mondayclient.Budget{Complexity: 19, ComplexityLimit: 100, Resets: soon}, system: "Monday", wait: 20*time.Second + 100*time.Millisecond, left: 1},
		"Monday's calls":            {budget: mondayclient.Budget{Calls: 19, CallsLimit: 100, Resets: soon}, system: "Monday", wait: 20*time.Second + 100*time.Millisecond, left: 1},
		"Monday's day, enough left": {budget: mondayclient.Budget{DayCalls: 201, DayLimit: 1000}, left: 1},
		"Monday's day":              {budget: mondayclient.Budget{DayCalls: 200, DayLimit: 1000}, system: "Monday", wait: 5 * time.Minute, left: 1},
		"Monday's day, almost over": {budget: mondayclient.Budget{DayLimit: 1000}, system: "Monday", wait: 90 * time.Second, at: time.Date(2026, 9, 23, 23, 58, 30, 0, time.UTC), left: 1},
		"Monday's minute":           {budget: mondayclient.Budget{Calls: 20, CallsLimit: 100, Complexity: 20, ComplexityLimit: 100, Resets: soon}, left: 1},
	} {
		r := &Reserve{
			Usage: func() (int, int) { return tt.used, tt.limit }, Budget: func() mondayclient.Budget { return tt.budget },
			Salesforce: 15, Monday: 20, Now: func() time.Time { return now },
		}
		if !tt.at.IsZero() {
			r.Now = func() time.Time { return tt.at }
		}
		err := r.Check()
		hold, held := errors.AsType[*HoldError](err)
		if held != (tt.system != "") || held && (hold.System != tt.system || hold.RetryAfter() != tt.wait) {
			t.Errorf("%s: %v", name, err)
		}
		if got := r.Left(); got != tt.left {
			t.Errorf("%s: %v is left, want %v", name, got, tt.left)
		}
	}
	if err := (*Reserve)(nil).Check(); err != nil {
		t.Errorf("no reserve: %v", err)
	}
}
