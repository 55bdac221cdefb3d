package audit

import (
	"fmt"
	"slices"
	"strings"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
)

// itemName is the column id by which a mapping refers to the item's name.
const itemName = "name"

// columnsOf checks the columns that a record names, and how it uses them.
func (a *auditor) columnsOf(r *mapping.Record, known columns) {
	if known == nil {
		return
	}
	a.idColumn(r, known)
	a.gates(r, known)
	for _, f := range r.Fields {
		for _, id := range f.Columns() {
			if c, ok := a.column(known, r.Board, id, f.At("from")); ok {
				a.use(f, c)
				a.labels(r, f, c)
			}
		}
	}
}

// column finds a column that the mapping names. Every board has the item's name.
func (a *auditor) column(known columns, b *mapping.Board, id string,
	at mapping.Place) (mondayclient.BoardColumn, bool) {
	if id == itemName {
		return mondayclient.BoardColumn{ID: id, Type: column.Text}, known != nil
	}
	c, ok := known[id]
	if known == nil || ok {
		return c, ok
	}
	for _, other := range known {
		if strings.EqualFold(other.Title, id) {
			a.find(Error, Monday, at, "board %d has no column %q; the column titled %q has the id %q",
				b.ID, id, other.Title, other.ID)
			return c, false
		}
	}
	a.find(Error, Monday, at, "board %d has no column %q%s", b.ID, id, besideColumns(id, known))
	return c, false
}

// idColumn checks the column that shows the record's Id.
func (a *auditor) idColumn(r *mapping.Record, known columns) {
	if r.IDColumn == "" {
		return
	}
	c, ok := a.column(known, r.Board, r.IDColumn, r.At("id_column"))
	if ok && c.Type != column.Text {
		a.find(Error, Monday, r.At("id_column"), "column %q is of type %s; the Salesforce Id can be written only to "+
			"a text "+
			"column", c.ID, c.Type)
	}
}

// gates checks the labels in the condition for creating a record.
func (a *auditor) gates(r *mapping.Record, known columns) {
	reported := map[string]bool{} // columns
	for _, g := range r.Gates() {
		if reported[g.Column] {
			continue
		}
		c, ok := a.column(known, r.Board, g.Column, g.At)
		switch {
		case !ok:
			reported[g.Column] = true
		case textless(c.Type):
			reported[g.Column] = true
			a.find(Error, Monday, g.At, "column %q is of type %s, which has no label to compare", c.ID, c.Type)
		case len(c.Labels) > 0 && !slices.Contains(c.Labels, g.Text):
			a.find(Error, Monday, g.At, "column %q has no label %q%s", c.ID, g.Text, beside(g.Text, c.Labels))
		}
	}
}

// use checks a column's type against how the field uses it.
func (a *auditor) use(f *mapping.Field, c mondayclient.BoardColumn) {
	wrong := func(key, format string, args ...any) {
		a.find(Error, Monday, f.At(key), "column %q is of type %s; "+format, append([]any{c.ID, c.Type}, args...)...)
	}
	switch as := f.As(); {
	case f.Link() != nil && c.Type != column.BoardRelation:
		wrong("link", `"link" needs a connect-boards column`)
	case f.Link() != nil:
		if to := f.Link().Board.ID; len(c.Boards) > 0 && !slices.Contains(c.Boards, to) {
			a.find(Error, Monday, f.At("link"), "column %q connects to board %s, not to board %d",
				c.ID, numbers(c.Boards), to)
		}
	case as == "user" && c.Type != column.People:
		wrong("as", `"as: user" needs a people column`)
	case as == "user":
	case c.Type == column.People:
		wrong("from", `it needs "as: user"`)
	case c.Type == column.BoardRelation:
		wrong("from", `it needs "link"`)
	case as == "country_code" && c.Type != column.Country && c.Type != column.Phone:
		wrong("as", `"as: country_code" needs a country or phone column`)
	case as == "datetime" && c.Type != column.Date:
		wrong("as", `"as: datetime" needs a date column`)
	case as == "number" && !worded(c.Type):
		wrong("as", "it cannot hold a number")
	case as == "phone" && !worded(c.Type):
		wrong("as", "it cannot hold a phone number")
	case c.Type == "mirror" || c.Type == "formula":
		a.find(Warning, Monday, f.At("from"), "column %q is of type %s; Monday sends no webhook when it changes",
			c.ID, c.Type)
	}
}

// labels checks the labels that a field maps.
func (a *auditor) labels(r *mapping.Record, f *mapping.Field, c mondayclient.BoardColumn) {
	choices := f.Labels()
	if len(choices) == 0 || len(c.Labels) == 0 {
		return
	}
	known := map[string]bool{}
	for _, choice := range choices {
		known[choice.Label] = true
		if !slices.Contains(c.Labels, choice.Label) {
			a.find(Error, Monday, choice.At, "column %q has no label %q%s",
				c.ID, choice.Label, beside(choice.Label, c.Labels))
		}
	}
	if _, _, ok := f.Default(); ok {
		return
	}
	gate := r.When[c.ID]
	var left, outside []string
	for _, label := range c.Labels {
		switch {
		case known[label]:
		case len(gate) > 0 && !slices.Contains(gate, label):
			outside = append(outside, label)
		default:
			left = append(left, label)
		}
	}
	if len(left) > 0 {
		a.find(Warning, Monday, f.At("labels"), "column %q has labels that are not mapped, and there is no default: "+
			"the event of an item with one of them becomes a dead letter: %s",
			c.ID, quoted(left))
	}
	if len(outside) > 0 {
		a.find(Note, Monday, f.At("labels"), "column %q has labels that create no record; "+
			"if an item with a record changes to one of them, its event becomes a dead letter: %s",
			c.ID, quoted(outside))
	}
}

// textless reports whether a column's value has no text of its own.
func textless(t column.Type) bool { return t == column.People || t == column.BoardRelation }

// worded reports whether a column may hold a number typed as text.
func worded(t column.Type) bool {
	switch t {
	case column.Checkbox, column.Country, column.Date, column.Email, column.Link:
		return false
	}
	return true
}

func numbers(ids []int64) string {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprint(id))
	}
	return strings.Join(all, ", ")
}
