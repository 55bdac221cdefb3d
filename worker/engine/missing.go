package engine

import (
	"context"
	"maps"
	"slices"

	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
)

// followMissing finds out what became of records that were requested and are not visible. It believes only what
// Salesforce confirms: a record that is merely out of reach counts as unchanged.
func (p *pass) followMissing(ctx context.Context) {
	missing := map[string][]target{} // by object
	for _, w := range p.works {
		if !w.isAlive() {
			continue
		}
		for _, rec := range w.board.Records {
			link := w.item.Links[rec.Name]
			if link == nil || link.SalesforceID == "" || isPlaceholder(link.SalesforceID) || rec.Shared ||
				!p.compares(rec) || p.bulk == nil && !rec.TwoWay() && rec.OnRecordDelete == mapping.Remake {
				continue
			}
			if held, asked := p.holds[link.SalesforceID]; asked && held == nil && !p.followed[link.SalesforceID] {
				missing[rec.Object] = append(missing[rec.Object], target{w, rec})
			}
		}
	}
	for _, object := range slices.Sorted(maps.Keys(missing)) {
		ids := make([]string, len(missing[object]))
		for n, t := range missing[object] {
			ids[n] = t.work.item.Links[t.record.Name].SalesforceID
		}
		p.countCalls(1)
		fates, err := p.Salesforce.Fates(ctx, object, ids)
		for n, t := range missing[object] {
			if err != nil {
				t.work.retry(err)
				continue
			}
			p.followed[ids[n]] = true
			p.follow(ctx, t, fates[ids[n]])
		}
	}
}

// follow records what became of a record.
func (p *pass) follow(ctx context.Context, t target, fate sfclient.Fate) {
	leaves := fate.State == sfclient.Deleted && t.record.OnRecordDelete != mapping.Remake
	if p.bulk != nil && fate.State != sfclient.Merged && !leaves {
		return // the page reports it, also where the record was purged and Salesforce no longer confirms its end
	}
	link := p.keep(t.work, t.record)
	delete(p.holds, link.SalesforceID)
	switch fate.State {
	case sfclient.Merged:
		if taken, _ := p.takeWinner(ctx, t.work, t.record, fate.MasterID); taken {
			delete(t.work.decisions, t.record.Name) // the other record is read, too
			p.readWinner(ctx, t, fate.MasterID)
		}
	case sfclient.Deleted:
		p.followDeleted(t, link)
	default:
		t.work.log.note("the record " + t.record.Name + " is not visible")
		t.work.sendUnread(t.record)
	}
}

// readWinner reads the record that has replaced the item's own in a merge. Its fields count as a first meeting.
func (p *pass) readWinner(ctx context.Context, t target, id string) {
	if p.bulk == nil || t.record.TwoWay() {
		return
	}
	if err := p.retrieve(ctx, t.record.Object, []string{id}, addAll(nil, p.fieldsOf(t.record))); err != nil {
		t.work.retry(err)
	}
}

// followDeleted records that a record was deleted.
func (p *pass) followDeleted(t target, link *ledger.Link) {
	switch {
	case t.record.OnRecordDelete != mapping.Remake:
		p.holds[link.SalesforceID] = nil // nothing is written to it
		p.note(planned{t.work, plan.Plan{Record: t.record}},
			Difference{Kind: plan.Gone, Takes: t.record.OnRecordDelete == mapping.Archive})
		t.work.leave(t.record, link)
	case t.work.isOnlyRung():
		t.work.log.end(recordChange{Record: link.Record, Object: link.Object, ID: link.SalesforceID, Ended: ledger.Deleted})
		link.Lose()
	default:
		link.Lose()
		t.work.remake(t.record)
	}
}

// sendUnread has the fields that go both ways sent although the record could not be read, if an event changed them:
// Salesforce's answer to the write reveals what became of the record.
func (w *work) sendUnread(rec *mapping.Record) {
	if w.isOnlyRung() {
		return
	}
	if w.view.Decided == nil {
		w.view.Decided = map[string]map[string]bool{}
	}
	w.view.Decided[rec.Name] = map[string]bool{}
	for _, f := range rec.Fields {
		if f.ToMonday() || rec.Whole(f) != nil {
			w.view.Decided[rec.Name][f.Name] = f.Sync != mapping.ToMonday
		}
	}
}

// leave keeps the item without its deleted record, or marks it to be archived.
func (w *work) leave(rec *mapping.Record, link *ledger.Link) {
	if rec.OnRecordDelete == mapping.Archive {
		w.archives = append(w.archives, target{w, rec})
		return
	}
	w.log.end(recordChange{Record: link.Record, Object: link.Object, ID: link.SalesforceID, Ended: ledger.Deleted})
	link.Close(ledger.Deleted)
}

// isOnlyRung reports whether no event of Monday asks for the comparison. In that case a record that was deleted in
// Salesforce is not created again. The item's next change creates it.
func (w *work) isOnlyRung() bool {
	return !w.fresh && !slices.ContainsFunc(w.tasks, func(t *task) bool { return t.Kind != Resync && !t.own })
}

// isEnded reports whether the item's record was deleted in Salesforce and nobody has changed the item since.
func (p *pass) isEnded(w *work, rec *mapping.Record) bool {
	link := w.item.Links[rec.Name]
	return p.bulk == nil && rec.TwoWay() && link != nil && link.SalesforceID == "" && len(link.EndedIDs) > 0 &&
		w.isOnlyRung()
}

// lookBack looks for records that were deleted in Salesforce and have been restored. Before an event creates a record
// again, it is looked for, too: it may have been restored since, and edited.
func (p *pass) lookBack(ctx context.Context) {
	var wanted []target
	for _, w := range p.works {
		if !w.isAlive() || p.bulk != nil {
			continue
		}
		for _, rec := range w.board.Records {
			link := w.item.Links[rec.Name]
			if rec.TwoWay() && link != nil && link.SalesforceID == "" && len(link.EndedIDs) > 0 &&
				(link.Closed == "" || link.Closed == ledger.Deleted && w.isRung()) {
				wanted = append(wanted, target{w, rec})
			}
		}
	}
	for t, record := range p.findByKey(ctx, wanted) {
		p.keep(t.work, t.record).Reopen()
		p.linkFound(t, record)
		t.work.wrote(recordChange{
			Record: t.record.Name, Object: t.record.Object, ID: t.work.item.Links[t.record.Name].SalesforceID, Linked: true,
		}, nil)
	}
}

// archive archives the items whose records were deleted in Salesforce, if the mapping says so and the brake allows it.
func (p *pass) archive(ctx context.Context) {
	var wanted []target
	for _, w := range p.works {
		if w.isAlive() && len(w.archives) > 0 {
			wanted = append(wanted, w.archives[0])
		}
	}
	p.forgetArchives(ctx)
	if len(wanted) == 0 || p.isDry() {
		return
	}
	admitted := p.brake(ctx, wanted, true)
	p.noteHeld(admitted)
	for some := range slices.Chunk(admitted, writeSize) {
		writes := make([]mondayclient.Write, len(some))
		for n, t := range some {
			writes[n] = mondayclient.Write{BoardID: t.work.board.ID, ItemID: t.work.item.ID, Archive: true}
		}
		fates, err := p.Monday.Write(ctx, writes)
		for n, t := range some {
			fate := err
			if fate == nil {
				fate = fates[n]
			}
			p.recordArchived(t, fate)
		}
	}
}

// recordArchived records that an item was archived. The event that Monday sends about it ends the item.
func (p *pass) recordArchived(t target, err error) {
	link := p.keep(t.work, t.record)
	switch {
	case err == nil || isMissing(err):
		for _, each := range t.work.archives {
			link := p.keep(each.work, each.record)
			t.work.wrote(recordChange{Record: link.Record, Object: link.Object, ID: link.SalesforceID, Ended: ledger.Deleted,
				Archived: true}, nil)
			link.Close(ledger.Deleted)
		}
	case permanent(err):
		p.reject(planned{t.work, plan.Plan{Record: t.record}}, plan.WholeRecord, ledger.Rejection{
			Value: "archive " + link.SalesforceID, Code: codeNotArchived,
		}, nil, &RejectedError{
			Object: t.record.Object, SalesforceID: link.SalesforceID, Code: codeNotArchived,
			Detail: "Monday does not archive the item",
		})
	default:
		t.work.retry(err)
	}
}

// codeNotArchived means that Monday does not archive an item whose record was deleted.
const codeNotArchived = "NOT_ARCHIVED"
