package audit

import (
	"math"
	"slices"
	"time"

	"crmsync/schema/mapping"
)

const (
	pageItems = 500 // of a board, in one call to Monday
	looks     = 24  // at the newest items of a board, each day
)

// forecast reports how many calls the daily comparisons of the boards take, and whether the reserves leave enough for
// them.
func (a *auditor) forecast() {
	if a.mapping.Reconcile == "" || len(a.live.Boards) == 0 {
		return
	}
	nights := comparisons(a.mapping)
	items, monday, salesforce := 0, 0.0, 0.0
	for _, b := range a.mapping.Boards {
		known, ok := a.live.Boards[b.ID]
		if !ok {
			continue
		}
		pages := math.Ceil(float64(max(known.Items, 1)) / pageItems)
		items += known.Items
		monday += nights*pages + looks
		salesforce += nights * pages * float64(len(ownObjects(b)))
	}
	if items == 0 {
		return
	}
	a.fits(Monday, "MONDAY_RESERVE", items, monday, a.live.MondayCalls)
	a.fits(Salesforce, "SALESFORCE_RESERVE", items, salesforce, a.live.SalesforceCalls)
}

func (a *auditor) fits(system, reserve string, items int, calls float64, allowed int) {
	const what = "comparing the %d items of the boards, and what has changed of them each hour, takes about %.0f calls " +
		"a day"
	switch {
	case allowed == 0:
		a.find(Note, system, mapping.Place{}, what, items, calls)
	case calls > float64(allowed):
		a.find(Warning, system, mapping.Place{}, what+", more than the %d that %s leaves: the rest waits for the next day. "+
			"Set `reconcile` to compare less often", items, calls, allowed, reserve)
	default:
		a.find(Note, system, mapping.Place{}, what+", of %d that %s leaves", items, calls, allowed, reserve)
	}
}

// comparisons returns how many times a day the boards are compared.
func comparisons(m *mapping.Mapping) float64 {
	const days = 28
	from := time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC) // a Monday
	n := 0
	for at := m.NextReconcile(from.Add(-time.Second)); !at.IsZero() &&
		at.Before(from.AddDate(0, 0, days)); at = m.NextReconcile(at) {
		n++
	}
	return float64(n) / days
}

// ownObjects returns the objects whose records a comparison of the board reads, without shared ones, which are not
// compared.
func ownObjects(b *mapping.Board) (objects []string) {
	for _, r := range b.Records {
		if !r.Shared && !slices.Contains(objects, r.Object) {
			objects = append(objects, r.Object)
		}
	}
	return objects
}
