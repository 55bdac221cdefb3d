package migration

import (
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"crmsync/mondayclient"
	"crmsync/sfclient"
)

const (
	// concurrency is the most calls that a migration has under way; the smallest account may have 40.
	concurrency = 4

	// lookupSize is the most ids or texts that Monday is asked about in one call.
	lookupSize = 100
)

// find looks for the items that the records have: by links, by the key field of the record, by the id column of the board.
// Only a record that none of them knows is made an item of.
func (p *page) find() error {
	if err := p.findLinks(p.subjects); err != nil {
		return err
	}
	for _, x := range p.subjects {
		if d := p.made[x.id]; d != nil && x.open() {
			x.outcome, x.item, x.key = created, d.item(x.id), true
		}
	}
	if err := p.findKeys(p.which((*subject).open)); err != nil {
		return err
	}
	return p.findShown(p.which((*subject).open))
}

// open says whether no item is known of the record, and it is not left alone either.
func (x *subject) open() bool { return x.item == 0 && x.outcome != failed }

// leftAlone marks a record that has no item to be written: the item was deleted, or the record is an item's of another board.
const leftAlone = -1

// findLinks looks records up in what is linked. The link of an item that was deleted stands for a decision to have none.
func (p *page) findLinks(subjects []*subject) error {
	ids := make([]string, len(subjects))
	for n, x := range subjects {
		ids[n] = x.id
	}
	links, err := p.Store.LinksOf(p.ctx, ids)
	if err != nil {
		return err
	}
	rec := p.migration.Record
	for _, x := range subjects {
		for _, l := range links[x.id] {
			switch {
			case l.BoardID == rec.Board.ID && l.Record == rec.Name && !l.Ended:
				x.item, x.link = l.ItemID, l.Link
			case x.item != 0:
			case l.BoardID == rec.Board.ID && l.Record == rec.Name, p.Mapping.Owns(l.BoardID, l.Record):
				x.item = leftAlone
			}
			if x.link != nil {
				break
			}
		}
	}
	return nil
}

// findKeys asks Monday about the items whose ids the records carry in their key field.
func (p *page) findKeys(subjects []*subject) error {
	byItem := map[int64]*subject{}
	var ids []int64
	for _, x := range subjects {
		text, _ := x.record[p.Mapping.Key].(string)
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
			byItem[id] = x
			ids = append(ids, id)
		}
	}
	items, err := p.readItems(ids, nil)
	if err != nil {
		return err
	}
	for id, item := range items {
		x := byItem[id]
		if item.BoardID == p.migration.Board.ID && item.State == "active" {
			x.item = id
		} else if p.Mapping.Board(item.BoardID) != nil {
			x.item = leftAlone
		}
	}
	return nil
}

// findShown asks Monday which items show the records' Ids. Of several the oldest counts.
func (p *page) findShown(subjects []*subject) error {
	byID := map[string]*subject{}
	var ids []string
	for _, x := range subjects {
		byID[x.id] = x
		ids = append(ids, x.id)
	}
	shown, err := p.shown(ids)
	if err != nil {
		return err
	}
	for id, item := range shown {
		byID[id].item = item
	}
	return nil
}

// shown finds the items that show Salesforce Ids in the id column.
func (s *slice) shown(ids []string) (map[string]int64, error) {
	found := map[string]int64{}
	rec := s.migration.Record
	answers, err := inParallel(s, slices.Collect(slices.Chunk(ids, lookupSize)), func(some []string) ([]mondayclient.Item, error) {
		return s.Monday.ItemsBy(s.ctx, rec.Board.ID, rec.IDColumn, some)
	})
	for _, items := range answers {
		for _, item := range items {
			id, ok := sfclient.ID18(item.Columns[rec.IDColumn].Text)
			if before := found[id]; ok && (before == 0 || item.ID < before) {
				found[id] = item.ID
			}
		}
	}
	return found, err
}

// readItems reads items; those that Monday does not know are absent.
func (s *slice) readItems(ids []int64, columns []string) (map[int64]*mondayclient.Item, error) {
	if columns == nil {
		columns = []string{}
	}
	found := make(map[int64]*mondayclient.Item, len(ids))
	answers, err := inParallel(s, slices.Collect(slices.Chunk(ids, lookupSize)), func(some []int64) ([]mondayclient.Item, error) {
		return s.Monday.Items(s.ctx, some, columns)
	})
	for _, items := range answers {
		for n := range items {
			found[items[n].ID] = &items[n]
		}
	}
	return found, err
}

// inParallel makes a call for each part, each as often as it takes; answers stand in the order of parts.
func inParallel[P, A any](s *slice, parts []P, call func(P) (A, error)) ([]A, error) {
	answers := make([]A, len(parts))
	var calls errgroup.Group
	for n, part := range parts {
		calls.Go(func() error {
			done, err := s.turn()
			if err != nil {
				return err
			}
			defer done()
			answers[n], err = again(s, "asking monday", func() (A, error) { return call(part) })
			return err
		})
	}
	return answers, calls.Wait()
}

// turn waits until the slice may have one more call to Monday under way, which ends with done.
func (s *slice) turn() (done func(), err error) {
	if err := s.calls.Acquire(s.ctx, 1); err != nil {
		return nil, err
	}
	if err := s.hold(); err != nil {
		s.calls.Release(1)
		return nil, err
	}
	return func() { s.calls.Release(1) }, nil
}

// Of Monday's budget of a minute, a fifth of the complexity and a tenth of the calls are left to live events.
const (
	keptComplexity = 5
	keptCalls      = 10
)

// hold waits where little is left of Monday's budget, until its minute is over.
func (s *slice) hold() error {
	b := s.Monday.Budget()
	short := b.ComplexityLimit > 0 && b.Complexity < b.ComplexityLimit/keptComplexity || b.CallsLimit > 0 && b.Calls < b.CallsLimit/keptCalls
	if !short {
		return nil
	}
	wait := max(time.Until(b.Resets), 0) + 100*time.Millisecond
	if !s.pause(wait) {
		return &HoldError{Wait: wait}
	}
	return nil
}
