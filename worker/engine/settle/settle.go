// Package settle decides, column by column, what to do about changes on both sides. It compares what Monday shows,
// what Salesforce holds and what both last agreed on; a change on only one side is copied to the other. It is pure: a
// decision changes nothing and needs no I/O.
//
// The unit of decision is the column, not the field: an item's name may be read by two fields and filled from a third.
// If each field were decided by itself, a change of the name in Monday and a change of the last name in Salesforce
// would swap sides forever.
package settle

import (
	"errors"
	"slices"
	"time"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
)

// Input is what is known of an item and one of its records.
type Input struct {
	Record *mapping.Record
	Item   mapping.Item // what Monday shows
	Link   *ledger.Link // what both sides last agreed on

	// Holds is what Salesforce holds. A missing field is unknown, and its column is not written.
	Holds map[string]any

	Linked map[ledger.RecordRef]string          // Ids of the records of connected items
	Items  map[*mapping.Record]map[string]int64 // items of the records that Salesforce refers to, by Id

	// Touched are the columns that a person has just changed: in a first meeting, that decides.
	Touched map[string]bool

	// Fresh means that Salesforce may still hold an older value of ours, so a difference does not show a change there.
	Fresh bool

	Choices plan.Choices
	Chosen  map[string]any // field -> value that a person wants on both sides

	// Imports are fields that fill a column during an import alone: those that otherwise go only to Salesforce, and
	// those that only the import reads. A column takes what changed in Salesforce only; if both changed, Monday's value
	// stays. What both sides last agreed on is what counts as compared. Nothing is sent.
	Imports []*mapping.Field

	Now time.Time
}

// Fills returns the fields that fill a column of the record's item: those whose changes are written to Monday at any
// time, and during an import also the imported ones. At most one field fills a column.
func Fills(rec *mapping.Record, imports []*mapping.Field) []*mapping.Field {
	fills := rec.Back()
	for _, f := range imports {
		if !slices.ContainsFunc(fills, func(by *mapping.Field) bool { return by.Column() == f.Column() }) {
			fills = append(fills, f)
		}
	}
	return fills
}

// Decision is what to do about one column.
type Decision struct {
	Field *mapping.Field

	Sends bool         // Monday's value is sent to Salesforce
	Takes bool         // the column takes Value
	Value column.Value // what the column should hold

	Kind               plan.Kind // of the difference; empty: there is none
	Monday, Salesforce any       // what both sides hold, as values of the field; must not be stored

	Lost   *Lost  // a change that is overwritten by the other side's; nil: there is none
	Note   string // for the log
	Rests  int64  // the period in which the field is not written to Monday; 0: it is written
	Hidden bool   // Monday changed, but what Salesforce holds is not visible
	Stuck  bool   // the column cannot show the value that a person chose

	written  map[string]any                 // field -> the item's value in the field's form
	rejected map[string]*mapping.ValueError // field -> why the item has no value for it
	held     *ledger.Held

	withholds bool

	imported bool // Field fills its column only during an import

	siblings []string // fields that send Monday's value to Salesforce in place of Field
	lost     bool     // Salesforce changed too: the siblings are sent whatever was written before
}

// Lost is a conflict: the values of both sides and the rule that decided.
type Lost struct {
	Base, Monday, Salesforce any
	Rule                     string
}

// RuleEvent is the rule of a first meeting that ends with the value that a person has just set in Monday.
const RuleEvent = "event"

// Shows is the prefix under which a link stores the value that Monday rejected for a column. Rested is the one for a
// field that is currently not written to Monday. Neither is the name of a field.
const (
	Shows  = "@column "
	Rested = "@rests "
)

// NeedsSalesforce reports whether the record has to be read before it is written: a field that goes both ways changed
// in Monday or was never compared.
func NeedsSalesforce(in Input) bool {
	for _, f := range in.Record.Back() {
		c := in.column(f)
		held, met := c.met()
		if !met || held.Apart && len(c.siblings) > 0 || c.isInDoubt() || !c.isAlone() && c.mondayChanged() {
			return true
		}
	}
	return in.Fresh && len(in.Record.Back()) > 0
}

// SalesforceMoved reports whether a column may have to take something from the record: Salesforce does not hold what it
// held at the last comparison, or there was none. Of the item, it needs only the types of its columns.
func SalesforceMoved(in Input) bool {
	return slices.ContainsFunc(Fills(in.Record, in.Imports), func(f *mapping.Field) bool {
		c := in.column(f)
		held, met := c.met()
		_, sayable := c.back(c.salesforce)
		switch {
		case !c.known, c.imported && !sayable:
			return false
		}
		return !met || c.salesforceChanged(held)
	})
}

// Columns decides about the columns that the record fills, except those about which nothing is known.
func Columns(in Input) []Decision {
	var all []Decision
	for _, f := range Fills(in.Record, in.Imports) {
		c := in.column(f)
		d := c.decide()
		d.Field, d.Monday, d.Salesforce, d.imported = f, c.monday.value, c.salesforce, c.imported
		if c.imported {
			d.held = nil // what both sides agreed on says the same
		}
		all = append(all, d)
	}
	return all
}

// Withholds reports whether the other fields of the column are not sent either: the column takes Salesforce's value,
// or nobody has decided between the two.
func (d Decision) Withholds() bool { return d.Takes || d.withholds }

// Record records a decision in the link once it has taken effect: at once or, if a column takes a value, once Monday
// shows it. It reports whether that changed anything.
func (d Decision) Record(link *ledger.Link, job int64, now time.Time) (changed bool) {
	for name, value := range d.written {
		changed = changed || !link.Holds(name, value)
		link.Agree(name, value)
	}
	for name, err := range d.rejected {
		if !link.Rejects(name, err.Error()) {
			link.Reject(name, ledger.Rejection{Value: err.Error(), Code: err.Code, JobID: job})
			changed = true
		}
	}
	for _, name := range d.siblings {
		if _, ok := link.Agreed(name); ok && d.lost {
			link.Doubt(name)
			changed = true
		}
	}
	if d.held != nil {
		if held, met := link.Held[d.Field.Name]; !met || held != *d.held { // a null counts as compared, too
			link.Hold(d.Field.Name, *d.held)
			changed = true
		}
	}
	if d.Takes && !d.imported {
		link.Turn(d.Field.Name, now)
		changed = true
	}
	return changed
}

// Confirm records that a write to Salesforce took effect. If other fields of the column sent Monday's value there,
// both sides now agree on it.
func (d Decision) Confirm(link *ledger.Link) {
	for _, name := range d.siblings {
		if _, ok := link.Agreed(name); !ok {
			return
		}
	}
	if len(d.siblings) > 0 {
		link.Agree(d.Field.Name, d.Monday)
	}
}

// col is one column with the field that fills it.
type col struct {
	*Input
	field      *mapping.Field
	siblings   []*mapping.Field // other fields that are read from the column
	now        column.Value
	monday     said
	salesforce any
	known      bool // whether salesforce is known
	imported   bool // the field fills the column only during an import
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
	for _, other := range in.Record.Fields {
		if other != f && other.Reads(f.Column()) {
			c.siblings = append(c.siblings, other)
		}
	}
	c.monday = c.says(f, c.now)
	c.salesforce, c.known = in.Holds[f.Name]
	return c
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

// isInDoubt reports whether the answer to a write of a field of the column was lost.
func (c *col) isInDoubt() bool {
	return c.Link.InDoubt(c.field.Name) || slices.ContainsFunc(c.siblings,
		func(f *mapping.Field) bool { return c.Link.InDoubt(f.Name) })
}

func (c *col) fold(value any) any { return c.field.FoldIn(value, c.now.Type) }

func (c *col) same(a, b any) bool { return c.fold(a) == c.fold(b) }

// met returns what Salesforce held at the last comparison. It is not ok if there was none for the mapping in force.
func (c *col) met() (ledger.Held, bool) {
	if c.imported {
		base, agreed := c.Link.Agreed(c.field.Base())
		return ledger.Held{Value: base}, agreed && !c.Link.Remapped(c.field.Base(), c.Record.Made()[c.field.Base()])
	}
	held, met := c.Link.Held[c.field.Name]
	return held, met && !c.Link.Remapped(c.field.Name, c.Record.Made()[c.field.Name])
}

// mondayChanged reports whether the item's value differs from what both sides last agreed on.
func (c *col) mondayChanged() bool {
	if c.differs(c.field, c.monday) {
		return true
	}
	for _, f := range c.siblings {
		w, was := c.Link.Written[f.Name]
		if was && !w.Unsure && !c.Link.Remapped(f.Name, c.Record.Made()[f.Name]) && c.differs(f, c.says(f, c.now)) {
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
	w := c.Link.Written[c.field.Base()]
	switch {
	case c.same(c.salesforce, held.Value):
		_, sayable := c.shown(c.salesforce)
		return held.Unsaid && sayable
	}
	return !w.Unsure || w.Sent == nil || !c.same(c.salesforce, w.Sent)
}

// shown is back, but is not ok for a value that Monday rejected either. An import attempts such a value again.
func (c *col) shown(value any) (column.Value, bool) {
	v, ok := c.back(value)
	return v, ok && (c.imported || !c.Link.Rejects(Shows+c.field.Column(), value))
}

// isAlone reports whether no field sends the column to Salesforce in this comparison.
func (c *col) isAlone() bool {
	return c.imported || c.field.Sync == mapping.ToMonday && len(c.siblings) == 0
}
