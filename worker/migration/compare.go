package migration

import (
	"errors"
	"slices"
	"time"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// rules are the rules for comparing a record with its item. Comparing changes nothing.
type rules struct {
	record  *mapping.Record
	targets []*mapping.Target
	types   map[string]column.Type
	linked  map[ledger.RecordRef]string // Ids of the records that items are connected to
	now     time.Time
}

// difference is the difference between a record and its item.
type difference struct {
	write  []change // what changed in Salesforce only
	agreed []change // what both sides hold, but the link does not record yet
	clash  []change // what changed on both sides: Monday's value stays
}

// change is a column, its value, and the value that it should have according to the record.
type change struct {
	target   *mapping.Target
	from, to column.Value
	before   any // the field's value according to the column; nil also if the column does not determine it
	after    any // its value according to the record
}

// changed reports whether a record differs from what both sides last agreed on.
func (r *rules) changed(link *ledger.Link, values map[string]column.Value) bool {
	return slices.ContainsFunc(r.targets, func(t *mapping.Target) bool {
		to, ok := values[t.Column]
		if !ok || t.TwoWay() {
			return false
		}
		value, ok := r.held(t, link, to)
		base, known := link.Agreed(t.Base())
		return !ok || !known || r.fold(t, value) != r.fold(t, base)
	})
}

// rings reports whether the engine has to compare the item: a field that goes both ways differs from what Salesforce
// last held, or was never compared.
func (r *rules) rings(link *ledger.Link, fields sfclient.Record) bool {
	return slices.ContainsFunc(r.record.Back(), func(f *mapping.Field) bool {
		value, isRead := fields[f.Name]
		held, met := link.Held[f.Name]
		return isRead && (!met || f.Fold(held.Value) != f.Fold(value))
	})
}

// compare uses what both sides last agreed on as the base: what changed only in Salesforce is written, what changed
// only in Monday is left, and what changed on both sides keeps Monday's value. Without a base, only empty columns are
// written. Columns of fields that go both ways are left to the engine.
func (r *rules) compare(link *ledger.Link, values map[string]column.Value, read *mondayclient.Item) difference {
	var d difference
	for _, t := range r.targets {
		to, ok := values[t.Column]
		if !ok || t.TwoWay() {
			continue
		}
		from := read.Columns[t.Column]
		if t.Column == ledger.NameColumn {
			from = column.Value{Type: column.Text, Text: read.Name}
		}
		theirs, theirsOK := r.held(t, link, to)
		ours, oursOK := r.held(t, link, from)
		base, known := link.Agreed(t.Base())
		c := change{target: t, from: from, to: to, before: ours, after: theirs}
		switch {
		case theirsOK && known && r.fold(t, theirs) == r.fold(t, base):
		case alike(from, to), theirsOK && oursOK && r.fold(t, theirs) == r.fold(t, ours):
			d.agreed = append(d.agreed, c)
		case known && oursOK && r.fold(t, ours) == r.fold(t, base), !known && from.Empty():
			d.write = append(d.write, c)
		case known:
			d.clash = append(d.clash, c)
		}
	}
	return d
}

// alike reports whether two values of a column look the same on the board. What only Monday adds, such as the country
// of a phone number, is ignored.
func alike(from, to column.Value) bool {
	to.Type, to.Code = from.Type, from.Code
	return from.Equal(to)
}

// agree records in the link the values that the mapping derives from an item, for the fields of the given columns, or
// for all if columns is nil. They count as written: the record has them, or has a value that an item cannot express,
// which must stay.
func (r *rules) agree(link *ledger.Link, item mapping.Item, columns []string, job int64) {
	values := r.record.Desired(item, link.Since, r.now)
	for _, f := range r.record.Fields {
		if columns != nil && !slices.ContainsFunc(f.Columns(), func(id string) bool { return slices.Contains(columns, id) }) {
			continue
		}
		v := values[f.Name]
		if rejected, is := errors.AsType[*mapping.ValueError](v.Err); is {
			link.Reject(f.Name, ledger.Rejection{Value: v.Err.Error(), Code: rejected.Code, JobID: job})
			continue
		}
		if value, ok := r.literal(v); ok {
			link.Agree(f.Name, value)
			link.Apply(f.Name, v.Since)
		}
	}
	for _, t := range r.targets {
		if !t.OwnBase() || columns != nil && !slices.Contains(columns, t.Column) {
			continue
		}
		if value, ok := r.held(t, link, valueOf(item, t.Column)); ok {
			link.Agree(t.Base(), value)
		}
	}
}

// hold records what Salesforce holds in the fields that come back to Monday, as far as the item says the same: both
// sides have met, and a later change of one of them is no first meeting.
func (r *rules) hold(link *ledger.Link, fields sfclient.Record) {
	for _, f := range r.record.Back() {
		value, isRead := fields[f.Name]
		if base, ok := link.Agreed(f.Name); ok && isRead && f.Fold(base) == f.Fold(value) {
			link.Hold(f.Name, ledger.Held{Value: value})
		}
	}
}

// valueOf returns what an item holds in a column.
func valueOf(item mapping.Item, id string) column.Value {
	if id == ledger.NameColumn {
		return column.Value{Type: column.Text, Text: item.Name}
	}
	return item.Columns[id]
}

// held returns the value of a field for a value of its column; ok is false if the column does not determine it.
func (r *rules) held(t *mapping.Target, link *ledger.Link, v column.Value) (any, bool) {
	item := mapping.Item{Name: v.Text}
	if t.Column != ledger.NameColumn {
		item = mapping.Item{Columns: map[string]column.Value{t.Column: v}}
	}
	var since map[string]string
	if link != nil {
		since = link.Since
	}
	return r.literal(t.Read(item, since, r.now))
}

// literal returns a value in the form sent to Salesforce; ok is false if the item cannot express it.
func (r *rules) literal(v mapping.Value) (any, bool) {
	switch {
	case v.Err != nil, v.Record != nil, v.Person != 0:
		return nil, false
	case v.Link != nil:
		id := r.linked[ledger.RecordRef{ItemID: v.Item, Record: v.Link.Name}]
		return id, id != ""
	}
	return v.Literal, true
}

func (r *rules) fold(t *mapping.Target, value any) any { return t.Fold(value, r.types[t.Column]) }
