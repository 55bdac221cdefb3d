package console

import (
	"time"

	"crmsync/schema/store"
)

// meter shows how many of a day's calls of a system are used.
type meter struct {
	System string
	store.Calls
	Percent     int
	ForecastPct int
	Until       string // to when the forecast reaches, in words
	Level       string // good, attention, bad
	Note        string
}

// meters returns what is known about both systems' calls.
func meters(hours []store.Hour, now time.Time) (all []meter) {
	if calls, ok := store.SalesforceCalls(hours, now); ok {
		all = append(all, newMeter("Salesforce", calls, "of the calls for 24 hours, by all programs of the org",
			"in 24 hours"))
	}
	if calls, ok := store.MondayCalls(hours, now); ok {
		all = append(all, newMeter("Monday", calls, "of today’s calls (UTC), by all programs of the account",
			"by midnight UTC"))
	}
	return all
}

func newMeter(system string, c store.Calls, note, until string) meter {
	m := meter{
		System: system, Calls: c, Note: note, Until: until,
		Percent: min(100*c.Used/c.Limit, 100), ForecastPct: min(100*c.Forecast/c.Limit, 100), Level: "good",
	}
	switch {
	case m.Percent >= 95:
		m.Level = "bad"
	case m.ForecastPct >= 90:
		m.Level = "attention"
	}
	return m
}
