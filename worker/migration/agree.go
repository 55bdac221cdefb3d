package migration

import (
	"errors"
	"slices"
	"time"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// agree records in the link of a new item the values that the mapping derives from the item. They count as written:
// the record has them, or has a value that an item cannot express, which must stay. If the record holds the same in a
// field that goes both ways, both sides have been compared, and a later change is not a first meeting.
func (p *page) agree(g *mapping.Migration, c *creation, job int64, now time.Time) {
	item, link := c.asCreated(), c.link
	imported := slices.DeleteFunc(slices.Clone(g.Targets), func(f *mapping.Field) bool { return !f.IsImported() })
	for _, f := range slices.Concat(g.Record.Fields, imported) {
		v := f.Read(item, link.Since, now)
		if rejected, is := errors.AsType[*mapping.ValueError](v.Err); is {
			if !f.IsImported() {
				link.Reject(f.Name, ledger.Rejection{Value: v.Err.Error(), Code: rejected.Code, JobID: job})
			}
			continue
		}
		value, ok := p.literal(v)
		if !ok {
			continue
		}
		typ := item.Value(f.Column()).Type
		link.Agree(f.Base(), value)
		link.Apply(f.Name, v.Since)
		if held, isRead := c.record.fields[f.Name]; isRead && f.ToMonday() && f.FoldIn(held, typ) == f.FoldIn(value, typ) {
			link.Hold(f.Name, ledger.Held{Value: held})
		}
	}
}

// literal returns a value in the form sent to Salesforce; ok is false if a new item cannot express it.
func (p *page) literal(v mapping.Value) (any, bool) {
	switch {
	case v.Record != nil, v.Person != 0:
		return nil, false
	case v.Link != nil:
		for id, item := range p.items[v.Link] {
			if item == v.Item {
				return id, true
			}
		}
		return nil, false
	}
	return v.Literal, true
}
