package soql

import (
	"cmp"
	"fmt"
	"strings"
)

type predicate func(Row) bool

// Path is a column of a row, or of the row that one of its references points to.
type Path struct {
	Reference *Column // nil: a column of the row itself
	Column    *Column
	parent    Table // the table that the reference points to
}

// compiler turns names and conditions of a query into functions on a table's records.
type compiler struct {
	table Table
	text  string
}

// path resolves a field's name, which may have one parent before the dot.
func (c compiler) path(t token) (Path, *Error) {
	relation, name, dotted := strings.Cut(t.text, ".")
	if !dotted {
		return c.own(nil, t.text, t.pos)
	}
	if strings.EqualFold(relation, c.table.Name()) {
		return c.own(nil, name, t.pos)
	}
	reference, parent, ok := c.table.Parent(relation)
	if !ok {
		return Path{}, fail("INVALID_FIELD", "%sDidn't understand relationship '%s' in field path. If you are attempting "+
			"to use a custom relationship, be sure to append the '__r' after the custom relationship name.",
			errorAt(c.text, t.pos), relation)
	}
	p, f := compiler{parent, c.text}.own(reference, name, t.pos)
	p.parent = parent
	return p, f
}

func (c compiler) own(reference *Column, name string, pos int) (Path, *Error) {
	column, ok := c.table.Column(name)
	if !ok {
		return Path{}, fail("INVALID_FIELD", "%sNo such column '%s' on entity '%s'. If you are attempting to use a custom "+
			"field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call "+
			"for the appropriate names.",
			errorAt(c.text, pos), name, c.table.Name())
	}
	return Path{Reference: reference, Column: column}, nil
}

// value returns the row's value at the path.
func (p Path) value(r Row) any {
	if p.Reference != nil {
		id, _ := r.Value(p.Reference.Index).(string)
		parent, ok := p.parent.Row(id)
		if !ok {
			return nil
		}
		r = parent
	}
	return r.Value(p.Column.Index)
}

// filter compiles a condition; nil accepts all.
func (c compiler) filter(n *node) (predicate, *Error) {
	if n == nil {
		return func(Row) bool { return true }, nil
	}
	if n.kids == nil {
		return c.comparison(n)
	}
	kids := make([]predicate, len(n.kids))
	for i, kid := range n.kids {
		p, f := c.filter(kid)
		if f != nil {
			return nil, f
		}
		kids[i] = p
	}
	if n.op == "NOT" {
		return func(r Row) bool { return !kids[0](r) }, nil
	}
	// AND ends at the first false, OR at the first true.
	stop := n.op == "OR"
	return func(r Row) bool {
		for _, kid := range kids {
			if kid(r) == stop {
				return stop
			}
		}
		return !stop
	}, nil
}

func (c compiler) comparison(n *node) (predicate, *Error) {
	p, f := c.path(n.field)
	if f == nil {
		f = c.checkFilter(n, p.Column)
	}
	if f != nil {
		return nil, f
	}
	col := p.Column
	want := n.values[0].value
	switch n.op {
	case "IN", "NOT IN":
		set := map[any]bool{}
		for _, v := range n.values {
			set[col.folded(v.value)] = true
		}
		in := n.op == "IN"
		return func(r Row) bool { return set[col.folded(p.value(r))] == in }, nil
	case "LIKE":
		pattern := strings.ToLower(want.(string))
		return func(r Row) bool {
			s, ok := p.value(r).(string)
			return ok && like(strings.ToLower(s), pattern)
		}, nil
	case "=":
		return func(r Row) bool { return col.equal(p.value(r), want) }, nil
	case "!=":
		return func(r Row) bool { return !col.equal(p.value(r), want) }, nil
	}
	return func(r Row) bool {
		v := p.value(r)
		if v == nil || want == nil {
			return false
		}
		switch d := col.compare(v, want); n.op {
		case "<":
			return d < 0
		case "<=":
			return d <= 0
		case ">":
			return d > 0
		default:
			return d >= 0
		}
	}, nil
}

// checkFilter checks that the column supports the comparison, and converts the values to the column's form.
func (c compiler) checkFilter(n *node, col *Column) *Error {
	at := errorAt(c.text, n.field.pos)
	switch {
	case !col.Filterable:
		return fail("INVALID_FIELD", "%sfield '%s' can not be filtered in a query call", at, col.Name)
	case n.op == "LIKE" && n.values[0].value == "":
		return fail("INVALID_QUERY_FILTER_OPERATOR", "%sthe pattern of LIKE is empty", at)
	case n.op == "LIKE" && (col.Kind != Text || n.values[0].kind != Text), !col.Ordered && strings.ContainsAny(n.op, "<>"):
		return fail("INVALID_FIELD", "%sinvalid operator on %s field", at, col.Type)
	}
	for i := range n.values {
		v := &n.values[i]
		s, _ := v.value.(string)
		switch {
		case v.kind == 0:
		case v.kind != col.literalKind():
			should := "should not"
			if col.literalKind() == Text {
				should = "should"
			}
			return fail("INVALID_FIELD", "%svalue of filter criterion for field '%s' must be of type %s and %s be enclosed "+
				"in quotes",
				at, col.Name, col.JSONType, should)
		case col.Kind == ID:
			id, ok := c.table.ParseID(s)
			if !ok {
				return fail("INVALID_QUERY_FILTER_OPERATOR", "%sinvalid ID field: %s", at, s)
			}
			v.value = id
		case s == "" && col.Kind == Text:
			v.value = nil // the empty string is null
		}
	}
	return nil
}

// literalKind returns the kind of literal that the column is compared with.
func (c *Column) literalKind() Kind {
	if c.Kind == ID {
		return Text
	}
	return c.Kind
}

// folded returns a value in the form in which it is compared for equality.
func (c *Column) folded(v any) any {
	if s, ok := v.(string); ok && c.Kind == Text {
		return strings.ToLower(s)
	}
	return v
}

// Fold returns the key of a value in indexes and comparisons.
func (c *Column) Fold(v any) string {
	s, ok := v.(string)
	switch {
	case !ok:
		return fmt.Sprint(v)
	case c.Kind == Text:
		return strings.ToLower(s)
	}
	return s
}

func (c *Column) equal(a, b any) bool {
	s, ok := a.(string)
	t, also := b.(string)
	if ok && also && c.Kind == Text {
		return strings.EqualFold(s, t)
	}
	return a == b
}

// compare orders two values that are not null.
func (c *Column) compare(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(c.Fold(a), c.Fold(b))
	case float64:
		return cmp.Compare(a, b.(float64))
	}
	switch {
	case a == b:
		return 0
	case a == false:
		return -1
	}
	return 1
}

// like matches s with a pattern of % and _, which \ escapes.
func like(s, pattern string) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '%':
			for pattern = pattern[1:]; ; s = s[1:] {
				if like(s, pattern) {
					return true
				}
				if s == "" {
					return false
				}
			}
		case pattern[0] == '_' && s != "":
			for s = s[1:]; s != "" && s[0]&0xC0 == 0x80; {
				s = s[1:] // the rest of one character
			}
			pattern = pattern[1:]
			continue
		case pattern[0] == '\\' && len(pattern) > 1:
			pattern = pattern[1:]
		}
		if s == "" || s[0] != pattern[0] {
			return false
		}
		s, pattern = s[1:], pattern[1:]
	}
	return s == ""
}
