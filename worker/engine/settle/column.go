package settle

import (
	"errors"
	"slices"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
)

// col is one column with the field that fills it.
type col struct {
	*Input
	field      *mapping.Field
	parts      []*mapping.Field // fields that Salesforce builds this one from, and that are read from the column
	now        column.Value
	monday     said
	salesforce any
	known      bool // whether salesforce is known
	imported   bool // the field fills the column only during an import
	renamed    bool // the column's label may only have got a new name, which the mapping does not know
}

// said is the value that an item has for a field.
type said struct {
	value any
	err   *mapping.ValueError // the mapping has no value for it
	waits bool                // it refers to an item without a record yet
	empty bool                // the column is empty
}

func (s said) ok() bool { return s.err == nil && !s.waits }

func (in *Input) column(f *mapping.Field) *col {
	c := &col{Input: in, field: f, now: in.Item.Value(f.Column()), imported: !f.ToMonday()}
	if f.Sync != mapping.Both {
		c.parts = in.Record.NameParts(f.Column())
	}
	c.monday = c.says(f, c.now)
	c.salesforce, c.known = in.Holds[f.Name]
	c.lookRenamed()
	return c
}

// lookRenamed lets a column whose label may only have got a new name have no value for the field, unless Salesforce
// holds the default that would be sent for the label.
func (c *col) lookRenamed() {
	err := plan.Renamed(c.Record, c.field, c.Item, c.Link, c.monday.value)
	if err == nil || !c.monday.ok() || c.Carried[c.field.Column()] || c.known && c.same(c.monday.value, c.salesforce) {
		return
	}
	c.monday, c.renamed = said{}, true
	c.monday.err, _ = errors.AsType[*mapping.ValueError](err)
}

// says returns what the field would hold if the column held a value.
func (c *col) says(f *mapping.Field, v column.Value) (s said) {
	item := c.Item.With(f.Column(), v)
	d := f.Read(item, c.Link.Since, c.Now)
	s.empty = d == mapping.Value{} || f.IsDefault(item)
	switch {
	case d.Err != nil:
		s.err, _ = errors.AsType[*mapping.ValueError](d.Err)
	case d.Link != nil:
		id := c.Linked[ledger.RecordRef{ItemID: d.Item, Record: d.Link.Name}]
		s.value, s.waits = id, id == ""
	default:
		s.value = d.Literal
	}
	return s
}

// back returns the column's value for what Salesforce holds.
func (c *col) back(value any) (column.Value, bool) {
	var item int64
	if link := c.field.Link(); link != nil {
		text, _ := value.(string)
		id, _ := sfclient.ID18(text)
		item = c.Items[link][id]
	}
	return c.field.Back(value, c.now, item)
}

func (c *col) fold(value any) any { return c.field.FoldIn(value, c.now.Type) }

func (c *col) same(a, b any) bool { return c.fold(a) == c.fold(b) }

// met returns what Salesforce held at the last comparison. It is not ok if there was none for the mapping in force.
func (c *col) met() (ledger.Held, bool) {
	if c.imported {
		base, agreed := c.Link.Agreed(c.field.Base())
		return ledger.Held{Value: base}, agreed && !c.isRemapped(c.field)
	}
	held, met := c.Link.Held[c.field.Name]
	return held, met && !c.isRemapped(c.field)
}

// isRemapped reports whether what both sides agreed on does not say whether Monday changed: it was made from another
// source, or the column may be empty because the item moved.
func (c *col) isRemapped(f *mapping.Field) bool {
	return c.Link.Remapped(f.Base(), c.Record.Made()[f.Base()]) && (!c.isMoved(f) || c.monday.empty)
}

// isMoved reports whether the item has moved since the field was last agreed on.
func (c *col) isMoved(f *mapping.Field) bool {
	return c.Link.Moved(f.Base(), c.Record.Made()[f.Base()])
}

// isTouched reports whether a person has just changed the column. That says nothing about a column that is not sent,
// nor about a label that has got another name since.
func (c *col) isTouched() bool {
	id := c.field.Column()
	return c.Touched[id] && !c.isAlone() && (c.Carried[id] || c.field.Outside(c.Item) == nil)
}

// isEdited reports whether a person has changed the column since a comparison found that both sides differ, perhaps to
// the value that the comparison saw.
func (c *col) isEdited(held ledger.Held) bool {
	return !c.isAlone() && (held.Edited || held.Apart && c.isTouched())
}

// isOurs reports whether Salesforce holds the value that we wrote last, or may have written.
func (c *col) isOurs() bool {
	if name, ok := c.written(); ok && c.same(c.salesforce, name) {
		return true
	}
	sent := func(s ledger.Sending) bool { return c.same(c.salesforce, s.Value) }
	if slices.ContainsFunc(c.Link.Doubts[c.field.Name].Sent, sent) {
		return true
	}
	w, was := c.Link.Written[c.field.Name]
	return was && !w.LeftOut && c.same(c.salesforce, w.Value)
}

// written returns the name that the parts form together, as last written. It is not ok if one of them was not written.
func (c *col) written() (name string, ok bool) {
	return mapping.JoinName(c.parts, c.Link.Agreed)
}

// nameOf returns the name that the parts form together in a record. It is not ok if one of them is unknown.
func (c *col) nameOf(holds map[string]any) (name string, ok bool) {
	return mapping.JoinName(c.parts, func(field string) (any, bool) { v, known := holds[field]; return v, known })
}

// isUnsent reports whether Monday's value is a change that never reached Salesforce, although both sides were not
// compared by the mapping in force: the field was only sent so far, and Monday's value differs from what was sent; or
// the mapping had no value for the label that the column shows.
func (c *col) isUnsent() bool {
	w, was := c.Link.Written[c.field.Name]
	switch {
	case c.partChanged():
		return true
	case !was || w.Unsure || w.LeftOut || w.Apart:
		return false
	case w.Mapping == c.Record.Sent()[c.field.Name]:
		return !c.renamed && c.differs(c.field, c.monday)
	}
	return plan.WasUnmapped(c.field, c.Item, c.Link)
}

// mondayChanged reports whether the item's value differs from what both sides last agreed on. A label's new name is no
// change of the item.
func (c *col) mondayChanged() bool {
	return !c.renamed && c.differs(c.field, c.monday) || c.partChanged()
}

func (c *col) partChanged() bool {
	for _, f := range c.parts {
		w, was := c.Link.Written[f.Name]
		if was && !w.Unsure && !w.Apart && !c.isRemapped(f) && c.differs(f, c.says(f, c.now)) {
			return true
		}
	}
	return false
}

func (c *col) differs(f *mapping.Field, s said) bool {
	switch {
	case s.err != nil:
		return !c.Link.Rejects(f.Base(), s.err.Error())
	case s.waits:
		return true
	}
	w, was := c.Link.Written[f.Base()]
	return !was || f.FoldIn(s.value, c.now.Type) != f.FoldIn(w.Value, c.now.Type)
}

// salesforceChanged reports whether Salesforce holds another value than at the last comparison, or one that the column
// could not show then and can show now.
func (c *col) salesforceChanged(held ledger.Held) bool {
	if c.same(c.salesforce, held.Value) {
		_, sayable := c.shown(c.salesforce)
		return held.Unsaid && sayable
	}
	return true
}

// isRewritten reports whether an automation of the org has replaced what we sent: nobody has changed the record since
// that write, which ended no later than its answer.
func (c *col) isRewritten(held ledger.Held) bool {
	return held.SentAt != 0 && !c.OwnSaveAt.IsZero() && c.OwnSaveAt.Unix() <= held.SentAt
}

// shown is back, but is not ok for a value that Monday rejected either. An import attempts such a value again.
func (c *col) shown(value any) (column.Value, bool) {
	v, ok := c.back(value)
	return v, ok && (c.imported || !c.Link.Rejects(Shows+c.field.Column(), value))
}

// isAlone reports whether nothing in the column reaches the field in Salesforce in this comparison.
func (c *col) isAlone() bool {
	return c.imported || c.field.Sync == mapping.ToMonday && len(c.parts) == 0
}

func namesOf(fields []*mapping.Field) (names []string) {
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}
