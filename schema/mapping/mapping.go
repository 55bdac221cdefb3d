// Package mapping reads the mapping file and says what Salesforce should hold for an item of
// Monday. It is pure: it reads no clock, no file and no network.
package mapping

import (
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"crmsync/mondayclient/column"
)

// DefaultKey is the external-ID field of a mapping that names none.
const DefaultKey = "Monday_Item_Id__c"

// itemName is the column under which a mapping reads the item's name.
const itemName = "name"

// Mapping is a mapping file without a fault. It does not change once it is parsed, so any number of
// goroutines may share it.
type Mapping struct {
	// Key is the Salesforce external-ID field that holds the item's id.
	Key string

	// PhoneCountry is the region (ISO 3166-1 alpha-2) of phone numbers that say none; it may be empty.
	PhoneCountry string

	// Owner is the Id of the Salesforce user whom `as: user` falls back to; it may be empty.
	Owner string

	// TimeZone is where a date with a time becomes a day; nil: the day in UTC, as Monday keeps it.
	TimeZone *time.Location

	// Reconcile is the cron expression, in UTC, by which Monday and Salesforce are compared; empty: they are not.
	Reconcile string

	// Brake holds mass deletions back for a person.
	Brake Brake

	// AdoptShown lets an Id that somebody wrote into an id column link the item to that record; else only records that
	// crmsync created, or found by `match`, are linked.
	AdoptShown bool

	Boards []*Board // in the file's order

	byID      map[int64]*Board
	ownerAt   place
	reconcile cron.Schedule
}

// Board is a Monday board and the records that its items become.
type Board struct {
	Name string
	ID   int64
	Line int

	// Records stand after those that they name by `record`, else in the file's order.
	Records []*Record

	// Columns are the ids of all columns that the mapping reads or writes, sorted, without the item's name.
	Columns []string

	// Migration says how records of Salesforce become items of the board; nil: they do not.
	Migration *Migration

	place place
	at    map[string]place // of its keys
}

// Record is one Salesforce record of an item.
type Record struct {
	Board  *Board
	Name   string
	Object string
	Line   int

	// IDColumn is the column that shows the record's Salesforce Id, or empty.
	IDColumn string

	// Shared records belong to several items: they are found by Match and never overwritten.
	Shared bool

	// Match names the fields by whose values an existing record is found before one is created.
	Match []string

	// DeleteWithItem deletes the record when its item is deleted or archived.
	DeleteWithItem bool

	// Sync is the direction of the fields that name none of their own, where their form has it.
	Sync Direction

	// Wins is the side that stands for the fields that name none of their own.
	Wins Side

	// OnRecordDelete is what becomes of the item when the record was deleted in Salesforce.
	OnRecordDelete RecordGone

	// OnDuplicate is what is done when a duplicate rule objects to the record.
	OnDuplicate Duplicate

	// Assignment is when assignment rules may run on the record.
	Assignment Assignment

	// When is the condition under which the record is created: its own, or else its board's.
	When Condition

	Fields []*Field // in the file's order

	// Stage is 0 for a record that refers to none, and above the stages of the records that it refers to.
	// Where links go round in a circle, one of the earlier in the file does not wait.
	Stage int

	gates []Label // of When, in the file's order
	place place
	at    map[string]place // of its keys
}

// Condition gates the creation of a record: for each column, the labels of which it must hold one.
// All columns must agree. Without any it holds always.
type Condition map[string][]string

// Item is an item of Monday. A column that is not among Columns is taken as empty.
type Item struct {
	ID      int64
	Name    string
	Columns map[string]column.Value
}

// Field is one field of a Salesforce record and where its value comes from.
type Field struct {
	Name      string
	Line, Col int

	// Sync is which way the value goes: the field's own word, or else the record's where the form has that direction.
	Sync Direction

	// Wins is the side that stands where both changed. It counts where Sync is Both.
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
	oneWay   string           // why Sync is ToSalesforce though the record says otherwise
	at       map[string]place // of its keys; nil: it is a column's id alone
}

// locale is what decides about a value that does not say where it is from.
type locale struct {
	region string         // of phone numbers
	zone   *time.Location // of dates with a time; nil: UTC
	owner  string         // the user whom `as: user` falls back to
}

// form is the key that says where a field's value comes from.
type form string

const (
	fromColumn form = "from"
	fixed      form = "value"
	template   form = "template"
	sibling    form = "record"
)

// part is a piece of a template: a text, or the column that stands there.
type part struct {
	text   string
	column string
}

// fallback is the default of an empty column.
type fallback struct {
	literal  any
	relative bool // days after the day of its first use, instead of literal
	days     int
}

// Board returns the board with the id, or nil where it is not mapped.
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

// Stages returns the number of stages that the records of all boards need.
func (m *Mapping) Stages() int {
	stages := 0
	for _, b := range m.Boards {
		for _, r := range b.Records {
			stages = max(stages, r.Stage+1)
		}
	}
	return stages
}

// Holds reports whether the item meets the condition. A status, a text and every other column compares by
// its text, a dropdown by any of its labels, a checkbox as "true" or "false".
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

// Columns returns the ids of the columns that the field is read from, "name" for the item's name, each once.
// A fixed value and a reference to a record of the same item are read from none.
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

// value returns what the item has in a column.
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

// Columns returns the ids of all columns by which the record's values, its creation and its link are decided, sorted
// and without the item's name. While one of them was never asked of Monday, nothing can be said of what depends on it.
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

// columnIDs sorts ids of columns, each once, and leaves out the item's name.
func columnIDs(ids []string) []string {
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == itemName })
}
