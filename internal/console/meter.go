package console

import (
	"time"

	"crmsync/schema/store"
)

// meter shows how many of a day's calls of a system are used.
type meter struct {
	System      string
	Used, Limit int
	Percent     int
	Paced       bool // numbers of an hour or more are known, as a forecast needs
	Forecast    int  // calls at the end of the period at the current rate; without a rate, those used
	ForecastPct int
	Level       string // good, attention, bad
	Note        string
}

// pace is the number of hours over which the current rate is measured.
const pace = 6 * time.Hour

// meters returns what is known about both systems' calls.
func meters(hours []store.Hour, now time.Time) (all []meter) {
	salesforce := func(h store.Hour) (used, limit *int) { return h.SalesforceUsed, h.SalesforceLimit }
	monday := func(h store.Hour) (used, limit *int) { return h.MondayUsed, h.MondayLimit }
	if m, ok := newMeter("Salesforce", hours, now, now.Add(24*time.Hour), salesforce); ok {
		m.Note = "of the calls for 24 hours, by all programs of the org"
		all = append(all, m)
	}
	today := now.UTC().Truncate(24 * time.Hour)
	var ofToday []store.Hour
	for _, h := range hours {
		if !h.Start.Before(today) {
			ofToday = append(ofToday, h)
		}
	}
	if m, ok := newMeter("Monday", ofToday, now, today.Add(24*time.Hour), monday); ok {
		m.Note = "of today’s calls (UTC), by all programs of the account"
		all = append(all, m)
	}
	return all
}

// newMeter returns a meter of the last known numbers. The forecast extrapolates the rate of the last hours.
func newMeter(system string, hours []store.Hour, now, until time.Time,
	of func(store.Hour) (used, limit *int)) (m meter, ok bool) {
	m.System = system
	var at, first time.Time
	from := 0
	for _, h := range hours {
		used, limit := of(h)
		if used == nil || limit == nil || *limit == 0 || now.Sub(h.Start) > 24*time.Hour {
			continue
		}
		if first.IsZero() && now.Sub(h.Start) <= pace {
			first, from = h.Start, *used
		}
		at, m.Used, m.Limit, ok = h.Start, *used, *limit, true
	}
	if !ok {
		return m, false
	}
	m.Forecast = m.Used
	span := at.Sub(first)
	// The first hour's number is that of its end, so the rate is known an hour after that.
	if m.Paced = !first.IsZero() && span > 0 && now.Sub(first) >= 2*time.Hour; m.Paced && m.Used > from {
		m.Forecast += int(float64(m.Used-from) / float64(span) * float64(until.Sub(now)))
	}
	m.Percent, m.ForecastPct = min(100*m.Used/m.Limit, 100), min(100*m.Forecast/m.Limit, 100)
	switch {
	case m.Percent >= 95:
		m.Level = "bad"
	case m.ForecastPct >= 90:
		m.Level = "attention"
	default:
		m.Level = "good"
	}
	return m, true
}
