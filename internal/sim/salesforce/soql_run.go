package salesforce

import (
	"iter"
	"slices"
	"sort"
	"strings"
)

// plan is a query that is ready to run on a table.
type plan struct {
	table   *table
	query   query
	filter  predicate
	order   []orderBy
	deleted bool // deleted records too
}

type orderBy struct {
	path path
	sortKey
}

// prepare checks a query's condition and order against its table.
func (c compiler) prepare(q query, deleted bool) (plan, *failure) {
	p := plan{table: c.table, query: q, deleted: deleted}
	var f *failure
	if p.filter, f = c.filter(q.where); f != nil {
		return p, f
	}
	for _, k := range q.order {
		at, f := c.path(k.field)
		if f == nil && !at.column.filterable() {
			f = fail("INVALID_FIELD", "%sfield '%s' can not be sorted in a query call", errorAt(c.text, k.field.pos), k.field.text)
		}
		if f != nil {
			return p, f
		}
		p.order = append(p.order, orderBy{at, k})
	}
	return p, nil
}

// run gives the records of the query, its order, limit and offset applied.
func (p plan) run() []*record {
	candidates, sorted := p.candidates()
	most := -1
	if sorted && p.query.limit >= 0 {
		most = p.query.offset + p.query.limit
	}
	var found []*record
	for r := range candidates {
		if len(found) == most {
			break
		}
		if (p.deleted || !r.deleted()) && p.filter(r) {
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

// candidates are the records among which all results are, and whether they come in the order asked
// for: by id or external value where the condition names some, by SystemModstamp where it is bounded
// or sorted by that, else all.
func (p plan) candidates() (_ iter.Seq[*record], sorted bool) {
	byStamp := len(p.order) > 0 && p.ascends(0, colStamp) && (len(p.order) == 1 || len(p.order) == 2 && p.ascends(1, colID))
	inOrder := len(p.order) == 0 || p.ascends(0, colID)
	if named, ok := p.named(); ok {
		slices.SortFunc(named, func(a, b *record) int { return strings.Compare(a.id, b.id) })
		return slices.Values(slices.Compact(named)), inOrder
	}
	if p.table.ahead {
		return slices.Values(p.table.rows), inOrder
	}
	from := lowerBound(p.query.where, p.table)
	if byStamp || from != "" && !inOrder {
		return p.table.since(from), byStamp
	}
	return slices.Values(p.table.rows), inOrder
}

// ascends reports whether the nth sort key is a column of the record's own, ascending.
func (p plan) ascends(n, column int) bool {
	k := p.order[n]
	return k.path.reference == nil && k.path.column.index == column && !k.desc
}

// named looks up the fewest records that a part of the condition names by id or an indexed value.
func (p plan) named() (best []*record, ok bool) {
	for _, n := range conjuncts(p.query.where) {
		if n.op != "=" && n.op != "IN" || strings.Contains(n.field.text, ".") {
			continue
		}
		c, _ := p.table.column(n.field.text)
		if c.index != colID && (!c.indexable() || p.deleted) || slices.ContainsFunc(n.values, func(v literal) bool { return v.value == nil }) {
			continue
		}
		var found []*record
		for _, v := range n.values {
			if c.index != colID {
				found = append(found, p.table.find(c, v.value)...)
			} else if r := p.table.byID[v.value.(string)]; r != nil {
				found = append(found, r)
			}
		}
		if !ok || len(found) < len(best) {
			best, ok = found, true
		}
	}
	return best, ok
}

// since walks the records in order of SystemModstamp, from a time on.
func (t *table) since(stamp string) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		start := sort.Search(len(t.log), func(i int) bool { return t.log[i].stamp >= stamp })
		for _, e := range t.log[start:] {
			if !e.stale() && !yield(e.rec) {
				return
			}
		}
	}
}

// conjuncts are the conditions all of which must hold.
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

// lowerBound is a SystemModstamp that no record for which the condition holds is before; empty: unknown.
func lowerBound(n *node, t *table) string {
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
		if c, ok := t.column(n.field.text); ok && c.index == colStamp {
			bound, _ := n.values[0].value.(string)
			return bound
		}
	}
	return ""
}

// compare orders two records by the query's keys; nulls come first unless the key says otherwise.
func (p plan) compare(a, b *record) int {
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
		d := k.path.column.compare(x, y)
		if k.desc {
			d = -d
		}
		if d != 0 {
			return d
		}
	}
	return strings.Compare(a.id, b.id)
}
