package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine"
	"crmsync/worker/engine/plan"
)

// describeRecords describes the records that the mapping wants for the item, and those that remain from another board.
func (d *draft) describeRecords() {
	suppressed := d.isSuppressed()
	if d.board != nil && !suppressed {
		for _, rec := range d.board.Records {
			d.Records = append(d.Records, d.recordOf(rec))
		}
	}
	if d.item == nil {
		return
	}
	for _, name := range sortedKeys(d.item.Links) {
		link := d.item.Links[name]
		if link.SalesforceID == "" || !suppressed && d.board != nil && d.board.Named(name) != nil {
			continue
		}
		left := Record{
			Name: name, Object: link.Object, SalesforceID: link.SalesforceID,
			URL:   d.names.RecordURL(link.Object, link.SalesforceID),
			State: OneWay, Note: "The mapping of this board does not have this record; it is kept as it is.", Fields: []Field{},
		}
		if suppressed {
			left.State, left.Note = Suppressed, "It is left as it is in Salesforce."
		}
		d.Records = append(d.Records, left)
	}
}

func (d *draft) recordOf(rec *mapping.Record) Record {
	link := d.link(rec)
	r := Record{
		Name: rec.Name, Object: rec.Object, SalesforceID: link.SalesforceID,
		URL:    d.names.RecordURL(rec.Object, link.SalesforceID),
		Shared: rec.Shared, Fields: []Field{},
	}
	values := rec.Desired(d.view, link.Since, d.Now())
	for _, f := range rec.Fields {
		r.Fields = append(r.Fields, d.fieldOf(rec, link, f, values[f.Name]))
	}
	r.Fields = append(r.Fields, d.otherFields(rec)...)
	r.State, r.Note, r.Code = d.stateOfRecord(rec, link, r.Fields)
	return r
}

// otherFields describes what differs of a record besides the fields of the mapping: its key, and the column that shows
// its Id.
func (d *draft) otherFields(rec *mapping.Record) (fields []Field) {
	for n := range d.found.Differences {
		x := &d.found.Differences[n]
		if x.Record != rec.Name || x.Kind != plan.WrongKey && x.Kind != plan.IDColumn {
			continue
		}
		f := Field{Name: x.Field, Direction: string(mapping.ToSalesforce), Monday: text(x.Monday),
			Salesforce: text(x.Salesforce), Source: "item id", State: d.stateOfDifference(x), Sends: x.Sends, Takes: x.Takes}
		if x.Kind == plan.IDColumn {
			f.Name, f.Source, f.Direction = "Id", "record", string(mapping.ToMonday)
			f.Columns = []Column{{rec.IDColumn, d.names.Column(d.BoardID, rec.IDColumn)}}
			f.Monday, f.Salesforce = d.shown(rec.IDColumn), d.link(rec).SalesforceID
			f.Sends, f.Takes = false, x.Sends
		}
		fields = append(fields, f)
	}
	return fields
}

// link returns the link of a record; it is empty if there is none.
func (d *draft) link(rec *mapping.Record) *ledger.Link {
	if d.item != nil {
		if link := d.item.Links[rec.Name]; link != nil {
			return link
		}
	}
	return &ledger.Link{Record: rec.Name, Object: rec.Object}
}

// stateOfRecord returns the state of a record: that of the field that most needs a person, unless the record as a whole
// does.
func (d *draft) stateOfRecord(rec *mapping.Record, link *ledger.Link, fields []Field) (s State, note, code string) {
	whole, rejected := link.Rejected[plan.WholeRecord]
	shown, wrong := link.Rejected[plan.ShownID]
	switch {
	case link.Closed == ledger.Merged:
		return Ended, "It was merged into the record of another item, and is not created again.", ""
	case link.Closed == ledger.Converted:
		return Ended, "The lead was converted in Salesforce, and is not created again.", ""
	case link.Closed == ledger.Deleted:
		return Ended, "It was deleted in Salesforce, and the mapping does not create it again.", ""
	case rejected:
		return Rejected, "Salesforce rejects the record as a whole.", whole.Code
	case wrong:
		return Rejected, "The Id in column " + d.names.Column(d.BoardID, rec.IDColumn) + " cannot be this item's record.",
			shown.Code
	case d.isEnded():
		return Ended, endedNote(link), ""
	case d.differs(rec.Name, "", plan.Gone) != nil:
		return Differs, "Salesforce has no record of this Id any more.", ""
	case link.SalesforceID != "":
		return worst(fields), "", ""
	case link.Lost && len(d.history.Pending) == 0:
		return Ended, "It was deleted in Salesforce; the item's next change creates it again.", ""
	case !link.Lost && !rec.When.Holds(d.view):
		return NoRecord, "Not created yet: " + d.condition(rec.When) + ".", ""
	case d.isMoving():
		return OnItsWay, "It is about to be created.", ""
	}
	return Differs, "Salesforce does not have it yet.", ""
}

func endedNote(link *ledger.Link) string {
	if link.SalesforceID != "" {
		return "The item has ended; its record is kept."
	}
	if len(link.EndedIDs) > 0 {
		return "It ended with its item: " + link.EndedIDs[len(link.EndedIDs)-1] + "."
	}
	return "The item has ended."
}

// condition says what an item must show for its record to be created.
func (d *draft) condition(c mapping.Condition) string {
	var parts []string
	for _, id := range sortedKeys(c) {
		parts = append(parts, fmt.Sprintf("%s must be %s", d.names.Column(d.BoardID, id), oneOf(c[id])))
	}
	return strings.Join(parts, " and ")
}

// urgency orders the states by how much they need a person.
var urgency = []State{Rejected, Unshown, Failed, Held, Conflict, FirstMeeting, Drift, Differs, Waits, OnItsWay, Unknown,
	Agreed, Theirs, OneWay}

// worst returns the most urgent state of the fields.
func worst(fields []Field) State {
	s := Agreed
	for _, f := range fields {
		if n := slices.Index(urgency, f.State); n >= 0 && n < slices.Index(urgency, s) {
			s = f.State
		}
	}
	return s
}

// differs returns what the comparison found for a field of a record, of one of the kinds; none given: of any.
func (d *draft) differs(record, field string, kinds ...plan.Kind) *engine.Difference {
	for n := range d.found.Differences {
		x := &d.found.Differences[n]
		if x.Record == record && x.Field == field && (len(kinds) == 0 || slices.Contains(kinds, x.Kind)) {
			return x
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}
