package scaffold

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"crmsync/internal/audit"
	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/sfclient"
)

// likeness is how well a column and a field match.
type likeness int

const (
	none likeness = iota
	maybe
	same // the same name, or the only two of their kind
)

// pairing is a column and a field that may belong together.
type pairing struct {
	column mondayclient.BoardColumn
	field  sfclient.Field
	likeness
}

// pair assigns each column to at most one field, the best matches first.
func (d *draft) pair() {
	var all []pairing
	for _, c := range d.board.Columns {
		for _, f := range d.object.Fields {
			if l := d.alike(c, f); l > none {
				all = append(all, pairing{c, f, l})
			}
		}
	}
	slices.SortStableFunc(all, func(x, y pairing) int { return cmp.Compare(y.likeness, x.likeness) })
	for _, p := range all {
		if !slices.ContainsFunc(d.lines, func(l line) bool {
			return l.field.Name == p.field.Name ||
				l.column.ID == p.column.ID
		}) {
			d.add(d.line(p))
		}
	}
}

// alike compares a column and a field by name and type.
func (d *draft) alike(c mondayclient.BoardColumn, f sfclient.Field) likeness {
	if !suits(c, f) || f.Name == d.document.key || f.Name == "OwnerId" && c.Type != column.People ||
		c.ID == d.idColumn().ID {
		return none
	}
	title, label, name := plain(c.Title), plain(f.Label), plain(strings.TrimSuffix(f.Name, "__c"))
	switch {
	case title == "":
		return none
	case title == label || title == name || title+"id" == name:
		return same
	case d.only(c, f):
		return same
	case within(title, label) || within(title, name) || len(matches(c, f)) > 1:
		return maybe
	}
	return none
}

// only reports whether the field is the only one of its kind for an address, a number or a link, and the column too.
func (d *draft) only(c mondayclient.BoardColumn, f sfclient.Field) bool {
	own := map[column.Type]string{column.Email: "email", column.Phone: "phone", column.Link: "url"}[c.Type]
	if own == "" || own != f.Type {
		return false
	}
	n := 0
	for _, other := range d.object.Fields {
		if other.Type == own && other.Createable && other.Updateable {
			n++
		}
	}
	for _, other := range d.board.Columns {
		if other.Type == c.Type {
			n++
		}
	}
	return n == 2
}

// suits reports whether the contents of a column can be written to a field.
func suits(c mondayclient.BoardColumn, f sfclient.Field) bool {
	kind := audit.KindOf(f)
	if !f.Createable || !f.Updateable || !usable(c.ID) || kind == "" {
		return false
	}
	switch c.Type {
	case column.BoardRelation, column.People:
		return kind == audit.Reference
	case column.Numbers:
		return kind == audit.Numeric || kind == audit.Textual
	case column.Date:
		return kind == audit.Date || kind == audit.DateTime
	case column.Checkbox:
		return kind == audit.Boolean
	case column.Text, column.LongText:
		return kind == audit.Textual && f.Type != "picklist" && f.Type != "multipicklist"
	case column.Email, column.Phone, column.Link, column.Country, column.Status, column.Dropdown:
		return kind == audit.Textual
	}
	return false
}

// usable reports whether a mapping can name the column, and it is not the item's name.
func usable(id string) bool {
	return id != "" && id != "name" && !strings.ContainsFunc(id,
		func(r rune) bool { return unicode.IsSpace(r) || r == 0 || r == '{' || r == '}' })
}

// line returns the mapping's line for the pairing.
func (d *draft) line(p pairing) line {
	l := line{field: p.field, column: p.column, source: quote(p.column.ID), about: p.column.Title}
	if p.likeness == maybe {
		l.doubt = "is this the right column?"
	}
	as := ""
	switch c, kind := p.column, audit.KindOf(p.field); {
	case c.Type == column.BoardRelation:
		link := d.document.link(c, p.field)
		if link == "" {
			link, l.doubt = "board.record", "needs the record of the connected board, in the form board.record"
		}
		l.source = fmt.Sprintf("{ from: %s, link: %s }", quote(c.ID), quote(link))
	case c.Type == column.People:
		as = "user"
	case c.Type == column.Phone:
		as = "phone"
	case c.Type == column.Numbers && kind == audit.Textual:
		as = "text"
	case c.Type == column.Date && kind == audit.DateTime:
		as = "datetime"
	case len(p.field.Picklist) > 0 && len(c.Labels) > 0:
		l.translate()
	case len(p.field.Picklist) > 0:
		l.doubt = "a picklist accepts only its own values"
	}
	if as != "" {
		l.source = fmt.Sprintf("{ from: %s, as: %s }", quote(p.column.ID), as)
	}
	return l
}

// translate maps the labels to the values of the picklist with the same meaning.
func (l *line) translate() {
	found := matches(l.column, l.field)
	for _, label := range l.column.Labels {
		known := slices.ContainsFunc(l.labels, func(c choice) bool { return c.label == label })
		if !known && strings.TrimSpace(label) != "" && !strings.ContainsRune(label, 0) {
			l.labels = append(l.labels, choice{label, found[label]})
		}
	}
	if len(found) == 0 {
		l.doubt = "no label matches a value of the picklist"
	}
}

// matches returns the values of the field's picklist for a column's labels: the same text, or else one that differs
// only in case or punctuation.
func matches(c mondayclient.BoardColumn, f sfclient.Field) map[string]string {
	found := map[string]string{}
	for _, label := range c.Labels {
		for _, v := range f.Picklist {
			like := plain(label) != "" && (plain(v.Value) == plain(label) || plain(v.Label) == plain(label))
			if _, ok := found[label]; v.Active && (v.Value == label || like && !ok) {
				found[label] = v.Value
			}
		}
	}
	return found
}

// within reports whether one of two names contains the other, and neither is too short to be meaningful.
func within(a, b string) bool {
	return min(len(a), len(b)) >= 4 && (strings.Contains(a, b) || strings.Contains(b, a))
}

// plain returns a name in lower case without separators.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}
