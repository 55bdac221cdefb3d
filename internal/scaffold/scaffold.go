// Package scaffold writes a first mapping for a board and an object by pairing columns and fields by name and type.
// It is pure: the caller passes in what Monday and Salesforce return.
package scaffold

import (
	"errors"
	"fmt"
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

// Write writes a mapping of one board and one object, without faults. Uncertain fields, and those that Salesforce or
// Monday would reject, are commented out.
func Write(board mondayclient.Board, object *sfclient.Object) (string, error) {
	d := &draft{board: board, object: object}
	d.pair()
	d.name()
	d.need()
	if !d.sure() {
		return "", ErrNothingFits
	}
	if err := d.verify(); err != nil {
		return "", err
	}
	if !d.sure() {
		return "", ErrNothingFits
	}
	return d.text(), nil
}

// sure reports whether some line is not commented out: a mapping has at least one field.
func (d *draft) sure() bool {
	return slices.ContainsFunc(d.lines, func(l line) bool { return l.doubt == "" })
}

// draft is a mapping under construction.
type draft struct {
	board  mondayclient.Board
	object *sfclient.Object
	lines  []line // in the object's order
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

// verify checks the draft against both systems, and comments out what they would reject.
func (d *draft) verify() error {
	live := audit.Live{
		Boards:  map[int64]mondayclient.Board{d.board.ID: d.board},
		Objects: map[string]*sfclient.Object{d.object.Name: d.object},
	}
	m, err := mapping.Parse("scaffold", []byte(d.text()))
	if err != nil {
		return fmt.Errorf("parsing the draft: %w", err)
	}
	fields := m.Boards[0].Records[0].Fields
	for _, found := range audit.Check(m, live) {
		n := slices.IndexFunc(fields, func(f *mapping.Field) bool { return f.Line > found.Line })
		if n < 0 {
			n = len(fields)
		}
		if found.Severity != audit.Error || n == 0 {
			continue
		}
		for i := range d.lines {
			if l := &d.lines[i]; l.field.Name == fields[n-1].Name {
				l.doubt = found.Message
			}
		}
	}
	return nil
}

// name assigns the item's name to name fields that no column fills.
func (d *draft) name() {
	first, last := d.free("FirstName"), d.free("LastName")
	if first != nil && last != nil {
		d.add(line{field: *first, source: "{ from: name, as: first_name }", about: "all but the last word of the item's name"})
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
		if audit.Required(f) && !there && f.Name != mapping.DefaultKey {
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
