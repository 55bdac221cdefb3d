package migration

import (
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// writeSize is the most mutations in a document.
const writeSize = 50

// lease takes the leases under which the engine decides about the Ids that items show: what is made here is not linked there
// meanwhile. What was linked before is found now.
func (p *page) lease() error {
	makes := p.which(func(x *subject) bool { return x.open() || x.outcome == created })
	if len(makes) == 0 {
		return nil
	}
	for _, x := range makes {
		p.keys = append(p.keys, idLease(x.id))
	}
	for n := 0; ; n++ {
		got, err := p.Store.Lease(p.ctx, p.holder, p.keys, p.Timeout+leaseMargin)
		if err != nil {
			return err
		}
		if len(got) == len(p.keys) {
			break
		}
		if n == 10 || !p.pause(firstWait) {
			return &BusyError{What: "a record"}
		}
	}
	return p.findLinks(makes)
}

// idLease is the engine's name for the lease on a Salesforce Id that an item shows.
func idLease(id string) string { return "id " + id }

// update writes to the items what changed in Salesforce. An item whose id column shows the record, or whose id the record
// carries, and that is not linked, is adopted.
func (p *page) update() error {
	some := p.which(func(x *subject) bool {
		return x.item > 0 && x.outcome == unchanged && (x.link == nil || p.changed(x))
	})
	if len(some) == 0 {
		return nil
	}
	if err := p.claim(some); err != nil {
		return err
	}
	if err := p.readClaimed(some); err != nil {
		return err
	}
	var writes []*subject
	for _, x := range some {
		if x.read == nil {
			continue
		}
		absorb(x.claimed, x.read)
		x.plan = p.compare(x)
		if len(x.plan.write) > 0 || x.key && x.read.Columns[p.migration.Record.IDColumn].Text != x.id {
			writes = append(writes, x)
		}
	}
	if err := p.write(writes); err != nil {
		return err
	}
	for _, x := range some {
		p.settle(x)
	}
	return nil
}

// claim leases items, so that the engine does not write their records meanwhile, and takes over the links as they are then.
func (p *page) claim(subjects []*subject) error {
	claimed, err := p.claimItems(subjects)
	if err != nil {
		return err
	}
	rec := p.migration.Record
	for _, x := range subjects {
		x.claimed = claimed[x.item]
		link := x.claimed.Links[rec.Name]
		if link == nil {
			link = &ledger.Link{ItemID: x.item, Record: rec.Name, Object: rec.Object}
		}
		x.link = link
		x.key = link.SalesforceID == ""
	}
	return nil
}

// claimItems waits for the items that others have.
func (p *page) claimItems(subjects []*subject) (map[int64]*ledger.Item, error) {
	all := make(map[int64]*ledger.Item, len(subjects))
	for n := 0; ; n++ {
		var missing []ledger.Ref
		for _, x := range subjects {
			if all[x.item] == nil {
				missing = append(missing, ledger.Ref{BoardID: p.job.BoardID, ItemID: x.item})
			}
		}
		if len(missing) == 0 {
			return all, nil
		}
		if n > 0 && (n == 100 || !p.pause(firstWait/2)) {
			return nil, &BusyError{What: "an item"}
		}
		got, err := p.Store.Claim(p.ctx, p.holder, missing, p.Timeout+leaseMargin)
		if err != nil {
			return nil, err
		}
		for id, item := range got {
			all[id] = item
			p.claims = append(p.claims, id)
		}
	}
}

// readClaimed reads the claimed items that are to be written.
func (p *page) readClaimed(subjects []*subject) error {
	var some []*subject
	for _, x := range subjects {
		if !x.claimed.DeletedAt.IsZero() || x.link.Ended(x.id) || x.link.SalesforceID != "" && x.link.SalesforceID != x.id {
			x.item = leftAlone
			continue
		}
		some = append(some, x)
	}
	return p.readItemsOf(some)
}

// readItemsOf reads the items of records, and finds out which records the items that they are connected to have. An item that
// is not there is left alone.
func (p *page) readItemsOf(subjects []*subject) error {
	columns := slices.Clone(p.migration.Board.Columns)
	for _, t := range p.migration.Targets {
		if t.Column != nameColumn {
			columns = append(columns, t.Column)
		}
	}
	slices.Sort(columns)
	ids := make([]int64, len(subjects))
	for n, x := range subjects {
		ids[n] = x.item
	}
	items, err := p.readItems(ids, slices.Compact(columns))
	if err != nil {
		return err
	}
	var wanted []ledger.RecordRef
	for _, x := range subjects {
		read := items[x.item]
		if read == nil || read.State != "active" {
			x.item = leftAlone
			continue
		}
		x.read = read
		for _, t := range p.migration.Targets {
			if ids := read.Columns[t.Column].IDs; t.Link() != nil && len(ids) > 0 {
				wanted = append(wanted, ledger.RecordRef{ItemID: ids[0], Record: t.Link().Name})
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	linked, err := p.Store.LinkedIDs(p.ctx, wanted)
	maps.Copy(p.linked, linked)
	return err
}

// write changes items, some in one document. Each has its own fate.
func (p *page) write(subjects []*subject) error {
	var calls errgroup.Group
	for some := range slices.Chunk(subjects, writeSize) {
		calls.Go(func() error { return p.writeSome(some) })
	}
	return calls.Wait()
}

func (p *page) writeSome(some []*subject) error {
	for n := 0; len(some) > 0; n++ {
		fates, err := p.writeOnce(some)
		if err != nil {
			return err
		}
		var rest []*subject
		for i, x := range some {
			if x.err = fates[i]; x.err == nil {
				p.moved.Store(true)
			} else if !permanent(x.err) && n < tries {
				rest = append(rest, x)
			}
		}
		if some = rest; len(some) > 0 && !p.pause(max(firstWait, retryAfter(some[0].err))) {
			return some[0].err
		}
	}
	return nil
}

// writeOnce sends a document until it is answered.
func (p *page) writeOnce(some []*subject) ([]error, error) {
	done, err := p.turn()
	if err != nil {
		return nil, err
	}
	defer done()
	writes := make([]mondayclient.Write, len(some))
	for n, x := range some {
		writes[n] = p.writeOf(x)
	}
	return again(p.slice, "writing items", func() ([]error, error) { return p.Monday.Write(p.ctx, writes) })
}

func (p *page) writeOf(x *subject) mondayclient.Write {
	w := mondayclient.Write{BoardID: p.job.BoardID, ItemID: x.item, Columns: map[string]any{}}
	for _, c := range x.plan.write {
		w.Columns[c.target.Column] = c.to.Written()
		if c.target.Column == nameColumn {
			w.Columns[nameColumn] = x.name()
		}
	}
	if x.key {
		w.Columns[p.migration.Record.IDColumn] = x.id
	}
	return w
}

// settle keeps what became of an item that was compared.
func (p *page) settle(x *subject) {
	if x.read == nil {
		return
	}
	if x.err != nil {
		p.fail(x, "", x.err)
		return
	}
	it := mapping.Item{ID: x.item, Name: x.read.Name, Columns: map[string]column.Value{}}
	for id, v := range x.read.Columns {
		it.Columns[id] = v
	}
	var columns []string
	for _, c := range x.plan.write {
		columns = append(columns, c.target.Column)
		it.Columns[c.target.Column] = c.to
		if c.target.Column == nameColumn {
			it.Name = c.to.Text
		}
		hold(x.claimed, c)
	}
	for _, c := range x.plan.agreed {
		x.link.Agree(c.target.Base(), c.value)
	}
	if len(columns) > 0 {
		x.outcome = updated
		p.agree(x, it, columns)
	}
	if len(x.plan.clash) > 0 {
		x.outcome = conflict
		p.clashes(x)
	}
	x.link.SalesforceID = x.id
}

// claimCreated leases the items that were made, and links them. No other links them meanwhile: that takes the lease on the Id.
func (p *page) claimCreated() error {
	some := p.which(func(x *subject) bool { return x.item > 0 && x.link == nil && x.claimed == nil && x.made() })
	if len(some) == 0 {
		return nil
	}
	claimed, err := p.claimItems(some)
	if err != nil {
		return err
	}
	rec := p.migration.Record
	for _, x := range some {
		x.claimed = claimed[x.item]
		x.link = &ledger.Link{ItemID: x.item, Record: rec.Name, Object: rec.Object, SalesforceID: x.id}
		if x.signed {
			x.link.Agree(p.Mapping.Key, itemText(x.item))
		}
		p.agree(x, mapping.Item{ID: x.item, Name: x.name(), Columns: x.values}, nil)
	}
	return nil
}

// commit keeps all of the page.
func (p *page) commit() error {
	c := store.Commit{Keys: p.keys, Requeue: p.Requeue}
	keep := store.Page{RunID: p.run.ID, Cursor: p.run.Cursor, Failures: p.failures}
	for _, x := range p.subjects {
		if x.claimed != nil {
			// What a worker that died left in doubt stays so: the item's next event settles it.
			c.Items = append(c.Items, store.ItemChange{Item: x.claimed, Changed: x.claimed.Known, Left: x.claimed.Abandoned})
			if x.item > 0 && x.link.SalesforceID != "" {
				c.Links = append(c.Links, x.link)
				c.Appeared = c.Appeared || x.key
			}
		}
		p.count(&keep.Counts, x)
	}
	last := p.subjects[len(p.subjects)-1]
	keep.Cursor.At, keep.Cursor.ID = last.stamp, last.id
	keep.Documents = p.settled()
	if err := p.Store.SavePage(p.ctx, p.holder, c, keep); err != nil {
		return joinRelease(err, p)
	}
	p.run.Cursor = keep.Cursor
	p.moved.Store(true)
	p.Log.Debug("page done", "board", p.job.BoardID, "run", p.run.ID, "read", keep.Counts.Read, "created", keep.Counts.Created,
		"updated", keep.Counts.Updated, "conflicts", keep.Counts.Conflicts, "failed", keep.Counts.Failed, "age", time.Since(p.run.StartedAt))
	return nil
}

// count counts a record. In a later lap those that are as they should be were counted before.
func (p *page) count(n *store.Counts, x *subject) {
	if x.outcome == unchanged && p.run.Cursor.Lap > 0 {
		return
	}
	n.Read++
	switch x.outcome {
	case created:
		n.Created++
	case updated:
		n.Updated++
	case conflict:
		n.Conflicts++
	case failed:
		n.Failed++
	default:
		n.Unchanged++
	}
}
