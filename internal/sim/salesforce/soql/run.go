package soql

import (
	"iter"
	"slices"
	"strings"
)

// Plan is a query that is ready to run on its table.
type Plan struct {
	table   Table
	query   Query
	fields  []Path
	filter  predicate
	order   []orderBy
	deleted bool // include deleted records
}

type orderBy struct {
	path Path
	sortKey
}

// From returns the name of the object that the query reads.
func (q Query) From() string { return q.from.text }

// UnknownObject returns the error for an object name that does not exist.
func (q Query) UnknownObject() *Error {
	return fail("INVALID_TYPE", "%ssObject type '%s' is not supported. If you are attempting to use a custom object, "+
		"be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the "+
		"appropriate names.",
		errorAt(q.text, q.from.pos), q.from.text)
}

// Prepare checks the query against its table. With deleted, the plan finds deleted rows too.
func (q Query) Prepare(t Table, deleted bool) (Plan, *Error) {
	p := Plan{table: t, query: q, deleted: deleted}
	c := compiler{t, q.text}
	var f *Error
	if p.fields, f = c.selection(q.fields); f != nil {
		return p, f
	}
	if p.filter, f = c.filter(q.where); f != nil {
		return p, f
	}
	for _, k := range q.order {
		at, f := c.path(k.field)
		if f == nil && !at.Column.Filterable {
			f = fail("INVALID_FIELD", "%sfield '%s' can not be sorted in a query call", errorAt(c.text, k.field.pos),
				k.field.text)
		}
		if f != nil {
			return p, f
		}
		p.order = append(p.order, orderBy{at, k})
	}
	return p, nil
}

// selection resolves the fields of a query.
func (c compiler) selection(fields []token) ([]Path, *Error) {
	var paths []Path
	for _, t := range fields {
		p, f := c.path(t)
		if f != nil {
			return nil, f
		}
		if slices.Contains(paths, p) {
			return nil, fail("MALFORMED_QUERY", "%sduplicate field selected: %s", errorAt(c.text, t.pos), t.text)
		}
		paths = append(paths, p)
	}
	return paths, nil
}

// Counts reports whether the query asks only for the number of rows.
func (p Plan) Counts() bool { return p.query.count }

// Fields returns the columns that the query shows, in its order.
func (p Plan) Fields() []Path { return p.fields }

// Run returns the rows of the query with order, limit and offset applied.
func (p Plan) Run() []Row {
	candidates, sorted := p.candidates()
	most := -1
	if sorted && p.query.limit >= 0 {
		most = p.query.offset + p.query.limit
	}
	var found []Row
	for r := range candidates {
		if len(found) == most {
			break
		}
		if (p.deleted || !r.Deleted()) && p.filter(r) {
			found = append(found, r)
		}
	}
	if !sorted {
		slices.SortStableFunc(found, p.compare)
	}
	found = found[min(p.query.offset, len(found)):]
	if p.query.limit >= 0 {
		found = found[:min(p.query.limit, len(found))]
	}
	return found
}

// candidates returns rows that include all results, and whether they are in the requested order: by id or external ID
// if the condition names some, by time of change if it is bounded or sorted by that, else all.
func (p Plan) candidates() (_ iter.Seq[Row], sorted bool) {
	byStamp := len(p.order) > 0 && p.ascends(0, ByStamp) && (len(p.order) == 1 || len(p.order) == 2 && p.ascends(1, ByID))
	inOrder := len(p.order) == 0 || p.ascends(0, ByID)
	if named, ok := p.named(); ok {
		slices.SortFunc(named, func(a, b Row) int { return strings.Compare(a.ID(), b.ID()) })
		return slices.Values(slices.Compact(named)), inOrder
	}
	from := lowerBound(p.query.where, p.table)
	if byStamp || from != "" && !inOrder {
		if rows, ok := p.table.Since(from); ok {
			return rows, byStamp
		}
	}
	return p.table.Rows(), inOrder
}

// ascends reports whether the nth sort key is a column of the record itself, ascending.
func (p Plan) ascends(n int, access Access) bool {
	k := p.order[n]
	return k.path.Reference == nil && k.path.Column.Access == access && !k.desc
}

// named looks up the smallest set of records that a part of the condition names by id or an indexed value.
func (p Plan) named() (best []Row, ok bool) {
	for _, n := range conjuncts(p.query.where) {
		if n.op != "=" && n.op != "IN" || strings.Contains(n.field.text, ".") {
			continue
		}
		c, _ := p.table.Column(n.field.text)
		if c.Access != ByID && (c.Access != ByValue || p.deleted) ||
			slices.ContainsFunc(n.values, func(v literal) bool { return v.value == nil }) {
			continue
		}
		var found []Row
		for _, v := range n.values {
			if c.Access == ByValue {
				found = slices.AppendSeq(found, p.table.Find(c, v.value))
			} else if r, ok := p.table.Row(v.value.(string)); ok {
				found = append(found, r)
			}
		}
		if !ok || len(found) < len(best) {
			best, ok = found, true
		}
	}
	return best, ok
}

// conjuncts returns the conditions that must all hold.
func conjuncts(n *node) []*node {
	if n == nil {
		return nil
	}
	if n.op == "AND" {
		var list []*node
		for _, kid := range n.kids {
			list = append(list, conjuncts(kid)...)
		}
		return list
	}
	return []*node{n}
}

// lowerBound returns a time, in the column with access ByStamp, that is not after any row matching the condition;
// empty: unknown.
func lowerBound(n *node, t Table) string {
	switch {
	case n == nil:
		return ""
	case n.op == "AND":
		bound := ""
		for _, kid := range n.kids {
			bound = max(bound, lowerBound(kid, t))
		}
		return bound
	case n.op == "OR":
		bound := lowerBound(n.kids[0], t)
		for _, kid := range n.kids[1:] {
			bound = min(bound, lowerBound(kid, t))
		}
		return bound
	case n.op == "=" || n.op == ">" || n.op == ">=":
		if c, ok := t.Column(n.field.text); ok && c.Access == ByStamp {
			bound, _ := n.values[0].value.(string)
			return bound
		}
	}
	return ""
}

// compare orders two records by the query's keys; nulls come first unless the key says otherwise.
func (p Plan) compare(a, b Row) int {
	for _, k := range p.order {
		x, y := k.path.value(a), k.path.value(b)
		switch {
		case x == nil && y == nil:
			continue
		case x == nil || y == nil:
			if (x == nil) != k.nullsLast {
				return -1
			}
			return 1
		}
		d := k.path.Column.compare(x, y)
		if k.desc {
			d = -d
		}
		if d != 0 {
			return d
		}
	}
	return strings.Compare(a.ID(), b.ID())
}
