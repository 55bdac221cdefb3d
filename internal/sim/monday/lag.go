package monday

import (
	"cmp"
	"slices"
	"time"
)

// snapshot is the state of an item until a time.
type snapshot struct {
	until time.Time
	item  item
}

// SetPageLag changes Config.PageLag. Pages show the past only from the next change on.
func (s *Sim) SetPageLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.PageLag = d
}

// remember keeps the state of an item before it changes, as long as pages or the index may still show it.
func (s *Sim) remember(it *item, at time.Time) {
	lag := max(s.cfg.PageLag, s.cfg.IndexLag)
	if lag == 0 || it.changed.IsZero() {
		return
	}
	it.past = slices.DeleteFunc(it.past, func(p snapshot) bool { return at.Sub(p.until) > lag })
	before := *it
	before.past, before.slots = nil, slices.Clone(it.slots)
	it.past = append(it.past, snapshot{at, before})
}

// before returns the state of the item at a time; nil if it did not exist yet.
func (it *item) before(at time.Time) *item {
	if it.created.After(at) {
		return nil
	}
	for n := range it.past {
		if it.past[n].until.After(at) {
			return &it.past[n].item
		}
	}
	return it
}

// paged returns the items of a board as its pages show them, lowest id first.
func (s *Sim) paged(b *board) []*item {
	if s.cfg.PageLag == 0 {
		return b.items
	}
	at := s.cfg.Now().Add(-s.cfg.PageLag)
	var found []*item
	for _, it := range slices.Concat(b.items, b.gone) {
		if was := it.before(at); was != nil && was.board == b {
			found = append(found, was)
		}
	}
	slices.SortFunc(found, func(a, b *item) int { return cmp.Compare(a.id, b.id) })
	return slices.CompactFunc(found, func(a, b *item) bool { return a.id == b.id })
}

// changed returns the items for which the index may be outdated.
func (s *Sim) changed(b *board) []*item {
	if s.cfg.IndexLag == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Concat(b.items, b.gone), func(it *item) bool { return len(it.past) == 0 })
}

// had reports whether the index still finds an item by a former text of its column.
func (s *Sim) had(it *item, b *board, columnID, text string) bool {
	was := it.before(s.cfg.Now().Add(-s.cfg.IndexLag))
	return was != nil && was.board == b && was.textOf(columnID) == text
}
