package engine

import (
	"context"
	"time"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/send"
)

// recordGone records that the record is no longer there, as Salesforce confirmed. One that was merged or converted is followed
// and never created again; one that was deleted is created again, unless all that is known of it is that an item shows its Id.
func (p *pass) recordGone(ctx context.Context, w write, o send.Gone) (again []planned) {
	d := w.planned
	link := p.keep(d.work, d.plan.Record)
	switch {
	case o.Into != "":
		return p.followMerge(ctx, d, o.Into)
	case o.Converted != nil:
		d.work.log.end(recordChange{Record: link.Record, Object: link.Object, ID: link.SalesforceID, Ended: ledger.Converted})
		link.Close(ledger.Converted)
		p.followConversion(d.work, *o.Converted)
		return nil
	case len(link.Written) == 0 && link.Origin == ledger.Shown:
		id := link.SalesforceID
		link.Adopt("")
		p.reject(d, plan.ShownID, ledger.Rejection{Value: id, Code: o.Code}, []string{d.plan.Record.IDColumn}, &RefusedError{
			Object: d.plan.Record.Object, SalesforceID: id, Field: publicName(plan.ShownID), Code: o.Code,
		})
		return nil
	case d.work.remade[d.plan.Record.Name]:
		link.Adopt("")
		d.work.retry(&RowError{Object: d.plan.Record.Object, SalesforceID: d.plan.Write.ID, Code: o.Code})
		return nil
	}
	link.End()
	d.work.remake(d.plan.Record)
	return []planned{p.planOne(d.work, d.plan.Record)}
}

// remake has a record that was gone created again, once a batch.
func (w *work) remake(rec *mapping.Record) {
	if w.remade == nil {
		w.remade = map[string]bool{}
	}
	w.remade[rec.Name] = true
	delete(w.adopts, rec.Name)
}

// followMerge gives the item the record that its own was merged into, where that belongs to no other item.
func (p *pass) followMerge(ctx context.Context, d planned, into string) []planned {
	link := p.keep(d.work, d.plan.Record)
	owners, err := p.reserved(ctx, []string{into}, []string{ledger.IDLease(into)})
	if err != nil {
		d.work.retry(err)
		return nil
	}
	if !p.isLeased(ledger.IDLease(into)) {
		d.work.retry(&BusyError{What: "the record that it was merged into"})
		return nil
	}
	if owner := owners[into]; owner != 0 && owner != d.work.item.ID {
		d.work.log.end(recordChange{Record: link.Record, Object: link.Object, ID: link.SalesforceID, Ended: ledger.Merged, Into: into})
		link.Close(ledger.Merged)
		return nil
	}
	link.End()
	d.work.adoptLater(d.plan.Record, into)
	return []planned{p.planOne(d.work, d.plan.Record)}
}

// followConversion has the item's other records become what its lead was converted into, where they are not there yet.
func (p *pass) followConversion(w *work, c send.Conversion) {
	became := map[string]string{"Contact": c.Contact, "Account": c.Account, "Opportunity": c.Opportunity}
	for _, rec := range w.board.Records {
		link := w.item.Links[rec.Name]
		if id := became[rec.Object]; id != "" && !rec.Shared && (link == nil || link.SalesforceID == "" && link.Closed == "") {
			w.adoptLater(rec, id)
		}
	}
}

// remove deletes the records of the items that end, where the mapping says so.
func (p *pass) remove(ctx context.Context) {
	var wanted []target
	for _, w := range p.works {
		if w.err != nil || w.state != ending {
			continue
		}
		for _, rec := range w.board.Records {
			if rec.DeleteWithItem {
				wanted = append(wanted, target{w, rec})
			}
		}
	}
	if len(wanted) == 0 {
		return
	}
	p.linkUnlinked(ctx, wanted)
	rows, targets := deletions(p.brake(ctx, deletable(wanted)))
	for n, outcome := range p.sender.Send(ctx, rows) {
		p.recordDeleted(ctx, targets[n], outcome)
	}
}

// linkUnlinked finds the records that were created without a trace.
func (p *pass) linkUnlinked(ctx context.Context, wanted []target) {
	var unlinked []target
	for _, t := range wanted {
		if link := t.work.item.Links[t.record.Name]; link == nil || link.SalesforceID == "" && link.Closed == "" {
			unlinked = append(unlinked, t)
		}
	}
	for t, record := range p.findByKey(ctx, unlinked) {
		p.linkFound(t, record)
	}
}

// deletable are the records that there are to delete. A record that an item came to have because a person put its Id into a
// column was there before, and stays.
func deletable(wanted []target) (targets []target) {
	for _, t := range wanted {
		link := t.work.item.Links[t.record.Name]
		switch {
		case t.work.err != nil || link == nil || link.SalesforceID == "":
		case link.Origin == ledger.Shown:
			t.work.log.note("a record that the item only showed is kept")
		default:
			targets = append(targets, t)
		}
	}
	return targets
}

// deletions are the writes that delete records.
func deletions(targets []target) ([]send.Write, []target) {
	rows := make([]send.Write, len(targets))
	for n, t := range targets {
		rows[n] = send.Write{Op: send.Delete, Object: t.record.Object, ID: t.work.item.Links[t.record.Name].SalesforceID}
	}
	return rows, targets
}

// recordDeleted records what became of a deletion.
func (p *pass) recordDeleted(ctx context.Context, t target, outcome send.Outcome) {
	d := planned{t.work, plan.Plan{Record: t.record}}
	link := p.keep(t.work, t.record)
	t.work.answered = p.Now()
	switch o := outcome.(type) {
	case send.Done:
		t.work.wrote(recordChange{Record: t.record.Name, Object: t.record.Object, ID: link.SalesforceID, Deleted: true}, nil)
		link.End()
		link.Rejected, link.Since = nil, nil
	case send.Gone:
		t.work.wrote(recordChange{Record: t.record.Name, Object: t.record.Object, ID: link.SalesforceID, Deleted: true}, nil)
		link.End()
		link.Rejected, link.Since = nil, nil
	case send.Rejected:
		for _, r := range o.Rejections {
			p.reject(d, plan.WholeRecord, ledger.Rejection{Value: "delete " + link.SalesforceID, Code: r.Code}, nil, &RefusedError{
				Object: t.record.Object, SalesforceID: link.SalesforceID, Code: r.Code, Detail: detail(r),
			})
		}
	case send.Retry:
		t.work.retry(o.Err)
	case send.Unknown:
		t.work.held = t.work.held || ctx.Err() != nil
		t.work.retry(o.Err)
	}
}

// isOlder reports whether a record was there at a time, which Salesforce tells in whole seconds. One that does not say counts
// as older.
func isOlder(record sfclient.Record, at time.Time) bool {
	made, ok := record.Time("CreatedDate")
	return !ok || made.Before(at.Truncate(time.Second))
}
