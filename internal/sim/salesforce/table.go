package salesforce

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"crmsync/internal/sim/salesforce/soql"
)

// Positions of the columns at the beginning of every table.
const (
	colID = iota
	colDeleted
	colCreated
	colModified
	colModifiedBy
	colStamp
)

// table holds the records of one object.
type table struct {
	Object
	columns   []column
	names     map[string]int // column by name, as declared and in lower case
	relations map[string]int // reference column by the parent's name, in lower case
	rules     map[int][]func(any) string

	formulas []int // columns that have a formula

	concealed atomic.Bool // the integration user cannot see the object

	automation  automation
	duplicates  []duplicateRule
	validations []Validation

	rows    []*record // in order of creation, which is also the order of ids; including deleted ones
	byID    map[string]*record
	indexes map[int]index // of live records, by folded value
	log     []stamped
	ahead   bool // the running call has written records that the log does not contain yet
}

// index maps a value to the live records that have it.
type index map[string][]*record

type column struct {
	Field
	index    int
	query    soql.Column // the column as queries see it
	relation string      // name of the parent in SOQL and in nested records
	parent   *table
}

// record is a row. Its values are replaced as a whole, never changed in place.
type record struct {
	table  *table
	id     string
	values []any // nil, string, float64 or bool; dates and times as the strings that the API shows

	hidden      bool   // from the integration user
	locked      bool   // for the API
	noReference string // code with which references to it are rejected; empty: they are accepted
}

// stamped is an entry of a table's log: the record had this SystemModstamp. The entry is stale once the record has a
// later one.
type stamped struct {
	stamp string
	rec   *record
}

// newTable panics if the object is invalid.
func newTable(o Object) *table {
	t := &table{
		Object: o, names: map[string]int{}, relations: map[string]int{}, rules: map[int][]func(any) string{},
		byID: map[string]*record{}, indexes: map[int]index{},
	}
	t.Label = cmp.Or(o.Label, o.Name)
	if len(o.Prefix) != 3 {
		panic(fmt.Sprintf("sfsim: %s: key prefix %q", o.Name, o.Prefix))
	}
	system := []Field{
		{Name: "Id", Label: o.Label + " ID", Type: ID, ReadOnly: true},
		{Name: "IsDeleted", Label: "Deleted", Type: Boolean, ReadOnly: true},
		{Name: "CreatedDate", Label: "Created Date", Type: DateTime, ReadOnly: true},
		{Name: "LastModifiedDate", Label: "Last Modified Date", Type: DateTime, ReadOnly: true},
		{Name: "LastModifiedById", Label: "Last Modified By ID", Type: ID, ReadOnly: true},
		{Name: "SystemModstamp", Label: "System Modstamp", Type: DateTime, ReadOnly: true},
	}
	for _, f := range append(system, o.Fields...) {
		t.addColumn(f)
	}
	return t
}

// addColumn panics if the field is invalid.
func (t *table) addColumn(f Field) {
	i := len(t.columns)
	c := column{Field: f, index: i}
	c.Label = cmp.Or(f.Label, f.Name)
	c.ReadOnly = f.ReadOnly || f.Joins != nil || f.Calculated || f.Formula != nil
	c.Calculated = f.Calculated || f.Formula != nil
	c.Length = cmp.Or(f.Length, map[Type]int{TextArea: 32000, ID: 18, Reference: 18}[f.Type], 255)
	if _, taken := t.names[strings.ToLower(f.Name)]; taken {
		panic(fmt.Sprintf("sfsim: %s: two fields %s", t.Name, f.Name))
	}
	t.names[f.Name], t.names[strings.ToLower(f.Name)] = i, i
	if f.Type == Reference {
		c.relation = relationName(f.Name)
		t.relations[strings.ToLower(c.relation)] = i
	}
	if f.Unique || f.ExternalID {
		t.indexes[i] = index{}
	}
	if f.Formula != nil {
		t.formulas = append(t.formulas, i)
	}
	c.query = c.forQueries()
	t.columns = append(t.columns, c)
}

func (t *table) mustColumn(name string) *column {
	c, ok := t.column(name)
	if !ok {
		panic(fmt.Sprintf("sfsim: no field %s on %s", name, t.Name))
	}
	return c
}

// mustRecord finds a record, deleted or not.
func (t *table) mustRecord(id string) *record {
	full, _ := parseID(id)
	rec, ok := t.byID[full]
	if !ok {
		panic(fmt.Sprintf("sfsim: no %s %s", t.Name, id))
	}
	return rec
}

// column finds a column by name, ignoring case.
func (t *table) column(name string) (*column, bool) {
	i, ok := t.names[name]
	if !ok {
		if i, ok = t.names[strings.ToLower(name)]; !ok {
			return nil, false
		}
	}
	return &t.columns[i], true
}

// live finds a record that is not deleted.
func (t *table) live(id string) (*record, bool) {
	r, ok := t.byID[id]
	return r, ok && !r.deleted()
}

// find returns the live records with this value in a column. It builds the column's index when first needed.
func (t *table) find(c *column, value any) []*record {
	return t.indexOf(c)[c.fold(value)]
}

func (t *table) indexOf(c *column) index {
	if ix, ok := t.indexes[c.index]; ok {
		return ix
	}
	ix := index{}
	for _, r := range t.rows {
		if v := r.values[c.index]; v != nil && !r.deleted() {
			k := c.fold(v)
			ix[k] = append(ix[k], r)
		}
	}
	t.indexes[c.index] = ix
	return ix
}

// reindex moves a record from its old values to its new ones; nil means no record.
func (t *table) reindex(r *record, before, after []any) {
	if before != nil && before[colDeleted] == true {
		before = nil
	}
	if after != nil && after[colDeleted] == true {
		after = nil
	}
	for i, ix := range t.indexes {
		c := &t.columns[i]
		var from, to any
		if before != nil {
			from = before[i]
		}
		if after != nil {
			to = after[i]
		}
		if from == to {
			continue
		}
		if from != nil {
			ix.drop(c.fold(from), r)
		}
		if to != nil {
			k := c.fold(to)
			ix[k] = append(ix[k], r)
		}
	}
}

// stampAll records that these records were written at this time, which is later than all before unless the transaction
// was committed late.
func (t *table) stampAll(stamp string, recs []*record) {
	slices.SortFunc(recs, func(a, b *record) int { return strings.Compare(a.id, b.id) })
	late := len(t.log) > 0 && t.log[len(t.log)-1].stamp >= stamp
	for _, r := range slices.Compact(recs) {
		t.log = append(t.log, stamped{stamp, r})
	}
	if late {
		slices.SortFunc(t.log, func(a, b stamped) int {
			return cmp.Or(strings.Compare(a.stamp, b.stamp), strings.Compare(a.rec.id, b.rec.id))
		})
	}
	if len(t.log) > 2*len(t.rows)+1000 {
		t.log = slices.DeleteFunc(t.log, stamped.stale)
	}
}

func (ix index) drop(key string, r *record) {
	bucket := ix[key]
	i := slices.Index(bucket, r)
	bucket[i] = bucket[len(bucket)-1]
	if ix[key] = bucket[:len(bucket)-1]; len(bucket) == 1 {
		delete(ix, key)
	}
}

func (e stamped) stale() bool { return e.rec.values[colStamp] != e.stamp }

func (r *record) deleted() bool { return r.values[colDeleted] == true }

// fold returns the key of a value in indexes and comparisons: text is compared ignoring case.
func (c *column) fold(v any) string { return c.query.Fold(v) }

// text reports whether the column holds text, as opposed to ids, times and numbers.
func (c *column) text() bool {
	switch c.Type {
	case String, TextArea, Email, Phone, URL, Picklist, MultiPicklist:
		return true
	}
	return false
}

func (c *column) number() bool { return c.Type == Double || c.Type == Currency || c.Type == Int }

func relationName(field string) string {
	if custom, ok := strings.CutSuffix(field, "__c"); ok {
		return custom + "__r"
	}
	return strings.TrimSuffix(field, "Id")
}
