package engine

import (
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/settle"
)

// notePlan records the differences found by a plan.
func (p *pass) notePlan(d planned) {
	if p.bulk == nil {
		return
	}
	if f := p.bulk.found[d.work.item.ID]; !p.bulk.counted[target{d.work, d.plan.Record}] && d.plan.Compared > 0 {
		f.Fields += d.plan.Compared
		p.bulk.counted[target{d.work, d.plan.Record}] = true
	}
	for _, x := range d.plan.Differences {
		p.note(d, Difference{Field: x.Field, Kind: x.Kind, Monday: x.Monday, Salesforce: x.Salesforce, Sends: x.Sends})
	}
	for _, r := range d.plan.Rejected {
		p.note(d, Difference{Field: publicName(r.Field), Kind: plan.CannotBeSent, Code: r.Code})
	}
	link := d.work.item.Links[d.plan.Record.Name]
	for _, field := range d.plan.Repeated {
		p.note(d, Difference{Field: publicName(field), Kind: plan.CannotBeSent, Code: link.Rejected[field].Code})
	}
}

// noteNew records a record to be created, with its fields.
func (p *pass) noteNew(d planned) {
	if p.bulk == nil || d.plan.Write.Op == plan.Update {
		return
	}
	p.note(d, Difference{Kind: plan.NewRecord, Sends: true})
	for _, field := range d.plan.Record.Fields {
		if value, sent := d.plan.Write.Fields[field.Name]; sent {
			p.note(d, Difference{Field: field.Name, Kind: plan.NewRecord, Monday: value, Sends: true})
		}
	}
}

// note records a difference, once.
func (p *pass) note(d planned, x Difference) {
	key := seen{d.work.item.ID, d.plan.Record.Name, x.Field, x.Kind}
	if p.bulk == nil || p.bulk.seen[key] {
		return
	}
	p.bulk.seen[key] = true
	x.Record, x.Object = d.plan.Record.Name, d.plan.Record.Object
	if x.SalesforceID = p.salesforceID(d); isPlaceholder(x.SalesforceID) {
		x.SalesforceID = ""
	}
	f := p.bulk.found[d.work.item.ID]
	f.Differences = append(f.Differences, x)
}

// noteRejected marks the differences of a field, or of the whole record, that were sent and not accepted.
func (p *pass) noteRejected(d planned, field, code string) {
	if p.bulk == nil {
		return
	}
	differences := p.bulk.found[d.work.item.ID].Differences
	for n := range differences {
		x := &differences[n]
		isIt := field == plan.WholeRecord || x.Field == publicName(field) || field == plan.ShownID &&
			x.Field == d.plan.Record.IDColumn
		isIt = isIt && x.Sends || x.Takes && field == settle.Shows+x.Column
		if isIt && x.Record == d.plan.Record.Name {
			x.Sends, x.Rejected, x.Code = false, true, code
		}
	}
}
