package monday

import (
	"cmp"
	"slices"
	"time"
)

// snapshot is an item as it was until a time.
type snapshot struct {
	until time.Time
	item  item
}

// SetPageLag changes Config.PageLag. Pages show what was before from the next change on.
func (s *Sim) SetPageLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.PageLag = d
}

// remember keeps what an item is before it changes, for as long as pages or the index may still show it.
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

// before is the item as it was at a time; nil: it was not yet.
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

// paged are the items of a board as its pages show them, lowest id first.
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

// changed are the items of which the index may still hold something else.
func (s *Sim) changed(b *board) []*item {
	if s.cfg.IndexLag == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Concat(b.items, b.gone), func(it *item) bool { return len(it.past) == 0 })
}

// had reports whether the index still finds an item by a text that its column no longer has.
func (s *Sim) had(it *item, b *board, columnID, text string) bool {
	was := it.before(s.cfg.Now().Add(-s.cfg.IndexLag))
	return was != nil && was.board == b && was.textOf(columnID) == text
}
