// Package ledger holds what is known of Monday's items and what both sides last agreed on, with the rules for it:
// time, existence, doubt, rejection and agreement. It is pure: it reads no clock and does no I/O. Every direction of
// the sync uses these rules; they exist only here.
package ledger

import (
	"maps"
	"time"

	"crmsync/mondayclient/column"
)

// NameColumn is the column id that stands for an item's name.
const NameColumn = "name"

// Item is a Monday item as far as we know it, with the records it is linked to.
type Item struct {
	ID, BoardID int64
	Name        string
	NameAt      time.Time         // Monday's time of the name; zero: unknown
	NameOwn     bool              // we wrote the name, and no event has confirmed it yet
	NamePast    Past              // the names before the one that we wrote
	NameUntil   int64             // as Column.Until
	Columns     map[string]Column // by column id; a missing one is unknown, not empty
	Known       bool              // read in full at least once since it was created or restored
	DeletedAt   time.Time         // zero while the item is alive
	ExistenceAt time.Time         // Monday's time of the last delete or restore; zero: none received
	SeenAt      time.Time         // the database's time of the item's first event
	Links       map[string]*Link  // by record name
	Suppressed  bool              // a person erased it for good: it is neither stored nor synced
	Keys        map[string]string // the stored search keys, by column id

	// Abandoned means that the previous lease holder never committed: its calls may or may not have taken effect.
	Abandoned bool
}

// Column is the value of a column and its time in Monday.
type Column struct {
	column.Value
	At int64 `json:"at"`           // Unix microseconds
	By int64 `json:"by,omitempty"` // job id of the event that carried it, until that event ends

	// Until is set if the value was read in the second of its time: somebody may have set it at any time before Until,
	// in Unix microseconds. A time in whole seconds says the same without it.
	Until int64 `json:"until,omitempty"`

	// Own means that we wrote the value, and that no event has confirmed it yet.
	Own bool `json:"own,omitempty"`

	Past
}

// Past are the values that we knew before we wrote one, back to the value of the time Since, in Unix microseconds.
// Their events may still arrive.
type Past struct {
	Was   []column.Value `json:"was,omitempty"`
	Since int64          `json:"since,omitempty"`
}

// StoredColumns returns the stored form of the columns. What is known of the name besides its value and its time is
// stored under the name's column id.
func (i *Item) StoredColumns() map[string]Column {
	if len(i.NamePast.Was) == 0 && i.NameUntil == 0 {
		return i.Columns
	}
	all := maps.Clone(i.Columns)
	if all == nil {
		all = map[string]Column{}
	}
	all[NameColumn] = Column{Past: i.NamePast, Until: i.NameUntil}
	return all
}

// ReadColumns takes over the stored form of the columns.
func (i *Item) ReadColumns(stored map[string]Column) {
	i.NamePast, i.NameUntil = stored[NameColumn].Past, stored[NameColumn].Until
	delete(stored, NameColumn)
	i.Columns = stored
}

// Ref names an item.
type Ref struct{ BoardID, ItemID int64 }

// RecordRef names a record of an item.
type RecordRef struct {
	ItemID int64
	Record string
}
