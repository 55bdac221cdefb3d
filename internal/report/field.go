package report

import (
	"fmt"
	"strconv"
	"strings"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine"
	"crmsync/worker/engine/plan"
)

// fieldOf describes one field. value is what Salesforce should hold according to Monday.
func (d *draft) fieldOf(rec *mapping.Record, link *ledger.Link, f *mapping.Field, value mapping.Value) Field {
	field := Field{Name: f.Name, Direction: string(f.Sync), NeverBack: mapping.NeverTwoWay(rec, f), Source: d.source(f)}
	var shown []string
	for _, id := range f.Columns() {
		field.Columns = append(field.Columns, Column{id, d.names.Column(d.BoardID, id)})
		shown = append(shown, d.shown(id))
	}
	field.Monday = strings.Join(shown, " · ")
	wanted := d.wanted(value)
	if len(shown) == 0 {
		field.Monday = wanted
	} else if wanted != field.Monday && value.Err == nil && f.Sync != mapping.ToMonday {
		field.Wanted = wanted
	}
	held, known := d.heldValue(rec, link, f)
	field.Salesforce = text(held)
	field.State, field.Code = d.stateOfField(rec, link, f, value, known)
	if field.State == Agreed && isEmpty(value) && f.Fold(held) != nil {
		field.State = Theirs
	}
	if x := d.differs(rec.Name, f.Name); x != nil && field.State != Rejected {
		field.Sends, field.Takes = x.Sends, x.Takes
		if target := f.Record(); target != nil && x.Sends && field.Monday == field.Salesforce {
			field.Wanted = "Id of the other " + target.Object // that is found or created
		}
	}
	if field.State == Rejected {
		field.Times = d.timesRejected(rec.Object, f.Name, field.Code)
	}
	return field
}

// isEmpty reports whether Monday has no value for a field.
func isEmpty(v mapping.Value) bool {
	return v.Err == nil && v.Record == nil && v.Link == nil && v.Person == 0 && v.Literal == nil
}

// source returns where a value comes from, if it is not the unchanged value of a column.
func (d *draft) source(f *mapping.Field) string {
	switch _, fixed := f.Fixed(); {
	case fixed:
		return "fixed value"
	case f.Record() != nil:
		return "record " + f.Record().Name + " of this item"
	case f.IsTemplate():
		return "template"
	case f.As() != "":
		return strings.ReplaceAll(f.As(), "_", " ")
	}
	return ""
}

// heldValue returns what Salesforce holds: as read just now, or else as last agreed on.
func (d *draft) heldValue(rec *mapping.Record, link *ledger.Link, f *mapping.Field) (value any, known bool) {
	if !d.compare || link.SalesforceID == "" {
		return link.Agreed(f.Name)
	}
	fields, read := d.found.Held[rec.Name] // what Salesforce does not show is unknown, whatever was agreed on
	return fields[f.Name], read
}

func (d *draft) stateOfField(rec *mapping.Record, link *ledger.Link, f *mapping.Field, value mapping.Value,
	known bool) (s State, code string) {
	rejection, rejected := link.Rejected[f.Name]
	x := d.differs(rec.Name, f.Name)
	if unsent := d.differs(rec.Name, f.Name, plan.CannotBeSent); unsent != nil {
		return Rejected, unsent.Code
	}
	switch {
	case rejected && !d.compare:
		return Rejected, rejection.Code
	case d.isEnded():
		return Ended, ""
	case d.differs(rec.Name, "", plan.Gone) != nil:
		return NoRecord, ""
	case x != nil:
		return d.stateOfDifference(x), x.Code
	case rejected && link.SalesforceID != "" && !rec.Shared && rejection.Code != "":
		return Rejected, rejection.Code
	case link.SalesforceID == "":
		return NoRecord, ""
	case value.Link != nil && link.Written[f.Name].Value == nil && d.waitsFor(value):
		return Waits, ""
	case rec.Shared:
		return OneWay, ""
	case !d.compare:
		return d.stateByLedger(link, f, value), ""
	case !known:
		return Unknown, ""
	}
	return Agreed, ""
}

// stateOfDifference returns the state of a field that differs.
func (d *draft) stateOfDifference(x *engine.Difference) State {
	writes := x.Sends || x.Takes
	switch {
	case x.Kind == plan.CannotBeShown:
		return Unshown
	case x.Kind == plan.BothChanged:
		return Conflict
	case x.Kind == plan.FirstMeeting && !writes:
		return FirstMeeting
	case (x.Kind == plan.Drift || x.Kind == plan.SalesforceChanged) && !writes:
		return Drift
	case writes && d.isMoving():
		return OnItsWay
	}
	return Differs
}

// stateByLedger returns the state of a field according to the ledger, without reading Salesforce.
func (d *draft) stateByLedger(link *ledger.Link, f *mapping.Field, value mapping.Value) State {
	literal := value.Literal
	if value.Record != nil {
		literal = d.link(value.Record).SalesforceID
	}
	switch {
	case value.Err == nil && value.Link == nil && value.Person == 0 && link.Holds(f.Name, literal):
		if link.Held[f.Name].Unsaid {
			return Unshown
		}
		return Agreed
	case d.isMoving():
		return OnItsWay
	}
	return Unknown
}

// isMoving reports whether something is under way that may change the state.
func (d *draft) isMoving() bool { return len(d.history.Pending)+len(d.history.Sweeps) > 0 }

// waitsFor reports whether the item waits for the record that a value refers to.
func (d *draft) waitsFor(value mapping.Value) bool {
	for _, wait := range d.history.Waits {
		if wait.ItemID == value.Item {
			return true
		}
	}
	return false
}

// timesRejected counts the attempts that failed because of a field.
func (d *draft) timesRejected(object, field, code string) (times int) {
	for _, f := range d.history.Failures {
		if f.Code == code && strings.HasPrefix(f.Message, object+"."+field+":") {
			times++
		}
	}
	return times
}

// shown returns the text of a column.
func (d *draft) shown(id string) string {
	if id == ledger.NameColumn {
		return d.view.Name
	}
	return d.view.Columns[id].Words()
}

// wanted returns the text of what Salesforce should hold.
func (d *draft) wanted(v mapping.Value) string {
	switch {
	case v.Record != nil:
		return d.link(v.Record).SalesforceID
	case v.Link != nil:
		return column.Named("item", v.Item)
	case v.Person != 0:
		return column.Named("person", v.Person)
	}
	return text(v.Literal)
}

// text returns a value for people to read; nothing if it is empty.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
