package plan

import (
	"time"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// desired returns what the fields of a record should hold for the item.
func (it Item) desired(rec *mapping.Record, link *ledger.Link, today time.Time) map[string]mapping.Value {
	values := rec.Desired(it.View, link.Since, today)
	for _, f := range rec.Fields {
		if err := Renamed(rec, f, it.View, link, values[f.Name].Literal); err != nil && !it.Carried[f.Column()] {
			values[f.Name] = mapping.Value{Err: err}
		}
	}
	return values
}

// Renamed returns an error if the column shows a label that the mapping does not name and that may be the new name of
// another one, unless an event has carried it; nil: the field gets the value. A field that goes only to Salesforce
// gets its default for such a label. One that goes both ways keeps what both sides agreed on, because nobody in Monday
// has chosen the default, and somebody in Salesforce may have entered what it would replace.
func Renamed(rec *mapping.Record, f *mapping.Field, it mapping.Item, link *ledger.Link, value any) error {
	w, agreed := link.Written[f.Name]
	isSource := w.Mapping == "" || rec.SameSource(f.Name, w.Mapping) || link.Moved(f.Name, rec.Made()[f.Name])
	isSame := !w.Unsure && f.Fold(w.Value) == f.Fold(value) // after a lost answer, Salesforce may hold something else
	if f.Sync != mapping.Both || link.SalesforceID == "" || !agreed || !isSource || w.LeftOut || w.Apart || isSame {
		return nil
	}
	return f.Outside(it)
}
