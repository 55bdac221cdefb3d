package salesforce

import (
	"cmp"
	"strings"
)

type predicate func(*record) bool

// path is a field of a record, or of the parent that a reference points to.
type path struct {
	reference *column // nil: the record's own
	column    *column
}

// compiler turns names and conditions of a query into what can be run on a table's records.
type compiler struct {
	table *table
	text  string
}

// path resolves a field's name, of which one parent level may stand before the dot.
func (c compiler) path(t token) (path, *failure) {
	relation, name, dotted := strings.Cut(t.text, ".")
	if !dotted {
		return c.own(c.table, nil, t.text, t.pos)
	}
	if strings.EqualFold(relation, c.table.Name) {
		return c.own(c.table, nil, name, t.pos)
	}
	i, ok := c.table.relations[strings.ToLower(relation)]
	if !ok || c.table.columns[i].parent == nil {
		return path{}, fail("INVALID_FIELD", "%sDidn't understand relationship '%s' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name.",
			errorAt(c.text, t.pos), relation)
	}
	reference := &c.table.columns[i]
	return c.own(reference.parent, reference, name, t.pos)
}

func (c compiler) own(t *table, reference *column, name string, pos int) (path, *failure) {
	column, ok := t.column(name)
	if !ok {
		return path{}, fail("INVALID_FIELD", "%sNo such column '%s' on entity '%s'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
			errorAt(c.text, pos), name, t.Name)
	}
	return path{reference, column}, nil
}

// value is what a record has there.
func (p path) value(r *record) any {
	if p.reference != nil {
		id, _ := r.values[p.reference.index].(string)
		if r = p.reference.parent.byID[id]; r == nil {
			return nil
		}
	}
	return r.values[p.column.index]
}

// filter compiles a condition; nil accepts all.
func (c compiler) filter(n *node) (predicate, *failure) {
	if n == nil {
		return func(*record) bool { return true }, nil
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
		return func(r *record) bool { return !kids[0](r) }, nil
	}
	// AND ends at the first false, OR at the first true.
	stop := n.op == "OR"
	return func(r *record) bool {
		for _, kid := range kids {
			if kid(r) == stop {
				return stop
			}
		}
		return !stop
	}, nil
}

func (c compiler) comparison(n *node) (predicate, *failure) {
	p, f := c.path(n.field)
	if f == nil {
		f = c.checkFilter(n, p.column)
	}
	if f != nil {
		return nil, f
	}
	col := p.column
	want := n.values[0].value
	switch n.op {
	case "IN", "NOT IN":
		set := map[any]bool{}
		for _, v := range n.values {
			set[col.folded(v.value)] = true
		}
		in := n.op == "IN"
		return func(r *record) bool { return set[col.folded(p.value(r))] == in }, nil
	case "LIKE":
		pattern := strings.ToLower(want.(string))
		return func(r *record) bool {
			s, ok := p.value(r).(string)
			return ok && like(strings.ToLower(s), pattern)
		}, nil
	case "=":
		return func(r *record) bool { return col.equal(p.value(r), want) }, nil
	case "!=":
		return func(r *record) bool { return !col.equal(p.value(r), want) }, nil
	}
	return func(r *record) bool {
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

// checkFilter checks that the column can be compared so, and puts the values into its form.
func (c compiler) checkFilter(n *node, col *column) *failure {
	at := errorAt(c.text, n.field.pos)
	switch {
	case !col.filterable():
		return fail("INVALID_FIELD", "%sfield '%s' can not be filtered in a query call", at, col.Name)
	case n.op == "LIKE" && (!col.text() || n.values[0].kind != String),
		col.Type == Boolean && strings.ContainsAny(n.op, "<>"), col.Type == MultiPicklist && strings.ContainsAny(n.op, "<>"):
		return fail("INVALID_FIELD", "%sinvalid operator on %s field", at, col.Type)
	}
	for i := range n.values {
		v := &n.values[i]
		s, _ := v.value.(string)
		switch {
		case v.kind == "":
		case v.kind != col.literalKind():
			should := "should not"
			if col.literalKind() == String {
				should = "should"
			}
			return fail("INVALID_FIELD", "%svalue of filter criterion for field '%s' must be of type %s and %s be enclosed in quotes",
				at, col.Name, col.jsonType(), should)
		case col.Type == ID || col.Type == Reference:
			id, ok := parseID(s)
			if !ok {
				return fail("INVALID_QUERY_FILTER_OPERATOR", "%sinvalid ID field: %s", at, s)
			}
			v.value = id
		case s == "" && col.text():
			v.value = nil // the empty string is null
		}
	}
	return nil
}

// literalKind is the kind of literal that the column is compared with.
func (c *column) literalKind() Type {
	switch {
	case c.number():
		return Double
	case c.Type == Boolean, c.Type == Date, c.Type == DateTime:
		return c.Type
	}
	return String
}

// filterable reports whether queries may filter and sort by the column.
func (c *column) filterable() bool { return c.Type != TextArea || c.Length <= 255 }

// folded is a value as it is compared for equality.
func (c *column) folded(v any) any {
	if s, ok := v.(string); ok && c.text() {
		return strings.ToLower(s)
	}
	return v
}

func (c *column) equal(a, b any) bool {
	s, ok := a.(string)
	t, also := b.(string)
	if ok && also && c.text() {
		return strings.EqualFold(s, t)
	}
	return a == b
}

// compare orders two values that are not null.
func (c *column) compare(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(c.fold(a), c.fold(b))
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

// like matches s with a pattern of % and _, in which \ takes away their meaning.
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
