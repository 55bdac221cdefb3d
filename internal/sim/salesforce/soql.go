package salesforce

import (
	"iter"
	"sort"
	"strings"

	"crmsync/internal/sim/salesforce/soql"
)

// queryTable presents a table to queries.
type queryTable struct{ *table }

var _ soql.Table = queryTable{}

func (t queryTable) Name() string { return t.table.Name }

func (t queryTable) Column(name string) (*soql.Column, bool) {
	c, ok := t.column(name)
	if !ok {
		return nil, false
	}
	return &c.query, true
}

func (t queryTable) Parent(relation string) (*soql.Column, soql.Table, bool) {
	i, ok := t.relations[strings.ToLower(relation)]
	if !ok || t.columns[i].parent == nil {
		return nil, nil, false
	}
	return &t.columns[i].query, queryTable{t.columns[i].parent}, true
}

func (queryTable) ParseID(text string) (string, bool) { return parseID(text) }

func (t queryTable) Row(id string) (soql.Row, bool) {
	r, ok := t.byID[id]
	return r, ok && !r.hidden
}

func (t queryTable) Rows() iter.Seq[soql.Row] { return asRows(t.rows) }

func (t queryTable) Find(c *soql.Column, value any) iter.Seq[soql.Row] {
	return asRows(t.find(&t.columns[c.Index], value))
}

// Since reads the table's log, which lags behind while a writing call is running.
func (t queryTable) Since(stamp string) (iter.Seq[soql.Row], bool) {
	return func(yield func(soql.Row) bool) {
		start := sort.Search(len(t.log), func(i int) bool { return t.log[i].stamp >= stamp })
		for _, e := range t.log[start:] {
			if !e.stale() && !e.rec.hidden && !yield(e.rec) {
				return
			}
		}
	}, !t.ahead
}

func asRows(list []*record) iter.Seq[soql.Row] {
	return func(yield func(soql.Row) bool) {
		for _, r := range list {
			if !r.hidden && !yield(r) {
				return
			}
		}
	}
}

func (r *record) ID() string { return r.id }

func (r *record) Deleted() bool { return r.deleted() }

func (r *record) Value(column int) any { return r.values[column] }

// forQueries returns the column as queries see it.
func (c *column) forQueries() soql.Column {
	return soql.Column{
		Index: c.index, Name: c.Name, Type: string(c.Type), JSONType: c.jsonType(), Kind: c.kind(), Access: c.access(),
		Filterable: c.Type != TextArea || c.Length <= 255,
		Ordered:    c.Type != Boolean && c.Type != MultiPicklist,
	}
}

func (c *column) kind() soql.Kind {
	switch {
	case c.number():
		return soql.Number
	case c.Type == Boolean:
		return soql.Boolean
	case c.Type == Date:
		return soql.Date
	case c.Type == DateTime:
		return soql.DateTime
	case c.Type == ID || c.Type == Reference:
		return soql.ID
	}
	return soql.Text
}

// access returns how a query finds records by the column. Only columns for which an index is worth its memory are
// ByValue.
func (c *column) access() soql.Access {
	switch {
	case c.index == colID:
		return soql.ByID
	case c.index == colStamp:
		return soql.ByStamp
	}
	switch c.Type {
	case String, Email, Phone, URL, Reference:
		return soql.ByValue
	}
	return soql.Scan
}

// queryFailure returns a rejected query's failure as the API words it.
func queryFailure(err *soql.Error) *failure { return fail(err.Code, "%s", err.Message) }
