// Package ledger holds what is known of Monday's items and what both sides last agreed on, with the rules for it: time,
// existence, doubt, rejection and agreement. It is pure: it reads no clock and does no I/O. Every direction of the sync
// uses these rules; nobody keeps a copy.
package ledger

import (
	"time"

	"crmsync/mondayclient/column"
)

// NameColumn is what an item's name is called where columns are named.
const NameColumn = "name"

// Item is an item of a Monday board as we know it, with the records that it is linked to.
type Item struct {
	ID, BoardID int64
	Name        string
	NameAt      time.Time         // Monday's time of the name; zero: not known
	Columns     map[string]Column // by column id; one that is absent is unknown, not empty
	Known       bool              // read in full at least once since it began
	DeletedAt   time.Time         // zero while the item is alive
	ExistenceAt time.Time         // Monday's time of the last delete or restore; zero: none seen
	SeenAt      time.Time         // the database's time of the first event of it
	Links       map[string]*Link  // by record name

	// Abandoned reports that the previous lease holder never committed: its calls may or may not have taken effect.
	Abandoned bool
}

// Column is the value of a column and Monday's time of it.
type Column struct {
	column.Value
	At int64 `json:"at"`           // Unix microseconds
	By int64 `json:"by,omitempty"` // job id of the event that carried it, until that event ends
}

// Ref names an item.
type Ref struct{ BoardID, ItemID int64 }

// RecordRef names a record of an item.
type RecordRef struct {
	ItemID int64
	Record string
}
