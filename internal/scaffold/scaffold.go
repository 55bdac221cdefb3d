// Package scaffold writes a first mapping for a board and an object by pairing columns and fields by name and type.
// It is pure: the caller passes in what Monday and Salesforce return.
package scaffold

import (
	"errors"
	"slices"
	"strings"

	"crmsync/internal/audit"
	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// ErrNothingFits means that the object has no field for any column of the board.
var ErrNothingFits = errors.New("no column of the board fits a field of the object")

// Pair is a board and an object that its items become records of.
type Pair struct {
	Board  mondayclient.Board
	Object *sfclient.Object
}

// Write writes a mapping of boards and objects, without faults. Uncertain fields, and those that Salesforce or Monday
// would reject, are commented out.
func Write(pairs ...Pair) (string, error) {
	d := &document{key: mapping.DefaultKey}
	return d.write(pairs)
}

// sure reports whether some line is not commented out: a mapping has at least one field.
func (d *draft) sure() bool {
	return slices.ContainsFunc(d.lines, func(l line) bool { return l.doubt == "" })
}

// draft is a mapping under construction.
type draft struct {
	document *document
	board    mondayclient.Board
	object   *sfclient.Object
	name     string // of the board in the mapping
	lines    []line // in the object's order
}

// line is one field of the mapping.
type line struct {
	field  sfclient.Field
	column mondayclient.BoardColumn // its id is empty if the field is not read from a column
	source string                   // what follows the field's name
	labels []choice                 // the lines below it
	doubt  string                   // why it is commented out; empty: it is not
	about  string                   // comment after it
}

// choice is a label and its picklist value; empty: none.
type choice struct{ label, value string }

// nameFields assigns the item's name to name fields that no column fills.
func (d *draft) nameFields() {
	first, last := d.free("FirstName"), d.free("LastName")
	if first != nil && last != nil {
		d.add(line{field: *first, source: "{ from: name, as: first_name }",
			about: "all but the last word of the item's name"})
		d.add(line{field: *last, source: "{ from: name, as: last_name }", about: "the last word of the item's name"})
	} else if name := d.free("Name"); name != nil {
		d.add(line{field: *name, source: "name", about: "the item's name"})
	}
}

// free returns the named field of the object if it can be written and has no line yet.
func (d *draft) free(name string) *sfclient.Field {
	for _, f := range d.object.Fields {
		used := slices.ContainsFunc(d.lines, func(l line) bool { return l.field.Name == name && l.doubt == "" })
		if f.Name == name && f.Createable && f.Updateable && audit.KindOf(f) == audit.Textual && !used {
			return &f
		}
	}
	return nil
}

// need adds the required fields without a line.
func (d *draft) need() {
	for _, f := range d.object.Fields {
		there := slices.ContainsFunc(d.lines, func(l line) bool { return l.field.Name == f.Name })
		if audit.Required(f) && !there && f.Name != d.document.key {
			d.add(line{field: f, source: "column_id", doubt: "Salesforce does not create a record without it"})
		}
	}
}

// add inserts a line in the order of the object's fields.
func (d *draft) add(l line) {
	d.lines = append(d.lines, l)
	slices.SortStableFunc(d.lines, func(x, y line) int { return d.order(x) - d.order(y) })
}

func (d *draft) order(l line) int {
	return slices.IndexFunc(d.object.Fields, func(f sfclient.Field) bool { return f.Name == l.field.Name })
}

// idColumn returns the text column that seems to be meant for the Salesforce Id, or an empty one.
func (d *draft) idColumn() (id mondayclient.BoardColumn) {
	for _, c := range d.board.Columns {
		if c.Type != column.Text {
			continue
		}
		name := plain(c.Title)
		switch {
		case name == plain(d.object.Name)+"id":
			return c
		case name == "salesforceid" || name == "sfid" || name == "salesforcerecordid":
			id = c
		}
	}
	return id
}

// left returns the columns without a line, except the one for the Id.
func (d *draft) left() (columns []mondayclient.BoardColumn) {
	id := d.idColumn().ID
	for _, c := range d.board.Columns {
		named := slices.ContainsFunc(d.lines, func(l line) bool { return l.column.ID == c.ID })
		if c.ID != "name" && c.ID != id && !named {
			columns = append(columns, c)
		}
	}
	return columns
}

// recordName returns the mapping's name for the record.
func (d *draft) recordName() string {
	return strings.ToLower(strings.TrimSuffix(d.object.Name, "__c"))
}
