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

// readValues finds the items that the records refer to, and converts the fields of the records without an item into
// values of columns.
func (s *session) readValues(ctx context.Context, p *page) error {
	ids := references(s.migration.Targets, p.records)
	links, err := s.linksOf(ctx, ids)
	if err != nil {
		return err
	}
	for _, t := range s.migration.Targets {
		if rec := t.Link(); rec != nil && p.items[rec] == nil {
			p.items[rec] = map[string]int64{}
			for _, id := range ids {
				p.items[rec][id] = itemOf(rec, links[id])
			}
		}
	}
	for _, r := range p.records {
		if _, isCreated := r.match.(created); !isCreated && !r.isUnmatched() {
			continue
		}
		r.values = map[string]column.Value{}
		for _, t := range s.migration.Targets {
			if v, ok := s.valueOf(p, r, t); ok {
				r.values[t.Column()] = v
			}
		}
	}
	return nil
}

func (s *session) linksOf(ctx context.Context, ids []string) (map[string][]store.Linked, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return s.config.Store.LinksOf(ctx, ids)
}

// valueOf returns what a new item shows for a field. It is not ok if the column has no value for it. An item's name is
// shortened if it is too long.
func (s *session) valueOf(p *page, r *record, t *mapping.Field) (column.Value, bool) {
	value := r.fields[t.Name]
	id, _ := reference(r.fields, t)
	v, ok := t.Back(value, column.Value{Type: s.board.typeOf(t.Column())}, p.items[t.Link()][id])
	if text, isText := value.(string); !ok && isText && t.Column() == ledger.NameColumn {
		return column.Value{Type: column.Text, Text: text}, true
	}
	return v, ok
}

// references returns the Ids of the records that the records refer to.
func references(targets []*mapping.Field, records []*record) (ids []string) {
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
func reference(fields sfclient.Record, t *mapping.Field) (string, bool) {
	text, _ := fields[t.Name].(string)
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
