package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"crmsync/internal/sim/salesforce/soql"
)

const (
	maxCursors = 50 // open cursors; a new one closes the oldest
	minPage    = 200
)

// cursor is an open query with more than one page.
type cursor struct {
	id        string
	selection selection
	records   []soql.Row // *record
	size      int        // records on a page
}

// selection says which fields of a record a query or a retrieve shows.
type selection []selected

// selected is a column, or the columns of a parent.
type selected struct {
	column *column // the column, or the reference if kids are shown
	kids   selection
}

// planQuery handles /query and /queryAll, with q or with a cursor in the path.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-query.html
func (s *Sim) planQuery(r request) operation {
	switch {
	case r.method != http.MethodGet:
		return notAllowed(r, "HEAD,GET")
	case len(r.path) == 2:
		return operation{name: opQuery, run: func(x *tx) answer { return x.sim.nextPage(r) }}
	case len(r.path) > 2:
		return refused(opOther, "", notFound())
	}
	q, err := soql.Parse(r.query.Get("q"))
	if err != nil {
		return refused(opQuery, "", queryFailure(err))
	}
	t, ok := s.tableFor(q.From())
	if !ok {
		return refused(opQuery, "", queryFailure(q.UnknownObject()))
	}
	p, err := q.Prepare(queryTable{t}, r.path[0] == "queryAll")
	if err != nil {
		return refused(opQuery, t.Name, queryFailure(err))
	}
	return operation{name: opQuery, object: t.Name,
		run: func(x *tx) answer { return x.sim.firstPage(r, p, t.selection(p.Fields())) }}
}

func (s *Sim) firstPage(r request, p soql.Plan, sel selection) answer {
	found := p.Run()
	if p.Counts() {
		return answer{status: http.StatusOK, body: map[string]any{"totalSize": len(found), "done": true, "records": []any{}}}
	}
	c := cursor{selection: sel, records: found, size: s.pageSize(r)}
	if len(found) > c.size {
		c.id = mintID("0r8", s.nextID())
		if s.cursors = append(s.cursors, c); len(s.cursors) > maxCursors {
			s.cursors = slices.Delete(s.cursors, 0, 1)
		}
	}
	return c.page(r, 0)
}

func (s *Sim) nextPage(r request) answer {
	id, offset, _ := strings.Cut(r.path[1], "-")
	from, err := strconv.Atoi(offset)
	i := slices.IndexFunc(s.cursors, func(c cursor) bool { return c.id == id })
	if err != nil || i < 0 || from < 0 || from > len(s.cursors[i].records) {
		return refusal(fail("INVALID_QUERY_LOCATOR", "invalid query locator"))
	}
	return s.cursors[i].page(r, from)
}

// pageSize returns the org's page size, unless the request asks for less.
func (s *Sim) pageSize(r request) int {
	size := s.config.PageSize
	if _, n, ok := strings.Cut(r.header.Get("Sforce-Query-Options"), "batchSize="); ok {
		if n, err := strconv.Atoi(strings.TrimSpace(n)); err == nil {
			size = min(size, max(n, minPage))
		}
	}
	return size
}

func (c cursor) page(r request, from int) answer {
	to := min(from+c.size, len(c.records))
	b := make([]byte, 0, 100+(to-from)*(120+40*len(c.selection)))
	b = fmt.Appendf(b, `{"totalSize":%d,"done":%t,`, len(c.records), to == len(c.records))
	if to < len(c.records) {
		b = fmt.Appendf(b, `"nextRecordsUrl":"%s/query/%s-%d",`, r.base(), c.id, to)
	}
	b = append(b, `"records":[`...)
	for i, rec := range c.records[from:to] {
		if i > 0 {
			b = append(b, ',')
		}
		b = c.selection.append(b, r.base(), rec.(*record))
	}
	return answer{status: http.StatusOK, body: json.RawMessage(append(b, "]}"...))}
}

// selection returns the fields of a query in the order shown, those of one parent together.
func (t *table) selection(fields []soql.Path) selection {
	var sel selection
	for _, f := range fields {
		if f.Reference == nil {
			sel = append(sel, selected{column: &t.columns[f.Column.Index]})
			continue
		}
		reference := &t.columns[f.Reference.Index]
		i := slices.IndexFunc(sel, func(s selected) bool { return s.column == reference && s.kids != nil })
		if i < 0 {
			sel = append(sel, selected{column: reference})
			i = len(sel) - 1
		}
		sel[i].kids = append(sel[i].kids, selected{column: &reference.parent.columns[f.Column.Index]})
	}
	return sel
}

// selectColumns resolves the fields of a retrieve; none: all.
func (t *table) selectColumns(names []string) (selection, *failure) {
	var sel selection
	for _, name := range names {
		c, ok := t.column(strings.TrimSpace(name))
		if !ok {
			return nil, fail("INVALID_FIELD", "No such column '%s' on entity '%s'", name, t.Name)
		}
		sel = append(sel, selected{column: c})
	}
	if names == nil {
		for i := range t.columns {
			sel = append(sel, selected{column: &t.columns[i]})
		}
	}
	return sel, nil
}

// append appends a record as JSON.
func (sel selection) append(b []byte, base string, r *record) []byte {
	b = append(b, `{"attributes":{"type":"`...)
	b = append(b, r.table.Name...)
	b = append(b, `","url":"`...)
	b = append(b, base...)
	b = append(b, r.table.path(r.id)...)
	b = append(b, `"}`...)
	for _, s := range sel {
		b = append(b, `,"`...)
		if s.kids == nil {
			b = append(append(b, s.column.Name...), `":`...)
			b = appendValue(b, r.values[s.column.index])
			continue
		}
		b = append(append(b, s.column.relation...), `":`...)
		id, _ := r.values[s.column.index].(string)
		if parent := s.column.parent.byID[id]; parent != nil && !parent.hidden {
			b = s.kids.append(b, base, parent)
		} else {
			b = append(b, "null"...)
		}
	}
	return append(b, '}')
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case float64:
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		if plain(v) {
			return append(append(append(b, '"'), v...), '"')
		}
		quoted, _ := json.Marshal(v)
		return append(b, quoted...)
	}
	return append(b, "null"...)
}

// plain reports whether a string needs no escaping in JSON.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
