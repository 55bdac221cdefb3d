// Package settle decides, column by column, what to do about changes on both sides. It compares what Monday shows,
// what Salesforce holds and what both last agreed on; a change on only one side is copied to the other. It is pure: a
// decision changes nothing and needs no I/O.
//
// The unit of decision is the column, not the field: an item's name may be read by two fields and filled from a third.
// If each field were decided by itself, a change of the name in Monday and a change of the last name in Salesforce
// would swap sides forever.
package settle

import (
	"slices"
	"time"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
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

	// OwnSaveAt is when Salesforce last saved the record, if we were the last to change it; zero: we were not.
	OwnSaveAt time.Time

	// Touched are the columns that a person has just changed: in a first meeting, that decides, even if a comparison
	// has seen the value before its event arrived.
	Touched map[string]bool

	// Told are the values that events have just carried, by column.
	Told map[string][]ledger.Column

	// Carried are the columns whose present value an event has carried, as in plan.Item.
	Carried map[string]bool

	// Fresh means that Salesforce may still hold an older value of ours, so a difference does not show a change there.
	Fresh bool

	Choices plan.Choices
	Chosen  map[string]any // field -> value that a person wants on both sides

	// Kept are the values of the conflicts that the chosen values come from, by field.
	Kept map[string][]any

	// Imports are fields that fill a column only during an import: those that otherwise go only to Salesforce, and
	// those that only the import reads. A column takes what changed only in Salesforce; if both changed, Monday's
	// value stays. What both sides last agreed on counts as compared. Nothing is sent.
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
	Code               string    // why a person's choice does not end a first meeting; empty: it does, or there is none
	Monday, Salesforce any       // what both sides hold, as values of the field; must not be stored

	Lost   *Lost  // a change that is overwritten by the other side's; nil: there is none
	Note   string // for the log
	Rests  int64  // the period in which the field is not written to Monday; 0: it is written
	Hidden bool   // Monday changed, but what Salesforce holds is not visible
	Stuck  bool   // the column cannot show the value that a person chose

	written  map[string]any                 // field -> the item's value in the field's form
	rejected map[string]*mapping.ValueError // field -> why the item has no value for it
	held     *ledger.Held

	shown  any  // what the column takes, as a value of the field
	sent   any  // what is sent to Salesforce before the column takes it
	chosen bool // a person chose the value

	parts    []part   // what is sent to Salesforce in place of Field
	outdated []string // those of them in which Salesforce does not hold what the link says
	withheld []string // parts that are not sent

	imported bool // Field fills its column only during an import
}

// part is a part of a name.
type part struct {
	field *mapping.Field
	value any // Monday's

	holds any // what Salesforce holds before the part is sent
	known bool
}

// isThere reports whether Salesforce holds Monday's value before the part is sent.
func (p part) isThere() bool { return p.known && p.field.Fold(p.holds) == p.field.Fold(p.value) }

// isRejected reports whether Salesforce has rejected Monday's value.
func (p part) isRejected(link *ledger.Link) bool { return link.Rejects(p.field.Name, p.value) }

// Lost is a conflict: the values of both sides and the rule that decided.
type Lost struct {
	Base, Monday, Salesforce any
	Rule                     string

	// Renews means that the field's last conflict is still open, and gets these values: Salesforce has rejected Monday's
	// value, and the value that it was to replace was changed there since.
	Renews bool
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
		if !met || held.Apart && len(c.parts) > 0 || c.isEdited(held) || c.isInDoubt() || c.isMoved(f) ||
			!c.isAlone() && c.mondayChanged() {
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
		if d.parts == nil {
			d.withheld = namesOf(c.parts)
		}
		all = append(all, d)
	}
	return all
}

// SendsParts reports whether Monday's value is sent to Salesforce in parts, from which Salesforce builds the field.
func (d Decision) SendsParts() bool { return len(d.parts) > 0 }

// Decided returns the fields that the decisions are about. true: Monday's value is sent; false: it is not.
func Decided(decisions []Decision) map[string]bool {
	decided := map[string]bool{}
	for _, d := range decisions {
		decided[d.Field.Name] = d.Sends
		for _, p := range d.parts {
			decided[p.field.Name] = true
		}
		for _, name := range d.withheld {
			decided[name] = false
		}
	}
	return decided
}

// Prepare records what a person's choice starts from: the value is sent even if it was rejected before, and until it
// is sent, Salesforce holds what was read. It reports whether there is such a choice.
func (d Decision) Prepare(link *ledger.Link) bool {
	if !d.chosen || !d.Sends {
		return false
	}
	link.Accept(d.Field.Name)
	link.Hold(d.Field.Name, ledger.Held{Value: d.Salesforce})
	return true
}

// IsReady reports whether the column may take the value now: a value that a person chose for both sides must be in
// Salesforce first, which may reject it.
func (d Decision) IsReady(link *ledger.Link) bool {
	return !d.Sends || link.Holds(d.Field.Name, d.sent)
}

// Unshown records that Monday rejected the value. If Salesforce has just received it, the sides differ from now on, and
// what Monday shows must not be sent over it.
func (d Decision) Unshown(link *ledger.Link) {
	if d.Sends && link.Holds(d.Field.Name, d.sent) {
		link.Agree(d.Field.Name, d.Monday)
		link.Hold(d.Field.Name, ledger.Held{Value: d.shown, Unsaid: true})
	}
}

// Shown returns what the column takes, as a value of the field; it must not be stored outside of the link.
func (d Decision) Shown() any { return d.shown }

// Record records a decision in the link once it has taken effect: at once or, if a column takes a value, once Monday
// shows it. It reports whether that changed anything.
func (d Decision) Record(link *ledger.Link, job int64, now time.Time) (changed bool) {
	for name, value := range d.written {
		link.Agree(name, value)
		changed = true
	}
	for name, err := range d.rejected {
		if !link.Rejects(name, err.Error()) {
			link.Reject(name, ledger.Rejection{Value: err.Error(), Code: err.Code, JobID: job})
			changed = true
		}
	}
	for _, name := range d.outdated {
		if _, ok := link.Agreed(name); ok {
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

// Confirm records that a write to Salesforce took effect. If all parts of the field have arrived there, both sides now
// agree on it. If only some have, Salesforce holds a name that nobody has entered, and a conflict keeps what was
// replaced: the next edit there is another one.
//
// sentAt is when Salesforce answered, as in ledger.Held.
func (d Decision) Confirm(link *ledger.Link, sentAt int64) {
	var fields []*mapping.Field
	holds, sent, all := map[string]any{}, false, true
	for _, p := range d.parts {
		fields = append(fields, p.field)
		switch {
		case link.Holds(p.field.Name, p.value):
			holds[p.field.Name] = p.value
			sent = sent || !p.isThere()
		case p.known:
			holds[p.field.Name] = p.holds
			all = false
		default:
			all = false
		}
	}
	held, met := link.Held[d.Field.Name]
	name, known := mapping.JoinName(fields, func(field string) (any, bool) { v, ok := holds[field]; return v, ok })
	switch {
	case len(d.parts) > 0 && all:
		link.Agree(d.Field.Name, d.Monday)
		link.Hold(d.Field.Name, ledger.Held{Value: d.Monday, SentAt: sentAt})
	case sent && known:
		link.Hold(d.Field.Name, ledger.Held{Value: name, SentAt: sentAt, Apart: held.Apart, Edited: held.Edited})
	case sent && met:
		held.Disputed = false
		link.Hold(d.Field.Name, held)
	}
}
