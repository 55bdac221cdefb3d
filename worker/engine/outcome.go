package engine

import (
	"context"
	"slices"

	"crmsync/schema/ledger"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/send"
)

// record records the outcomes of writes. It returns what has to be planned again.
func (p *pass) record(ctx context.Context, writes []write, outcomes []send.Outcome) (again []planned) {
	var gone []int // their replacements may be among the other writes
	for n, w := range writes {
		if _, unknown := outcomes[n].(send.Unknown); !unknown && !p.isDry() {
			p.answered(w)
		}
		switch o := outcomes[n].(type) {
		case send.Done:
			again = append(again, p.recordDone(ctx, w, o)...)
		case send.Rejected:
			again = append(again, p.recordRejected(ctx, w, o.Rejections)...)
		case send.Gone:
			gone = append(gone, n)
		case send.Retry:
			p.recordCreated(w, o.ID)
			retryAll(w.all(), o.Err)
		case send.Unknown:
			p.recordUnknown(ctx, w, o)
		}
	}
	for _, n := range gone {
		again = append(again, p.recordGone(ctx, writes[n], outcomes[n].(send.Gone))...)
	}
	p.refreshLinks()
	return slices.DeleteFunc(again, func(d planned) bool { return !d.work.isAlive() })
}

// recordUnknown records a call whose answer was lost. If we stopped waiting because time ran out, Salesforce may still
// be executing it: no other worker may write the records until it must have ended.
func (p *pass) recordUnknown(ctx context.Context, w write, o send.Unknown) {
	p.recordCreated(w, o.ID)
	retryAll(w.all(), o.Err)
	for _, d := range w.all() {
		d.work.held = d.work.held || ctx.Err() != nil
	}
	switch w.plan.Write.Op {
	case plan.Create:
		if o.ID == "" {
			p.leases.unsure = append(p.leases.unsure, ledger.MatchLease(w.plan.Match))
		}
	case plan.Upsert:
		p.doubt(w.work, w.plan.Record)
	case plan.Update:
		link, compared := p.keep(w.work, w.plan.Record), w.compared()
		for field, value := range w.plan.Write.Fields {
			if !slices.Contains(compared, field) {
				link.WillSend(field, ledger.Sending{Value: value})
				link.Doubt(field)
			}
		}
	}
}
