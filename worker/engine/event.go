package engine

import (
	"encoding/json"
	"time"
)

// Kind is what happened to an item.
type Kind uint8

// What can happen to an item.
const (
	Updated  Kind = iota // one of its columns changed
	Created              // it is new
	Renamed              // it has another name
	Deleted              // it was deleted or archived
	Restored             // it came back
	Resync               // nothing happened: it is to be compared with Salesforce again
)

// Event is what a webhook tells of an item.
type Event struct {
	JobID   int64
	Attempt int
	Kind    Kind
	Type    string // Monday's name of it, for the log
	BoardID int64
	ItemID  int64

	ColumnID   string          // Updated: the column
	ColumnType string          // Updated: its type by the webhook's name
	Value      json.RawMessage // Updated: its value as the webhook shapes it
	ChangedAt  float64         // Updated: Unix seconds by Monday's clock; 0: not told
	Name       string          // Created, Renamed: the item's name

	TriggeredAt time.Time // Monday's time of the delivery's first try, or of this one where it was delivered again
	ReceivedAt  time.Time
	Redelivered bool // Monday delivers it again: TriggeredAt is not the time of the change
	Force       bool // Resync: send every field, whatever was written before
	Release     bool // Resync: a person released the deletion of the item's records
}

// Outcome is how an event ended.
type Outcome string

// How an event can end. A failed one also has an error.
const (
	Success   Outcome = "success"   // Salesforce or Monday was changed
	Unchanged Outcome = "unchanged" // they held it already
	Skipped   Outcome = "skipped"   // it does not concern Salesforce; the log says why
	Failed    Outcome = "failed"
)

// task is an event on its way through a batch.
type task struct {
	Event
	stale     bool // what it says is older than what is known
	elsewhere bool // it names another board than the one that the item is known to be on
	silent    bool // it is none of Monday's, and has no row in the log
	reason    string
	wrote     bool
	err       error
}

// outcome is the task's end as things stand.
func (t *task) outcome() Outcome {
	switch {
	case t.err != nil:
		return Failed
	case t.wrote:
		return Success
	case t.reason != "":
		return Skipped
	}
	return Unchanged
}

// fail keeps the first error of the task: one event is one dead letter, however much of it was refused.
func (t *task) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}
