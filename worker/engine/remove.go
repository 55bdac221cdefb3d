package engine

import (
	"context"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/send"
)

// remove deletes the records of ended items, if the mapping says so.
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
	rows, targets := deletions(p.brake(ctx, deletable(wanted), false))
	for n, outcome := range p.sender.Send(ctx, rows) {
		p.recordDeleted(ctx, targets[n], outcome)
	}
}

// linkUnlinked finds records that were created but never linked, including a second one in place of a linked record,
// if a worker that created it again died before storing it.
func (p *pass) linkUnlinked(ctx context.Context, wanted []target) {
	var unlinked []target
	for _, t := range wanted {
		link := t.work.item.Links[t.record.Name]
		if link == nil || link.Closed == "" && (link.SalesforceID == "" || link.InDoubt(p.Mapping.Key)) {
			unlinked = append(unlinked, t)
		}
	}
	for t, record := range p.findByKey(ctx, unlinked) {
		p.linkFound(t, record)
	}
}

// Deletes reports whether a record is deleted once its item ends. A record that the item received because a person
// entered its Id in a column existed before the item's link, and is kept.
func Deletes(rec *mapping.Record, link *ledger.Link) bool {
	return rec.DeleteWithItem && link != nil && link.SalesforceID != "" && link.Origin != ledger.Shown
}

// deletable returns the existing records to delete.
func deletable(wanted []target) (targets []target) {
	for _, t := range wanted {
		link := t.work.item.Links[t.record.Name]
		switch {
		case t.work.err != nil || link == nil || link.SalesforceID == "":
		case Deletes(t.record, link):
			targets = append(targets, t)
		default:
			t.work.log.note("a record that the item only showed is kept")
		}
	}
	return targets
}

// deletions returns the writes that delete records.
func deletions(targets []target) ([]send.Write, []target) {
	rows := make([]send.Write, len(targets))
	for n, t := range targets {
		rows[n] = send.Write{Op: send.Delete, Object: t.record.Object, ID: t.work.item.Links[t.record.Name].SalesforceID}
	}
	return rows, targets
}

// recordDeleted records the outcome of a deletion.
func (p *pass) recordDeleted(ctx context.Context, t target, outcome send.Outcome) {
	d := planned{t.work, plan.Plan{Record: t.record}}
	link := p.keep(t.work, t.record)
	t.work.answered = p.Now()
	switch o := outcome.(type) {
	case send.Done, send.Gone:
		t.work.wrote(recordChange{Record: t.record.Name, Object: t.record.Object, ID: link.SalesforceID, Deleted: true}, nil)
		link.EndWithItem()
	case send.Rejected:
		for _, r := range o.Rejections {
			p.reject(d, plan.WholeRecord, ledger.Rejection{Value: "delete " + link.SalesforceID, Code: r.Code}, nil,
				&RejectedError{
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
