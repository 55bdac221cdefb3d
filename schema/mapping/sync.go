package mapping

import (
	"slices"
	"strings"
	"time"

	"crmsync/mondayclient/column"
)

// NeverTwoWay returns why the value of a field can only go from Monday to Salesforce, or "" if it can also come back.
// It considers only the mapping file; NeverTwoWayLive also considers the two systems.
func NeverTwoWay(r *Record, f *Field) string {
	if r.Shared {
		return "its record is shared by several items"
	}
	switch f.form {
	case fixed:
		return "it is a fixed value"
	case template:
		return "it is built from a template"
	case sibling:
		return "it refers to another record of the item"
	}
	switch f.as {
	case "first_name", "last_name":
		return "it is part of a name"
	case "user":
		return "it is a person"
	case "country_code":
		return "a code does not determine everything its column holds"
	}
	if slices.ContainsFunc(r.Board.Records, func(other *Record) bool {
		return other.IDColumn != "" &&
			other.IDColumn == f.from
	}) {
		return "its column shows the Salesforce Id"
	}
	return ""
}

// NeverTwoWayLive is NeverTwoWay with knowledge of the systems: the type of the field's column, empty if unknown, and
// whether Salesforce calculates the field (a formula or a roll-up).
func NeverTwoWayLive(r *Record, f *Field, typ column.Type, calculated bool) string {
	if f.from == itemName {
		typ = column.Text
	}
	reason := NeverTwoWay(r, f)
	switch {
	case reason != "":
		return reason
	case calculated:
		return "Salesforce calculates it"
	case typ == "mirror" || typ == "formula":
		return "Monday calculates its column"
	case typ != "" && f.link == nil && !Fillable(typ):
		return "a Salesforce value does not determine everything a column of type " + string(typ) + " holds"
	}
	return ""
}

// ToMonday reports whether a change of the field in Salesforce is written to its column. Such a field is read from one
// column, which no other field fills.
func (f *Field) ToMonday() bool { return f.Sync != ToSalesforce }

// Reads reports whether the field is read from this column alone.
func (f *Field) Reads(id string) bool { return f.form == fromColumn && f.from == id }

// IsNamePart reports whether the field holds the first or the last name out of a whole one.
func (f *Field) IsNamePart() bool { return f.as == "first_name" || f.as == "last_name" }

// NameParts returns the record's fields that hold parts of the name in a column.
func (r *Record) NameParts(column string) (parts []*Field) {
	for _, f := range r.Fields {
		if f.IsNamePart() && f.Reads(column) {
			parts = append(parts, f)
		}
	}
	return parts
}

// Whole returns the field that Salesforce builds from a part of a name, if changes of that field are written to the
// same column; otherwise nil.
func (r *Record) Whole(part *Field) *Field {
	for _, f := range r.Fields {
		if part.IsNamePart() && f.Sync == ToMonday && f.Reads(part.from) {
			return f
		}
	}
	return nil
}

// IsCompared reports whether Salesforce is read before the field is written there: it goes both ways, or is part of a
// name that does.
func (r *Record) IsCompared(f *Field) bool { return !r.Shared && (f.ToMonday() || r.Whole(f) != nil) }

// JoinName returns the name that the parts form together. It is not ok if there are none, or if the value of one of
// them is unknown. Two records with the same name may divide it differently: a column of Monday holds the whole name,
// and its words do not show that "van" belongs to the last name.
func JoinName(parts []*Field, value func(field string) (any, bool)) (name string, ok bool) {
	var first, last string
	for _, f := range parts {
		v, known := value(f.Name)
		if !known {
			return "", false
		}
		if f.as == "last_name" {
			last = literalText(v)
		} else {
			first = literalText(v)
		}
	}
	return strings.Join(strings.Fields(first+" "+last), " "), len(parts) > 0
}

// SameName reports whether Salesforce's parts of a name together form the name in the item's column.
func (f *Field) SameName(r *Record, it Item, holds map[string]any) bool {
	if !f.IsNamePart() {
		return false
	}
	name, ok := JoinName(r.NameParts(f.from), func(field string) (any, bool) { v, known := holds[field]; return v, known })
	return ok && name == strings.Join(strings.Fields(it.value(f.from).Text), " ")
}

// Read returns what the field would hold for the item, as Desired does, also for a field that goes only to Monday.
func (f *Field) Read(it Item, since map[string]string, today time.Time) Value {
	start, err := time.Parse(time.DateOnly, since[f.Name])
	if err != nil {
		start = today.UTC()
	}
	return f.desired(it, start)
}

// HasOwnSync reports whether the field has a `sync` of its own.
func (f *Field) HasOwnSync() bool { _, own := f.at["sync"]; return own }

// Column returns the column that a field with ToMonday fills, "name" for the item's name.
func (f *Field) Column() string { return f.from }

// Back returns the record's fields with ToMonday, in the file's order.
func (r *Record) Back() []*Field {
	var back []*Field
	for _, f := range r.Fields {
		if f.ToMonday() {
			back = append(back, f)
		}
	}
	return back
}

// TwoWay reports whether a change of the record in Salesforce can change its item.
func (r *Record) TwoWay() bool { return slices.ContainsFunc(r.Fields, (*Field).ToMonday) }

// OneWay returns why the field goes only to Salesforce although its record says otherwise, or "" if it follows its
// record.
func (f *Field) OneWay() string { return f.oneWay }

// direct sets the direction and the winner of every field of a board. At most one field fills a column: one with its
// own setting, else the first one whose record has the setting.
func (d *decoder) direct(b *Board) {
	filled := map[string]*Field{} // column -> field
	for _, own := range []bool{true, false} {
		for _, r := range b.Records {
			for _, f := range r.Fields {
				if _, said := f.at["sync"]; said == own {
					d.directField(r, f, filled)
				}
			}
		}
	}
	for _, r := range b.Records {
		d.checkSync(r)
	}
}

// directField sets the direction of one field, and records the column that it fills.
func (d *decoder) directField(r *Record, f *Field, filled map[string]*Field) {
	at, own := f.at["sync"]
	if !own {
		at, f.Sync = place{f.Line, f.Col}, r.Sync
	}
	if f.Sync == ToSalesforce {
		return
	}
	reason := NeverTwoWay(r, f)
	if by := filled[f.from]; reason == "" && by != nil {
		reason = "column " + f.from + " is filled from " + by.Name
	}
	switch {
	case reason == "":
		filled[f.from] = f
	case r.Shared && !own: // a fault of the record
	case own || f.Sync == ToMonday:
		d.fault(at, "field %s is synced to Salesforce only: %s", f.Name, reason)
	default:
		f.Sync, f.oneWay = ToSalesforce, reason
	}
}

// checkSync checks the directions of a record, and sets the winner of its fields.
func (d *decoder) checkSync(r *Record) {
	const pointless = `"wins" applies only if "sync" is both; here the values go one way`
	if at, ok := r.at["sync"]; ok && r.Shared && r.Sync != ToSalesforce {
		d.fault(at, "a shared record belongs to several items and is synced to Salesforce only")
	}
	both := false
	for _, f := range r.Fields {
		both = both || f.Sync == Both
		at, own := f.at["wins"]
		if !own {
			f.Wins = r.Wins
		} else if f.Sync != Both {
			d.fault(at, pointless)
		}
	}
	if at, ok := r.at["wins"]; ok && !both {
		d.fault(at, pointless)
	}
}
