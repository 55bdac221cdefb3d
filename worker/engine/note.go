package engine

import (
	"cmp"
	"slices"
	"strings"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
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
		if slices.Contains(d.plan.Repeated, x.Field) {
			continue // it cannot be sent, as noted below
		}
		p.note(d, Difference{Field: x.Field, Kind: x.Kind, Code: x.Code, Monday: x.Monday, Salesforce: x.Salesforce,
			Sends: x.Sends, Rejected: x.Code != "" && !p.isDry()})
	}
	for _, r := range d.plan.Rejected {
		p.noteUnsent(d, r.Field, r.Code, r.Columns)
	}
	link := d.work.item.Links[d.plan.Record.Name]
	for _, field := range d.plan.Repeated {
		p.noteUnsent(d, field, link.Rejected[field].Code, d.columns([]string{field}))
	}
}

// noteUnsent records that a field cannot be sent, even if a comparison has decided that it is.
func (p *pass) noteUnsent(d planned, stored, code string, columns []string) {
	name := publicName(stored)
	f := p.bulk.found[d.work.item.ID]
	f.Differences = slices.DeleteFunc(f.Differences, func(x Difference) bool {
		return x.Record == d.plan.Record.Name && x.Field == name && x.Sends
	})
	if whole, alone := d.wholeName(name); alone {
		p.noteLeft(d, whole, code)
	}
	p.note(d, Difference{Field: name, Kind: plan.CannotBeSent, Code: code, Monday: d.work.textOf(columns)})
}

// wholeName returns the field by which a part of a name is compared; empty: the field is no such part. alone means that
// no other part of the name is sent.
func (d planned) wholeName(part string) (whole string, alone bool) {
	rec := d.plan.Record
	n := slices.IndexFunc(rec.Fields, func(f *mapping.Field) bool { return f.Name == part })
	if n < 0 || rec.Whole(rec.Fields[n]) == nil {
		return "", false
	}
	w, link := d.plan.Write, d.work.item.Links[rec.Name]
	isSent := func(f *mapping.Field) bool {
		if f.Name == part || w == nil || link == nil {
			return false
		}
		value, sent := w.Fields[f.Name]
		return sent && !link.Rejects(f.Name, value)
	}
	f := rec.Whole(rec.Fields[n])
	return f.Name, !slices.ContainsFunc(rec.NameParts(f.Column()), isSent)
}

// textOf returns what the item shows in the columns; nil: nothing.
func (w *work) textOf(columns []string) any {
	var texts []string
	for _, id := range columns {
		text := w.item.Columns[id].Value.Words()
		if id == ledger.NameColumn {
			text = w.item.Name
		}
		if text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return strings.Join(texts, " · ")
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
	if p.bulk == nil {
		return
	}
	key := seen{d.work.item.ID, d.plan.Record.Name, x.Field, x.Kind}
	if p.bulk.seen[key] {
		return
	}
	p.bulk.seen[key] = true
	x.Record, x.Object = d.plan.Record.Name, d.plan.Record.Object
	x.SalesforceID = cmp.Or(d.plan.Adopts, p.salesforceID(d)) // the link follows
	if isPlaceholder(x.SalesforceID) {
		x.SalesforceID = ""
	}
	f := p.bulk.found[d.work.item.ID]
	f.Differences = append(f.Differences, x)
}

// noteRejected marks the differences of a field, or of the whole record, that should have been written but were
// rejected by a system. A rejection that concerns none of them becomes a difference of its own.
func (p *pass) noteRejected(d planned, field, code string) {
	if p.bulk == nil {
		return
	}
	name, kind := p.differing(d, field)
	about := p.differencesOf(d, name)
	for _, x := range about {
		if x.Sends || x.Takes {
			x.Sends, x.Rejected = false, true
		}
		if x.Rejected || x.Code == "" {
			x.Code = code
		}
	}
	whole, alone := d.wholeName(name)
	isPart := whole != "" && slices.ContainsFunc(p.differencesOf(d, whole), func(x *Difference) bool { return x.Sends })
	if isPart && alone {
		p.noteLeft(d, whole, code)
	}
	if len(about) == 0 {
		p.note(d, Difference{Field: name, Kind: kind, Code: code, Rejected: isPart})
	}
}

// noteLeft records that a field, or the whole record, should have been written but is left alone.
func (p *pass) noteLeft(d planned, name, code string) {
	for _, x := range p.differencesOf(d, name) {
		if x.Sends || x.Takes {
			x.Sends, x.Takes, x.Code = false, false, code
		}
	}
}

// noteHeld records which items the brake keeps from being archived.
func (p *pass) noteHeld(admitted []target) {
	for _, w := range p.works {
		if slices.ContainsFunc(admitted, func(t target) bool { return t.work == w }) {
			continue
		}
		for _, t := range w.archives {
			p.noteLeft(planned{w, plan.Plan{Record: t.record}}, plan.WholeRecord, codeHeld)
		}
	}
}

// codeHeld means that the delete brake holds what was to be done.
const codeHeld = "HELD"

// differencesOf returns what was noted about a field of a record, or about all of them if it is of the whole record.
func (p *pass) differencesOf(d planned, name string) (about []*Difference) {
	if p.bulk == nil {
		return nil
	}
	differences := p.bulk.found[d.work.item.ID].Differences
	for n := range differences {
		x := &differences[n]
		if x.Record == d.plan.Record.Name && (name == plan.WholeRecord || x.Field == name) {
			about = append(about, x)
		}
	}
	return about
}

// differing returns the name under which differences name what is stored as rejected, and their kind if the rejection
// is one of its own.
func (p *pass) differing(d planned, stored string) (name string, kind plan.Kind) {
	if column, ok := strings.CutPrefix(stored, settle.Shows); ok {
		for _, x := range p.differencesOf(d, plan.WholeRecord) {
			if x.Column == column {
				return x.Field, plan.CannotBeShown
			}
		}
		for _, f := range p.fills(d.plan.Record) {
			if f.Column() == column {
				return f.Name, plan.CannotBeShown
			}
		}
	}
	if column := d.plan.Record.IDColumn; stored == plan.ShownID && len(p.differencesOf(d, column)) > 0 {
		return column, plan.CannotBeShown // otherwise the Id was shown by a person
	}
	return publicName(stored), plan.CannotBeSent
}
