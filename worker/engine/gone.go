package engine

import (
	"context"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/send"
)

// recordGone records that the record no longer exists, as confirmed by Salesforce. A merged or converted record is
// followed and never created again; a deleted one is created again, unless the item only ever showed its Id.
func (p *pass) recordGone(ctx context.Context, w write, o send.Gone) (again []planned) {
	d := w.planned
	link := p.keep(d.work, d.plan.Record)
	switch {
	case o.Into != "":
		return p.followMerge(ctx, d, o.Into)
	case o.Converted != nil:
		return p.followConversion(ctx, d, *o.Converted)
	case len(link.Written) == 0 && link.Origin == ledger.Shown:
		id := link.SalesforceID
		link.Unlink()
		p.reject(d, plan.ShownID, ledger.Rejection{Value: id, Code: o.Code}, []string{d.plan.Record.IDColumn}, &RejectedError{
			Object: d.plan.Record.Object, SalesforceID: id, Field: publicName(plan.ShownID), Code: o.Code,
			Detail: plan.ShownIn(d.plan.Record),
		})
		return nil
	case d.work.remade[d.plan.Record.Name]:
		link.Unlink()
		d.work.retry(&RowError{Object: d.plan.Record.Object, SalesforceID: d.plan.Write.ID, Code: o.Code})
		return nil
	}
	if d.plan.Record.OnRecordDelete != mapping.Remake {
		d.work.leave(d.plan.Record, link)
		return nil
	}
	link.Lose()
	d.work.remake(d.plan.Record)
	return []planned{p.planOne(d.work, d.plan.Record)}
}

// remake has a missing record created again, at most once per batch.
func (w *work) remake(rec *mapping.Record) {
	if w.remade == nil {
		w.remade = map[string]bool{}
	}
	w.remade[rec.Name] = true
	delete(w.adopts, rec.Name)
}

// followMerge links the item to the record that its own was merged into, and plans that record.
func (p *pass) followMerge(ctx context.Context, d planned, into string) []planned {
	if taken, ok := p.takeWinner(ctx, d.work, d.plan.Record, into); !taken || !ok {
		return nil
	}
	return []planned{p.planOne(d.work, d.plan.Record)}
}

// followConversion ends the lead. The records it was converted into become the item's, if the item has no such records
// yet and no other item has them.
func (p *pass) followConversion(ctx context.Context, d planned, c send.Conversion) (again []planned) {
	became := map[string]string{"Contact": c.Contact, "Account": c.Account, "Opportunity": c.Opportunity}
	for _, rec := range d.work.board.Records {
		id := became[rec.Object]
		if link := d.work.item.Links[rec.Name]; id == "" || rec.Shared || link != nil &&
			(link.SalesforceID != "" || link.Closed != "") {
			continue
		}
		free, ok := p.mayTake(ctx, d.work, rec.Object, id)
		switch {
		case !ok:
			return nil // the lead will be asked about again
		case !free:
			continue
		}
		d.work.adoptLater(rec, id)
		if rec.Stage <= d.plan.Record.Stage { // it was planned before this was known
			again = append(again, p.planOne(d.work, rec))
		}
	}
	link := p.keep(d.work, d.plan.Record)
	d.work.log.end(recordChange{Record: link.Record, Object: link.Object, ID: link.SalesforceID, Ended: ledger.Converted})
	link.Close(ledger.Converted)
	return again
}
