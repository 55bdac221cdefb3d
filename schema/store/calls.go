package store

import "time"

// Calls are how many of a day's calls of a system are used, as last measured.
type Calls struct {
	Used, Limit int
	Paced       bool // the current rate is known, which takes an hour or more
	Forecast    int  // used calls at the end of the period at the current rate; without a rate those used now
}

// pace is the span over which the current rate is measured.
const pace = 6 * time.Hour

// SalesforceCalls returns the calls of the last 24 hours, by all programs of the org. The forecast is for the next 24.
// It is not ok if the last number is older than a day.
func SalesforceCalls(hours []Hour, now time.Time) (c Calls, ok bool) {
	return callsOf(hours, now, now.Add(24*time.Hour), func(h Hour) (used, limit *int) {
		return h.SalesforceUsed, h.SalesforceLimit
	})
}

// MondayCalls returns the calls of the day in UTC, by all programs of the account. The forecast is for its end. It is not
// ok if there is no number of the day.
func MondayCalls(hours []Hour, now time.Time) (c Calls, ok bool) {
	today := now.UTC().Truncate(24 * time.Hour)
	var ofToday []Hour
	for _, h := range hours {
		if !h.Start.Before(today) {
			ofToday = append(ofToday, h)
		}
	}
	return callsOf(ofToday, now, today.Add(24*time.Hour), func(h Hour) (used, limit *int) {
		return h.MondayUsed, h.MondayLimit
	})
}

// callsOf returns the last known numbers, and extrapolates the rate of the last hours.
func callsOf(hours []Hour, now, until time.Time, of func(Hour) (used, limit *int)) (c Calls, ok bool) {
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
		at, c.Used, c.Limit, ok = h.Start, *used, *limit, true
	}
	if !ok {
		return c, false
	}
	c.Forecast = c.Used
	span := at.Sub(first)
	// The first hour's number is that of its end, so the rate is known an hour after that.
	if c.Paced = !first.IsZero() && span > 0 && now.Sub(first) >= 2*time.Hour; c.Paced && c.Used > from {
		c.Forecast += int(float64(c.Used-from) / float64(span) * float64(until.Sub(now)))
	}
	return c, true
}
