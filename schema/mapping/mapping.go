// Package mapping parses the mapping file and determines what Salesforce should hold for a Monday item. It is pure:
// it reads no clock, no file and no network.
package mapping

import (
	"maps"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"crmsync/mondayclient/column"
)

// DefaultKey is the external-ID field of a mapping without one.
const DefaultKey = "Monday_Item_Id__c"

// itemName is the column id by which a mapping refers to the item's name.
const itemName = "name"

// Mapping is a mapping file without faults. It does not change after parsing, so any number of goroutines may share
// it.
type Mapping struct {
	// Key is the Salesforce external-ID field that holds the item's id.
	Key string

	// PhoneCountry is the region (ISO 3166-1 alpha-2) of phone numbers without a country code; it may be empty.
	PhoneCountry string

	// Owner is the Id of the Salesforce user that `as: user` falls back to; it may be empty.
	Owner string

	// TimeZone determines the day of a date with a time; nil: the day in UTC, as in Monday.
	TimeZone *time.Location

	// Reconcile is the cron expression, in UTC, for comparing Monday and Salesforce; empty: never.
	Reconcile string

	// Brake holds mass deletions until a person decides.
	Brake Brake

	// AdoptShown links an item to the record whose Id someone wrote into an id column. Otherwise only records that
	// crmsync created, or found by `match`, are linked.
	AdoptShown bool

	Boards []*Board // in the file's order

	byID      map[int64]*Board
	ownerAt   place
	reconcile cron.Schedule
}

// Board is a Monday board and the records of its items.
type Board struct {
	Name string
	ID   int64
	Line int

	// Records are sorted so that each follows those it refers to by `record`, otherwise in the file's order.
	Records []*Record

	// Columns are the ids of all columns that the mapping reads or writes, sorted, without the item's name.
	Columns []string

	// Migration describes how Salesforce records become items of the board; nil: they are not imported.
	Migration *Migration

	// Stage is 0 for a board whose records do not link to those of other boards, and otherwise above the stages of the
	// boards they link to. If links form a circle, a board that is earlier in the file does not wait.
	Stage int

	place place
	at    map[string]place // of its keys
}

// Record is one Salesforce record of an item.
type Record struct {
	Board  *Board
	Name   string
	Object string
	Line   int

	// IDColumn is the column that shows the record's Salesforce Id, or "".
	IDColumn string

	// Shared records belong to several items: they are found by Match and never overwritten.
	Shared bool

	// Match names the fields whose values identify an existing record before one is created.
	Match []string

	// DeleteWithItem deletes the record when its item is deleted or archived.
	DeleteWithItem bool

	// Sync is the direction of fields without their own, if their form supports it.
	Sync Direction

	// Wins is the winning side for fields without their own.
	Wins Side

	// OnRecordDelete is what happens to the item when the record was deleted in Salesforce.
	OnRecordDelete RecordGone

	// OnDuplicate is what happens when the record violates a duplicate rule.
	OnDuplicate Duplicate

	// Assignment is when assignment rules may run on the record.
	Assignment Assignment

	// When is the condition for creating the record: its own, or else its board's.
	When Condition

	Fields []*Field // in the file's order

	// Stage is 0 for a record without references, and otherwise above the stages of the records it refers to. If
	// links form a circle, a record that is earlier in the file does not wait.
	Stage int

	gates   []Label // of When, in the file's order
	made    map[string]string
	sent    map[string]string
	sources map[string][]string
	place   place
	at      map[string]place // of its keys
}

// Condition controls the creation of a record: each column must hold one of its labels. An empty condition always
// holds.
type Condition map[string][]string

// Item is a Monday item. A column missing from Columns is treated as empty.
type Item struct {
	ID      int64
	Name    string
	Columns map[string]column.Value
}

// Field is a field of a Salesforce record and the source of its value.
type Field struct {
	Name      string
	Line, Col int

	// Sync is the direction of the value: the field's own setting, or else the record's if the form supports it.
	Sync Direction

	// Wins is the side that wins if both changed. It applies if Sync is Both.
	Wins Side

	form     form
	from     string // column id
	literal  any    // of the form `value`
	template []part
	as       string
	labels   map[string]any
	order    []string // of the labels
	labelAt  map[string]place
	fallback *fallback // nil: no default
	record   *Record
	link     *Record
	locale   locale
	base     string           // of a field that only an import reads; else empty
	oneWay   string           // why Sync is ToSalesforce although the record says otherwise
	at       map[string]place // of its keys; nil: the field is given as a column id
}

// locale determines how to read a value that does not name its region or time zone.
type locale struct {
	region string         // of phone numbers
	zone   *time.Location // of dates with a time; nil: UTC
	owner  string         // the user that `as: user` falls back to
}

// form is the key that names the source of a field's value.
type form string

const (
	fromColumn form = "from"
	fixed      form = "value"
	template   form = "template"
	sibling    form = "record"
)

// part is a piece of a template: text or a column.
type part struct {
	text   string
	column string
}

// fallback is the default for an empty column.
type fallback struct {
	literal  any
	relative bool // days after the day of its first use, instead of literal
	days     int
}

// Board returns the board with the id, or nil if it is not mapped.
func (m *Mapping) Board(id int64) *Board { return m.byID[id] }

// Owns reports whether a board's record belongs to one item alone: it is mapped, and not shared.
func (m *Mapping) Owns(boardID int64, record string) bool {
	board := m.Board(boardID)
	if board == nil {
		return false
	}
	rec := board.Named(record)
	return rec != nil && !rec.Shared
}

// Stages returns the number of stages for the records of all boards.
func (m *Mapping) Stages() int {
	stages := 0
	for _, b := range m.Boards {
		for _, r := range b.Records {
			stages = max(stages, r.Stage+1)
		}
	}
	return stages
}

// Holds reports whether the item meets the condition. A dropdown matches by any of its labels, a checkbox by "true"
// or "false", and any other column by its text.
func (c Condition) Holds(it Item) bool {
	for id, accepted := range c {
		v := it.value(id)
		has := func(label string) bool { return slices.Contains(accepted, label) }
		if v.Type == column.Dropdown && len(v.Labels) > 0 {
			if !slices.ContainsFunc(v.Labels, has) {
				return false
			}
			continue
		}
		if !has(text(v)) {
			return false
		}
	}
	return true
}

// Columns returns the ids of the columns from which the field is read, each once, "name" for the item's name. A fixed
// value and a reference to a record of the same item are not read from a column.
func (f *Field) Columns() []string {
	switch f.form {
	case fromColumn:
		return []string{f.from}
	case template:
		var ids []string
		for _, p := range f.template {
			if p.column != "" && !slices.Contains(ids, p.column) {
				ids = append(ids, p.column)
			}
		}
		return ids
	default:
		return nil
	}
}

// Record returns the record of the same item whose Id the field holds, or nil.
func (f *Field) Record() *Record { return f.record }

// Link returns the record of the connected item whose Id the field holds, or nil.
func (f *Field) Link() *Record { return f.link }

// Value returns the item's value of a column, or its name.
func (it Item) Value(id string) column.Value { return it.value(id) }

// With returns the item as it would be if the column, or the name, had the value.
func (it Item) With(id string, v column.Value) Item {
	if id == itemName {
		it.Name = v.Text
		return it
	}
	columns := maps.Clone(it.Columns)
	if columns == nil {
		columns = map[string]column.Value{}
	}
	columns[id] = v
	it.Columns = columns
	return it
}

// value returns the item's value of a column.
func (it Item) value(id string) column.Value {
	if id == itemName {
		return column.Value{Type: column.Text, Text: it.Name}
	}
	return it.Columns[id]
}

// Named returns the record of the board with the name, or nil.
func (b *Board) Named(name string) *Record {
	for _, r := range b.Records {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Columns returns the ids of all columns that affect the record's values, its creation or its link, sorted and
// without the item's name. If one of them was never read from Monday, everything that depends on it is unknown.
func (r *Record) Columns() []string {
	var ids []string
	if r.IDColumn != "" {
		ids = append(ids, r.IDColumn)
	}
	for id := range r.When {
		ids = append(ids, id)
	}
	for _, f := range r.Fields {
		ids = append(ids, f.Columns()...)
	}
	return columnIDs(ids)
}

// columns returns the ids of the columns that the board's records read or write.
func (b *Board) columns() []string {
	var ids []string
	for _, r := range b.Records {
		ids = append(ids, r.Columns()...)
	}
	return columnIDs(ids)
}

// columnIDs sorts column ids, removes duplicates and omits the item's name.
func columnIDs(ids []string) []string {
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == itemName })
}
