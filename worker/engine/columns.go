package engine

import (
	"context"
	"maps"
	"slices"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
	"crmsync/worker/engine/settle"
)

// settle decides what becomes of the columns that are filled from Salesforce. It reads records only if it has to: a
// field that goes both ways is about to be written, the feed asked for a comparison, or the item is back, whose changes
// in Salesforce were skipped meanwhile. It reads an item again before writing one of its columns.
func (p *pass) settle(ctx context.Context) {
	var wanted []target
	for _, t := range p.twoWay() {
		if p.bulk != nil || t.work.isRung() || t.work.restored || settle.NeedsSalesforce(p.settling(t)) {
			wanted = append(wanted, t)
		}
	}
	if err := p.keepOverwritten(ctx); err != nil {
		retryTargets(p.twoWay(), err)
		return
	}
	if err := p.lookChosen(ctx); err != nil {
		retryTargets(wanted, err)
		return
	}
	p.settleAll(ctx, wanted)
	p.followMissing(ctx)
}

// lookChosen looks up the values that a person chose for both sides.
func (p *pass) lookChosen(ctx context.Context) error {
	var ids []int64
	for _, w := range p.works {
		if w.isAlive() && slices.ContainsFunc(w.tasks, func(t *task) bool { return t.Chosen }) {
			ids = append(ids, w.item.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	chosen, err := p.Store.Chosen(ctx, ids)
	for _, c := range chosen {
		p.byItem[c.ItemID].chosen = append(p.byItem[c.ItemID].chosen, c)
	}
	return err
}

func retryTargets(targets []target, err error) {
	for _, t := range targets {
		t.work.retry(err)
	}
}

// settleUnread settles the records that must be read before they are written, such as those just adopted, and plans
// them again.
func (p *pass) settleUnread(ctx context.Context) (again []planned) {
	wanted := slices.DeleteFunc(p.unread, func(t target) bool {
		_, asked := t.work.decisions[t.record.Name]
		return asked || !t.work.isAlive()
	})
	p.unread = nil
	p.settleAll(ctx, wanted)
	p.followMissing(ctx)
	for _, t := range wanted {
		if t.work.isAlive() {
			again = append(again, p.planOne(t.work, t.record))
		}
	}
	return again
}

// settleAll reads the records, and the items whose columns would change, and decides.
func (p *pass) settleAll(ctx context.Context, wanted []target) {
	if len(wanted) == 0 {
		return
	}
	if err := p.readRecords(ctx, wanted); err != nil {
		retryTargets(wanted, err)
		return
	}
	p.decide(wanted)
	if p.reread(ctx, wanted) {
		p.decide(wanted)
	}
	if err := p.keepConflicts(ctx, wanted); err != nil {
		retryTargets(wanted, err)
		return
	}
	for _, t := range wanted {
		p.recordDecisions(t)
	}
	p.lookDecided(wanted)
}

// twoWay returns the records of the batch whose changes are written to Monday.
func (p *pass) twoWay() (targets []target) {
	for _, w := range p.works {
		if !w.isAlive() {
			continue
		}
		for _, rec := range w.board.Records {
			if link := w.item.Links[rec.Name]; len(p.fills(rec)) > 0 && p.compares(rec) && link != nil &&
				link.SalesforceID != "" {
				targets = append(targets, target{w, rec})
			}
		}
	}
	return targets
}

// isRung reports whether something other than an event of Monday asks for a comparison.
func (w *work) isRung() bool {
	return slices.ContainsFunc(w.tasks, func(t *task) bool { return t.Kind == Resync })
}

// readRecords reads the fields that are written to Monday, by one call for each object, and finds the items of the
// records that they refer to.
func (p *pass) readRecords(ctx context.Context, wanted []target) error {
	ids := map[string][]string{} // object -> Ids
	fields := map[string]map[string]bool{}
	for _, t := range wanted {
		id := t.work.item.Links[t.record.Name].SalesforceID
		if _, read := p.holds[id]; read || isPlaceholder(id) {
			continue
		}
		ids[t.record.Object] = append(ids[t.record.Object], id)
		fields[t.record.Object] = addAll(fields[t.record.Object], []string{savedAt, savedBy})
		for _, f := range p.fills(t.record) {
			fields[t.record.Object][f.Name] = true
			if f.Sync != mapping.Both {
				for _, part := range t.record.NameParts(f.Column()) {
					fields[t.record.Object][part.Name] = true
				}
			}
		}
	}
	for _, object := range slices.Sorted(maps.Keys(ids)) {
		if err := p.retrieve(ctx, object, ids[object], fields[object]); err != nil {
			return err
		}
	}
	return p.readReferences(ctx, wanted)
}

// readReferences finds the items of the records that the records refer to, or are to refer to after a person's choice.
func (p *pass) readReferences(ctx context.Context, wanted []target) error {
	referred := map[string][]*mapping.Record{}
	for _, t := range wanted {
		holds := p.holds[t.work.item.Links[t.record.Name].SalesforceID]
		chosen := t.work.chosenOf(t.record)
		for _, f := range p.fills(t.record) {
			for _, value := range []any{holds[f.Name], chosen[f.Name]} {
				text, _ := value.(string)
				if id, ok := sfclient.ID18(text); ok && f.Link() != nil {
					referred[id] = append(referred[id], f.Link())
				}
			}
		}
	}
	if len(referred) == 0 {
		return nil
	}
	links, err := p.Store.LinksOf(ctx, slices.Collect(maps.Keys(referred)))
	if err != nil {
		return err
	}
	if p.items == nil {
		p.items = map[*mapping.Record]map[string]int64{}
	}
	for id, records := range referred {
		for _, rec := range records {
			for _, l := range links[id] {
				if l.BoardID != rec.Board.ID || l.Record != rec.Name || l.Ended {
					continue
				}
				if p.items[rec] == nil {
					p.items[rec] = map[string]int64{}
				}
				p.items[rec][id] = l.ItemID
				p.refs.Linked[ledger.RecordRef{ItemID: l.ItemID, Record: rec.Name}] = id
				break
			}
		}
	}
	return nil
}

// settling returns what is known of an item and one of its records.
func (p *pass) settling(t target) settle.Input {
	w, link := t.work, t.work.item.Links[t.record.Name]
	in := settle.Input{
		Record: t.record, Item: w.view.View, Link: link, Holds: p.holds[link.SalesforceID],
		OwnSaveAt: p.ownSaveAt(link.SalesforceID), Linked: p.refs.Linked,
		Items: p.items, Imports: p.imported(t.record),
		Touched: w.touched, Told: w.told, Carried: w.view.Carried, Fresh: w.forced, Now: p.Now(),
	}
	if p.bulk != nil {
		in.Choices = p.bulk.Choices
	}
	in.Chosen, in.Kept = w.chosenOf(t.record), w.keptOf(t.record)
	return in
}

// keptOf returns the values of the conflicts of the record for which a person chose one, by field.
func (w *work) keptOf(rec *mapping.Record) map[string][]any {
	kept := map[string][]any{}
	for _, c := range w.chosen {
		if c.Record == rec.Name {
			kept[c.Field] = append(kept[c.Field], c.Monday, c.Salesforce)
		}
	}
	return kept
}

// chosenOf returns the values that a person chose for fields of the record.
func (w *work) chosenOf(rec *mapping.Record) map[string]any {
	chosen := map[string]any{}
	for _, c := range w.chosen {
		if c.Record == rec.Name {
			chosen[c.Field] = c.Value()
		}
	}
	return chosen
}

// decide decides about the columns of records that were read.
func (p *pass) decide(wanted []target) {
	for _, t := range wanted {
		w := t.work
		if w.decisions == nil {
			w.decisions = map[string][]settle.Decision{}
		}
		w.decisions[t.record.Name] = nil
		link := w.item.Links[t.record.Name]
		if w.isAlive() && link != nil && link.SalesforceID != "" && p.holds[link.SalesforceID] != nil {
			w.decisions[t.record.Name] = p.decideOne(t)
		}
	}
}

// reread reads the items whose columns would change, and reports whether there are any. What an event or a page shows
// may be older than a person's last edit.
func (p *pass) reread(ctx context.Context, wanted []target) (found bool) {
	stale := map[*work]bool{}
	for _, t := range wanted {
		if t.work.isAlive() && !t.work.isAsked && slices.ContainsFunc(t.work.decisions[t.record.Name], takes) {
			stale[t.work] = true
		}
	}
	if p.bulk != nil {
		p.bulk.cost.Monday += (len(stale) + readSize - 1) / readSize
	}
	if len(stale) == 0 || p.isDry() {
		return false
	}
	for w := range stale {
		w.unread, w.rereads = true, true
	}
	p.readWanted(ctx)
	for w := range stale {
		w.look()
	}
	if err := p.lookLinks(ctx); err != nil {
		retryTargets(wanted, err)
	} else if err := p.readReferences(ctx, wanted); err != nil {
		retryTargets(wanted, err)
	}
	p.refreshLinks()
	return true
}

func takes(d settle.Decision) bool { return d.Takes }

// lookDecided shows the plans the items as the decisions leave them.
func (p *pass) lookDecided(wanted []target) {
	for _, t := range wanted {
		for _, rec := range t.work.board.Records { // all: the item may have been read again
			t.work.lookDecided(rec)
		}
	}
}
