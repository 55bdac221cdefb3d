package migration

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// plan is the difference between a record and its item.
type plan struct {
	write  []change // what changed in Salesforce only
	agreed []change // what both sides hold, and the link does not know yet
	clash  []change // what changed on both sides: Monday's value stays
}

// change is a column, and what the record says it should hold.
type change struct {
	target *mapping.Target
	from   column.Value
	to     column.Value
	value  any // what the field holds then
}

// changed says whether the record holds something else than what both sides last agreed on.
func (p *page) changed(x *subject) bool {
	return slices.ContainsFunc(p.migration.Targets, func(t *mapping.Target) bool {
		to, ok := x.values[t.Column]
		if !ok {
			return false
		}
		value, ok := p.holds(t, x.link, t.Column, to)
		base, known := x.link.Agreed(t.Base())
		return !ok || !known || p.fold(t, value) != p.fold(t, base)
	})
}

// compare takes what both sides last agreed on as the base: what changed in Salesforce alone is to be written, what changed in
// Monday alone is left, and of what changed on both sides Monday's value stays. Without a base only what is empty is written.
func (p *page) compare(x *subject) *plan {
	d := &plan{}
	for _, t := range p.migration.Targets {
		to, ok := x.values[t.Column]
		if !ok {
			continue
		}
		from := x.read.Columns[t.Column]
		if t.Column == nameColumn {
			from = column.Value{Type: column.Text, Text: x.read.Name}
		}
		c := change{target: t, from: from, to: to}
		base, known := x.link.Agreed(t.Base())
		theirs, toOK := p.holds(t, x.link, t.Column, to)
		ours, fromOK := p.holds(t, x.link, t.Column, from)
		c.value = theirs
		same := from.Equal(column.Value{Type: from.Type, Text: to.Text, Code: from.Code, Time: to.Time, Labels: to.Labels, IDs: to.IDs, Checked: to.Checked})
		switch {
		case toOK && known && p.fold(t, theirs) == p.fold(t, base):
		case same, toOK && fromOK && p.fold(t, theirs) == p.fold(t, ours):
			d.agreed = append(d.agreed, c)
		case known && fromOK && p.fold(t, ours) == p.fold(t, base), !known && from.Empty():
			d.write = append(d.write, c)
		case known:
			d.clash = append(d.clash, c)
		}
	}
	return d
}

// nameColumn is what the item's name is called where columns are named.
const nameColumn = "name"

// holds is what a field holds when its column holds a value.
func (p *page) holds(t *mapping.Target, link *ledger.Link, id string, v column.Value) (any, bool) {
	it := mapping.Item{Name: v.Text}
	if id != nameColumn {
		it = mapping.Item{Columns: map[string]column.Value{id: v}}
	}
	var since map[string]string
	if link != nil {
		since = link.Since
	}
	return p.literal(t.Read(it, since, p.Now()))
}

// literal is a value as it is sent to Salesforce; not ok: the item cannot say it.
func (p *page) literal(v mapping.Value) (any, bool) {
	switch {
	case v.Err != nil, v.Record != nil, v.Person != 0:
		return nil, false
	case v.Link != nil:
		id := p.linked[ledger.RecordRef{ItemID: v.Item, Record: v.Link.Name}]
		return id, id != ""
	}
	return v.Literal, true
}

func (p *page) fold(t *mapping.Target, value any) any { return t.Fold(value, p.types[t.Column]) }

// agree keeps in the link what the mapping makes of the item, for the fields that are read from the given columns or, where
// columns is nil, for all. It counts as written: the record has it, or has what an item cannot say, and that must stay.
func (p *page) agree(x *subject, it mapping.Item, columns []string) {
	values := p.migration.Record.Desired(it, x.link.Since, p.Now())
	for _, f := range p.migration.Record.Fields {
		if columns != nil && !slices.ContainsFunc(f.Columns(), func(id string) bool { return slices.Contains(columns, id) }) {
			continue
		}
		v := values[f.Name]
		var refused *mapping.ValueError
		if errors.As(v.Err, &refused) {
			x.link.Rejected = with(x.link.Rejected, f.Name, ledger.Rejection{Value: v.Err.Error(), Code: refused.Code, JobID: p.job.ID})
			continue
		}
		value, ok := p.literal(v)
		if !ok {
			continue
		}
		x.link.Agree(f.Name, value)
		if v.Since != "" {
			x.link.Since = with(x.link.Since, f.Name, v.Since)
		}
	}
	for _, t := range p.migration.Targets {
		if to, ok := x.values[t.Column]; ok && t.OwnBase() && (columns == nil || slices.Contains(columns, t.Column)) {
			if value, ok := p.holds(t, x.link, t.Column, to); ok {
				x.link.Agree(t.Base(), value)
			}
		}
	}
}

// absorb brings what was read of an item into what is known of it, as the engine does: for each column the newer time wins.
func absorb(item *ledger.Item, read *mondayclient.Item) {
	if !item.Known {
		return // it will be read as a whole when the first event comes
	}
	for id, value := range read.Columns {
		at := read.UpdatedAt
		if own, ok := read.ChangedAt[id]; ok {
			at = own
		}
		if known, ok := item.Columns[id]; ok && at.UnixMicro() >= known.At {
			item.Columns[id] = ledger.Column{Value: value, At: at.UnixMicro()}
		}
	}
	if !read.UpdatedAt.Before(item.NameAt) && item.Name != read.Name {
		item.Name, item.NameAt = read.Name, read.UpdatedAt
	}
}

// hold keeps in what is known of an item what was written to it. Its time is just after the last known one, so that whatever
// Monday tells from now on is newer.
func hold(item *ledger.Item, c change) {
	if c.target.Column == nameColumn {
		item.Name, item.NameAt = c.to.Text, item.NameAt.Add(time.Microsecond)
	} else if known, ok := item.Columns[c.target.Column]; ok && item.Known {
		item.Columns[c.target.Column] = ledger.Column{Value: c.to, At: known.At + 1}
	}
}

// clashes is what the log says of values that changed on both sides.
func (p *page) clashes(x *subject) {
	for _, c := range x.plan.clash {
		at := x.read.UpdatedAt
		if own, ok := x.read.ChangedAt[c.target.Column]; ok {
			at = own
		}
		text := fmt.Sprintf("%s.%s changed on both sides: Salesforce at %s, Monday at %s; Monday's value stays",
			p.migration.Record.Object, c.target.Field, x.stamp, at.UTC().Format(soqlTime))
		p.failures = append(p.failures, store.Failure{
			JobID: p.job.ID, Attempt: p.job.Attempt, Event: p.job.Kind, BoardID: p.job.BoardID, ItemID: x.item, ColumnID: c.target.Column,
			Object: p.migration.Record.Object, SalesforceID: x.id, Class: "conflict", Code: "CONFLICT", Message: text,
		})
		p.Log.Warn("conflict", "board", p.job.BoardID, "item", x.item, "column", c.target.Column, "object", p.migration.Record.Object,
			"field", c.target.Field, "salesforce_id", x.id, "salesforce_at", x.stamp, "monday_at", at)
	}
}

func with[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}
