package mapping

import "crmsync/mondayclient/column"

// NeverTwoWay says why the value of a field can only go from Monday to Salesforce; empty: it can come back. It judges
// by the mapping file alone. NeverTwoWayLive also knows the two systems.
func NeverTwoWay(r *Record, f *Field) string {
	if r.Shared {
		return "its record is shared by several items"
	}
	switch f.form {
	case fixed:
		return "it is a fixed value"
	case template:
		return "it is put together by a template"
	case sibling:
		return "it refers to another record of the item"
	}
	switch f.as {
	case "first_name", "last_name":
		return "it is a part of a name"
	case "user":
		return "it is a person"
	case "country_code":
		return "a code does not say all that its column holds"
	}
	return ""
}

// NeverTwoWayLive is NeverTwoWay with what the systems say: the type of the field's column, which is empty where it is
// not known, and whether Salesforce calculates the field (a formula or a roll-up).
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
		return "a value of Salesforce does not say all that a column of type " + string(typ) + " holds"
	}
	return ""
}

// OneWay says why the field goes to Salesforce only though its record says otherwise; empty: it goes as its record
// says.
func (f *Field) OneWay() string { return f.oneWay }

// direct gives every field of a board its direction and its winner. A column is filled by one field of the board at
// most: by the one that says so itself, else by the first whose record says so.
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

// directField sets the direction of one field, and notes the column that it fills.
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
		d.fault(at, "field %s goes to Salesforce only: %s", f.Name, reason)
	default:
		f.Sync, f.oneWay = ToSalesforce, reason
	}
}

// checkSync checks the directions of a record, and sets the winner of its fields.
func (d *decoder) checkSync(r *Record) {
	const pointless = `"wins" decides where "sync" is both; here the values go one way`
	if at, ok := r.at["sync"]; ok && r.Shared && r.Sync != ToSalesforce {
		d.fault(at, "a shared record belongs to several items and goes to Salesforce only")
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
