package migration

import (
	"context"
	"slices"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// readValues converts the fields of the records into values of columns.
func (s *session) readValues(ctx context.Context, p *page) error {
	links := map[string][]store.Linked{}
	if ids := references(s.migration.Targets, p.records); len(ids) > 0 {
		var err error
		if links, err = s.config.Store.LinksOf(ctx, ids); err != nil {
			return err
		}
	}
	for _, r := range p.records {
		r.values = map[string]column.Value{}
		for _, t := range s.migration.Targets {
			var item int64
			if id, ok := reference(r.fields, t); ok {
				item = itemOf(t.Link(), links[id])
				p.linked[ledger.RecordRef{ItemID: item, Record: t.Link().Name}] = id
			}
			if v, ok := t.Back(r.fields[t.Field], s.board.types[t.Column], item); ok {
				r.values[t.Column] = v
			}
		}
	}
	return nil
}

// references returns the Ids of the records that the records refer to.
func references(targets []*mapping.Target, records []*record) (ids []string) {
	for _, r := range records {
		for _, t := range targets {
			if id, ok := reference(r.fields, t); ok {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// reference returns the Id of the record that a field refers to, if its item will be connected.
func reference(fields sfclient.Record, t *mapping.Target) (string, bool) {
	text, _ := fields[t.Field].(string)
	if t.Link() == nil || text == "" {
		return "", false
	}
	return sfclient.ID18(text)
}

// itemOf returns the item of a record on the record's board, or 0.
func itemOf(rec *mapping.Record, links []store.Linked) int64 {
	for _, l := range links {
		if l.BoardID == rec.Board.ID && l.Record == rec.Name && !l.Ended {
			return l.ItemID
		}
	}
	return 0
}

// rules returns the rules of comparison for the records of a page.
func (s *session) rules(p *page) *rules {
	return &rules{
		record: s.migration.Record, targets: s.migration.Targets, types: s.board.types, linked: p.linked, now: s.config.Now(),
	}
}
