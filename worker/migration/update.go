package migration

import (
	"context"
	"maps"
	"slices"

	"crmsync/internal/retry"
	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// update writes changes in Salesforce to the items. An unlinked item that shows the record, or whose id the record
// carries, is adopted.
func (s *session) update(ctx context.Context, p *page) error {
	rules := s.rules(p)
	for _, r := range p.records {
		switch m := r.match.(type) {
		case linked:
			if rules.rings(m.link, r.fields) {
				p.rings = append(p.rings, ledger.Ref{BoardID: s.job.BoardID, ItemID: m.item})
			}
			if rules.changed(m.link, r.values) {
				p.updates = append(p.updates, &update{record: r, item: m.item})
			}
		case found:
			if s.migration.Record.TwoWay() {
				p.rings = append(p.rings, ledger.Ref{BoardID: s.job.BoardID, ItemID: m.item})
			}
			p.updates = append(p.updates, &update{record: r, item: m.item, origin: m.origin})
		}
	}
	if len(p.updates) == 0 {
		return nil
	}
	if err := s.claimUpdates(ctx, p); err != nil {
		return err
	}
	if err := s.readUpdates(ctx, p, p.updates); err != nil {
		return err
	}
	var writes []*write
	for _, u := range p.updates {
		if u.read == nil {
			continue
		}
		u.claimed.MergeReading(reading(u.read), s.migration.Board.Columns, ledger.Floor{}, rules.now)
		u.diff = rules.compare(u.link, u.record.values, u.read)
		if u.write = u.writeOf(s.migration.Record.IDColumn); u.write != nil {
			writes = append(writes, u.write)
		}
	}
	if err := s.write(ctx, writes); err != nil {
		return err
	}
	for _, u := range p.updates {
		if u.read != nil {
			s.settleUpdate(p, rules, u)
		}
	}
	return nil
}

// claimUpdates leases the items, so that the engine does not write their records meanwhile, and reads their links under
// the lease.
func (s *session) claimUpdates(ctx context.Context, p *page) error {
	items := make([]int64, len(p.updates))
	for n, u := range p.updates {
		items[n] = u.item
	}
	claimed, err := s.claim(ctx, p, items)
	if err != nil {
		return err
	}
	rec := s.migration.Record
	for _, u := range p.updates {
		u.claimed = claimed[u.item]
		if u.link = u.claimed.Links[rec.Name]; u.link == nil {
			u.link = &ledger.Link{ItemID: u.item, Record: rec.Name, Object: rec.Object}
		}
		u.adopts = u.link.SalesforceID == ""
		switch {
		case u.claimed.IsDeleted():
			u.record.match = leftAlone{itemDeleted}
		case u.link.Closed != "", u.link.Ended(u.record.id), !u.adopts && u.link.SalesforceID != u.record.id:
			u.record.match = leftAlone{itemOther}
		}
	}
	return nil
}

// claim leases items. It waits for those that others hold.
func (s *session) claim(ctx context.Context, p *page, items []int64) (map[int64]*ledger.Item, error) {
	claimed := make(map[int64]*ledger.Item, len(items))
	for n := 0; ; n++ {
		var missing []ledger.Ref
		for _, id := range items {
			if claimed[id] == nil {
				missing = append(missing, ledger.Ref{BoardID: s.job.BoardID, ItemID: id})
			}
		}
		if len(missing) == 0 {
			return claimed, nil
		}
		if n > 0 && (n == 100 || !s.pause(ctx, firstWait/2)) {
			return nil, &retry.BusyError{What: "an item"}
		}
		got, err := s.config.Store.Claim(ctx, s.holder, missing, s.config.Timeout+ledger.LeaseMargin)
		if err != nil {
			return nil, err
		}
		for id, item := range got {
			claimed[id] = item
			p.claims = append(p.claims, id)
		}
	}
}

// readUpdates reads the items, and the records of the items that they are connected to. A record whose item does not
// exist is left alone.
func (s *session) readUpdates(ctx context.Context, p *page, updates []*update) error {
	var ids []int64
	for _, u := range updates {
		if u.record.match.itemID() != 0 {
			ids = append(ids, u.item)
		}
	}
	items, err := s.readItems(ctx, ids, columnsOf(s.migration))
	if err != nil {
		return err
	}
	for _, u := range updates {
		read := items[u.item]
		switch {
		case u.record.match.itemID() == 0:
		case read == nil || read.State != "active":
			u.record.match = leftAlone{itemDeleted}
		default:
			u.read = read
		}
	}
	wanted := connected(s.migration.Targets, updates)
	if len(wanted) == 0 {
		return nil
	}
	records, err := s.config.Store.LinkedIDs(ctx, wanted)
	maps.Copy(p.linked, records)
	return err
}

// columnsOf returns the columns that a comparison needs, and those that the engine knows of an item.
func columnsOf(m *mapping.Migration) []string {
	columns := slices.Clone(m.Board.Columns)
	for _, t := range m.Targets {
		if t.Column != ledger.NameColumn {
			columns = append(columns, t.Column)
		}
	}
	slices.Sort(columns)
	return slices.Compact(columns)
}

// connected returns the records of the items that the items are connected to.
func connected(targets []*mapping.Target, updates []*update) (refs []ledger.RecordRef) {
	for _, u := range updates {
		if u.read == nil {
			continue
		}
		for _, t := range targets {
			if ids := u.read.Columns[t.Column].IDs; t.Link() != nil && len(ids) > 0 {
				refs = append(refs, ledger.RecordRef{ItemID: ids[0], Record: t.Link().Name})
			}
		}
	}
	return refs
}

// writeOf returns what to write to the item, or nil.
func (u *update) writeOf(idColumn string) *write {
	values := map[string]any{}
	for _, c := range u.diff.write {
		values[c.target.Column] = c.to.Written()
		if c.target.Column == ledger.NameColumn {
			values[ledger.NameColumn] = u.record.name()
		}
	}
	if shown, _ := sfclient.ID18(u.read.Columns[idColumn].Text); u.adopts && shown != u.record.id {
		values[idColumn] = u.record.id
	}
	return newWrite(u.item, values, idColumn)
}

// settleUpdate records the result for an item that was compared.
func (s *session) settleUpdate(p *page, rules *rules, u *update) {
	if u.write != nil && u.write.err != nil {
		u.record.fail(u.write.err)
		return
	}
	item := mapping.Item{ID: u.item, Name: u.read.Name, Columns: map[string]column.Value{}}
	maps.Copy(item.Columns, u.read.Columns)
	var written []string
	for _, c := range u.diff.write {
		if !slices.Contains(u.write.trial.sent, c.target.Column) {
			u.protect(c)
			continue
		}
		written = append(written, c.target.Column)
		if c.target.Column == ledger.NameColumn {
			item.Name = c.to.Text
		} else {
			item.Columns[c.target.Column] = c.to
		}
		if c.target.Column == ledger.NameColumn || slices.Contains(s.migration.Board.Columns, c.target.Column) {
			u.claimed.WriteColumn(c.target.Column, c.to)
		}
	}
	for _, c := range u.diff.agreed {
		u.link.Agree(c.target.Base(), c.after)
	}
	if len(written) > 0 {
		u.record.outcome = isUpdated
		rules.agree(u.link, item, written, s.job.ID)
	}
	rules.hold(u.link, u.record.fields)
	if len(u.diff.clash) > 0 {
		u.record.outcome = isConflict
		s.logConflicts(p, u)
	}
	if u.write != nil {
		u.record.leftOut = u.write.trial.rejected
	}
	u.link.Take(u.record.id, u.origin)
}

// reading converts an item from Monday's answer for the ledger.
func reading(item *mondayclient.Item) ledger.Reading {
	return ledger.Reading{
		BoardID: item.BoardID, Name: item.Name, UpdatedAt: item.UpdatedAt, Columns: item.Columns, ChangedAt: item.ChangedAt,
	}
}

// protect keeps the value of a field whose column Monday rejects: without a base, the engine would mistake the empty
// column for a change and clear the field.
func (u *update) protect(c change) {
	if _, known := u.link.Agreed(c.target.Base()); !known {
		u.link.Agree(c.target.Base(), c.before)
	}
}
