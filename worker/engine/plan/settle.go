package plan

import (
	"maps"
	"slices"

	"crmsync/schema/mapping"
)

// Kind is how a field of a record differs.
type Kind string

// The kinds of difference.
const (
	MondayChanged     Kind = "monday_changed"     // since both sides last agreed
	SalesforceChanged Kind = "salesforce_changed" // but Monday did not, for a field that is synced to Monday
	Drift             Kind = "drift"              // the same for a field that is only synced to Salesforce
	BothChanged       Kind = "both_changed"
	FirstMeeting      Kind = "first_meeting" // both have a value, and never agreed on one
	Missing           Kind = "missing"       // Salesforce has no value, and both never agreed on one

	NewRecord    Kind = "new_record"     // the item has none
	Gone         Kind = "gone"           // the item's record does not exist
	WrongKey     Kind = "wrong_key"      // the record does not carry the item's id
	IDColumn     Kind = "id_column"      // the item does not show the record's Id
	CannotBeSent Kind = "cannot_be_sent" // the mapping has no value for it, or Salesforce rejected it
	Deleted      Kind = "deleted_item"   // archived or deleted in Monday

	CannotBeShown Kind = "cannot_be_shown" // the column has no value for what Salesforce holds, or Monday rejected it

	// Why an item's planned difference was not written, if it differs in nothing else now.
	Agreed   Kind = "agreed"    // nothing differs any more
	NotShown Kind = "not_shown" // Monday does not show the item on its board
	Busy     Kind = "busy"      // another worker has it
)

// kindWords are the kinds of difference for people to read.
var kindWords = map[Kind]string{
	MondayChanged:     "changed in Monday",
	SalesforceChanged: "changed in Salesforce",
	Drift:             "drift: changed in Salesforce",
	BothChanged:       "changed in both",
	FirstMeeting:      "first meeting: both have a value",
	Missing:           "empty in Salesforce",
	NewRecord:         "new record",
	Gone:              "record is gone",
	WrongKey:          "key is missing or wrong",
	IDColumn:          "id column is empty or wrong",
	CannotBeSent:      "cannot be sent",
	CannotBeShown:     "cannot be shown in Monday",
	Agreed:            "nothing differs any more",
	NotShown:          "Monday does not show it on this board",
	Busy:              "another worker has it",
	Deleted:           "item was deleted or archived",
}

// Kinds returns all kinds of difference.
func Kinds() []Kind { return slices.Sorted(maps.Keys(kindWords)) }

// Words returns the kind for people to read.
func (k Kind) Words() string { return kindWords[k] }

// Difference is what was found for one field, or for a record as a whole.
type Difference struct {
	Field              string // empty: the whole record
	Kind               Kind
	Code               string // why a person's choice does not end it; empty: it does, or there is none
	Monday, Salesforce any
	Sends              bool // Monday's value is sent
}

// Codes of first meetings that a person's choice does not end.
const (
	OnlyToSalesforce = "ONLY_TO_SALESFORCE" // the field is not synced to Monday
	OnlyToMonday     = "ONLY_TO_MONDAY"     // nothing in the column is sent to Salesforce
	NoWayBack        = "NO_WAY_BACK"        // the column cannot show the value
)

// Choices determine what is done about differences when many items are compared.
type Choices struct {
	Adopt   mapping.Side `json:"adopt,omitempty"`   // a first meeting ends with this side's value; empty: it is left alone
	Enforce bool         `json:"enforce,omitempty"` // Monday's value replaces drift
}

// Settled is the result for a field.
type Settled struct {
	Kind   Kind // empty: both sides hold the same
	Sends  bool // Monday's value is sent
	Agrees bool // both hold the same, and the ledger does not know it yet
}

// Settle compares one field of an existing record: what Monday says it should hold, what both sides last agreed on,
// and what Salesforce holds.
func Settle(field *mapping.Field, monday any, base any, agreed bool, salesforce any, c Choices) Settled {
	m, b, s := field.Fold(monday), field.Fold(base), field.Fold(salesforce)
	switch {
	case m == s:
		return Settled{Agrees: !agreed || m != b}
	case agreed && m == b:
		return Settled{Kind: Drift, Sends: c.Enforce}
	case agreed && s == b:
		return Settled{Kind: MondayChanged, Sends: true}
	case agreed:
		return Settled{Kind: BothChanged, Sends: true}
	case m == nil:
		return Settled{} // values that Monday never had stay
	case s == nil:
		return Settled{Kind: Missing, Sends: true}
	}
	return Settled{Kind: FirstMeeting, Sends: c.Adopt == mapping.Monday}
}
