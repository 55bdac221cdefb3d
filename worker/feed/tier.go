package feed

import (
	"slices"
	"time"

	"crmsync/schema/store"
)

// A transaction's records carry the time of its writes, but become visible only when it is committed: a record may
// appear with a stamp older than those already read. Each tier therefore reads again what changed since its last
// reading, and some time before that: it finds every commit that was delayed by no more than this time.
type tier struct {
	name  string
	late  time.Duration // how late a commit may be
	every time.Duration // time between readings; 0: the feed's interval
}

// tiers are the readings of an object, the first of which follows the changes as they appear. What only a wider one
// finds is counted as late.
var tiers = []tier{
	{name: store.FollowTier, late: 10 * time.Second},
	{name: "5m", late: 150 * time.Second, every: 150 * time.Second},
	{name: "2h", late: time.Hour, every: time.Hour},
	{name: "26h", late: 2 * time.Hour, every: 24 * time.Hour},
	{name: "all", late: forever, every: 7 * 24 * time.Hour},
}

// forever means all records, however long ago they changed.
const forever = 1 << 62

// tierOf returns the tier of a reading. Rows of tiers that this version does not have are left alone.
func tierOf(f store.Feed) (tier, bool) {
	n := slices.IndexFunc(tiers, func(t tier) bool { return t.name == f.Tier })
	if n < 0 {
		return tier{}, false
	}
	return tiers[n], true
}

// isFirst reports whether the tier follows the changes as they appear.
func (t tier) isFirst() bool { return t.name == store.FollowTier }

// begin starts a reading of everything that may have become visible since the last one. A wider tier reads only up to
// where the first one has come, so everything it finds is late. It is not ok before the first tier has read anything.
func (t tier) begin(f *store.Feed, all *store.Feeds) (ok bool) {
	if f.Reading {
		return true
	}
	began, beganAt := all.Horizon, all.Now
	if !t.isFirst() {
		first := all.Feed(f.Object, store.FollowTier)
		if first == nil || first.Covered.IsZero() {
			return false
		}
		began = first.Covered
	}
	f.Reading, f.Began, f.BeganAt, f.After = true, began, beganAt, store.FeedPosition{}
	if !f.Covered.IsZero() && t.late != forever {
		f.After.At = f.Covered.Add(-t.late)
	}
	if t.isFirst() && f.Newest.Before(f.After) {
		f.After = f.Newest // our clocks may be wrong; records after the newest one seen are always read
	}
	return true
}

// edge returns the time from which on the next reading of the tier begins, if it follows the changes as they appear;
// otherwise zero. No worker holds an item for as long as the other tiers look back.
func (t tier) edge(f *store.Feed) (at time.Time) {
	if t.isFirst() && !f.Began.IsZero() {
		at = f.Began.Add(-t.late)
	}
	return at
}

// span returns what the reading still has to read.
func (t tier) span(f *store.Feed) span {
	s := span{after: f.After}
	if !t.isFirst() {
		s.until = f.Began
	}
	return s
}

// advance records a page of the reading, and sets when the next one is due.
func (t tier) advance(f *store.Feed, last store.FeedPosition, isLast bool, interval time.Duration) {
	if !last.At.IsZero() {
		f.After = last
		if t.isFirst() && f.Newest.Before(last) {
			f.Newest = last
		}
	}
	f.Failures, f.Failed, f.Wait = 0, "", 0
	if !isLast {
		return
	}
	f.Reading, f.Covered, f.CompleteAt, f.After = false, f.Began, f.BeganAt, store.FeedPosition{}
	f.Began, f.BeganAt = time.Time{}, time.Time{}
	if f.Wait = t.every; t.isFirst() {
		f.Wait = interval
	}
}
