package migration

import (
	"context"
	"slices"

	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// find finds the items of the records: by links, by the key field of the record, by the id column of the board. Only a
// record that is found by none of these gets a new item.
func (s *session) find(ctx context.Context, p *page) error {
	if err := s.findLinks(ctx, p.records); err != nil {
		return err
	}
	for _, r := range p.those((*record).isUnmatched) {
		if c, ok := s.backlog.items[r.id]; ok {
			r.match = c
		}
	}
	if err := s.findKeys(ctx, p.those((*record).isUnmatched)); err != nil {
		return err
	}
	if err := s.findShown(ctx, p.those((*record).isUnmatched)); err != nil {
		return err
	}
	return s.leaveSuppressed(ctx, p.records)
}

// leaveSuppressed leaves records alone whose items were erased for good.
func (s *session) leaveSuppressed(ctx context.Context, records []*record) error {
	var ids []int64
	for _, r := range records {
		if id := r.match.itemID(); id != 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	suppressed, err := s.config.Store.Suppressed(ctx, ids)
	for _, r := range records {
		if suppressed[r.match.itemID()] {
			r.match = leftAlone{itemSuppressed}
		}
	}
	return err
}

// findLinks finds items by the links to the records.
func (s *session) findLinks(ctx context.Context, records []*record) error {
	if len(records) == 0 {
		return nil
	}
	ids := make([]string, len(records))
	for n, r := range records {
		ids[n] = r.id
	}
	links, err := s.config.Store.LinksOf(ctx, ids)
	if err != nil {
		return err
	}
	for _, r := range records {
		if m := matchLinks(s.config.Mapping, s.migration.Record, links[r.id]); m != nil {
			r.match = m
		}
	}
	return nil
}

// matchLinks decides by the links to a record; nil if they decide nothing. If the linked item was deleted, the record
// gets no new one: a person decided that.
func matchLinks(m *mapping.Mapping, rec *mapping.Record, links []store.Linked) match {
	var alone match
	for _, l := range links {
		own := l.BoardID == rec.Board.ID && l.Record == rec.Name
		switch {
		case own && !l.Ended:
			return linked{l.ItemID, l.Link}
		case own && alone == nil:
			alone = leftAlone{itemDeleted}
		case !own && alone == nil && m.Owns(l.BoardID, l.Record):
			alone = leftAlone{itemElsewhere}
		}
	}
	return alone
}

// findKeys asks Monday about the items whose ids the records carry in their key field.
func (s *session) findKeys(ctx context.Context, records []*record) error {
	byItem := map[int64]*record{}
	var ids []int64
	for _, r := range records {
		if id := r.key(s.config.Mapping.Key); id > 0 {
			byItem[id] = r
			ids = append(ids, id)
		}
	}
	items, err := s.readItems(ctx, ids, nil)
	if err != nil {
		return err
	}
	for id, r := range byItem {
		if m := matchKey(s.config.Mapping, s.migration.Board.ID, items[id]); m != nil {
			r.match = m
		}
	}
	return nil
}

// matchKey decides by the item whose id a record carries; nil if it decides nothing.
func matchKey(m *mapping.Mapping, boardID int64, item *mondayclient.Item) match {
	switch {
	case item == nil:
		return nil
	case item.BoardID == boardID && item.State == "active":
		return found{item.ID, ledger.Created}
	case m.Board(item.BoardID) != nil && item.BoardID != boardID:
		return leftAlone{itemElsewhere}
	case item.BoardID == boardID:
		return leftAlone{itemDeleted}
	}
	return nil
}

// findShown asks Monday which items show the records' Ids.
func (s *session) findShown(ctx context.Context, records []*record) error {
	byID := map[string]*record{}
	var ids []string
	for _, r := range records {
		byID[r.id] = r
		ids = append(ids, r.id)
	}
	shown, err := s.searchShown(ctx, ids)
	if err != nil {
		return err
	}
	for id, item := range shown {
		byID[id].match = found{item, ledger.Shown}
	}
	return nil
}

// searchShown finds the items that show Salesforce Ids in the id column, in either of their forms.
func (s *session) searchShown(ctx context.Context, ids []string) (map[string]int64, error) {
	rec := s.migration.Record
	parts := slices.Collect(slices.Chunk(ids, searchSize))
	answers, err := inParallel(ctx, s, parts, func(some []string) ([]mondayclient.Item, error) {
		return s.config.Monday.ItemsBy(ctx, rec.Board.ID, rec.IDColumn, bothForms(some))
	})
	return shownItems(ids, slices.Concat(answers...), rec.IDColumn), err
}

// bothForms returns the Ids in their forms of 18 and of 15 characters: people paste either.
func bothForms(ids []string) []string {
	texts := slices.Clone(ids)
	for _, id := range ids {
		texts = append(texts, id[:15])
	}
	return texts
}

// shownItems returns the items that show the Ids; if several show one, the oldest counts. A search answers from an
// index, so items that show something else by now are left out.
func shownItems(ids []string, items []mondayclient.Item, idColumn string) map[string]int64 {
	asked := make(map[string]bool, len(ids))
	for _, id := range ids {
		asked[id] = true
	}
	shown := map[string]int64{}
	for _, item := range items {
		id, ok := sfclient.ID18(item.Columns[idColumn].Text)
		if before := shown[id]; ok && asked[id] && (before == 0 || item.ID < before) {
			shown[id] = item.ID
		}
	}
	return shown
}

// readItems reads items. Unknown items are absent.
func (s *session) readItems(ctx context.Context, ids []int64, columns []string) (map[int64]*mondayclient.Item, error) {
	if columns == nil {
		columns = []string{}
	}
	read := make(map[int64]*mondayclient.Item, len(ids))
	parts := slices.Collect(slices.Chunk(ids, lookupSize))
	answers, err := inParallel(ctx, s, parts, func(some []int64) ([]mondayclient.Item, error) {
		return s.config.Monday.Items(ctx, some, columns)
	})
	for _, items := range answers {
		for n := range items {
			read[items[n].ID] = &items[n]
		}
	}
	return read, err
}
