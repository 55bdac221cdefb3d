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
	Created              // it was created
	Renamed              // it has a new name
	Deleted              // it was deleted or archived
	Restored             // it was restored
	Resync               // it has to be compared with Salesforce again
)

// Event is what a webhook reports about an item.
type Event struct {
	JobID   int64
	Attempt int
	Kind    Kind
	Type    string // Monday's name for it, for the log
	BoardID int64
	ItemID  int64
	UserID  int64 // of Monday, for the log; negative: a form or an automation; 0: unknown

	ColumnID   string          // Updated: the column
	ColumnType string          // Updated: its type by the webhook's name
	Value      json.RawMessage // its value in the webhook's form
	ChangedAt  float64         // Unix seconds by Monday's clock; 0: unknown
	Name       string          // Created, Renamed: the item's name

	TriggeredAt time.Time // when Monday delivered it, the first time or, if Redelivered, this time
	ReceivedAt  time.Time
	Redelivered bool // Monday delivers it again: TriggeredAt is not the time of the change
	Force       bool // Resync: send every field, even those already written
	Release     bool // Resync: a person released the deletion of the item's records
	Chosen      bool // Resync: a person chose one side's value of a conflict
	Read        bool // Resync: Monday is asked about the item, which may have left its board

	// Done, if not nil, is called once the event has ended without an error, by its batch. Do returns after that, unless
	// its caller has stopped waiting.
	Done func(Outcome)
}

// Outcome is how an event ended.
type Outcome string

// How an event can end. A failed one also has an error.
const (
	Success   Outcome = "success"   // Salesforce or Monday was changed
	Unchanged Outcome = "unchanged" // they already held the values
	Skipped   Outcome = "skipped"   // it does not concern Salesforce; the log says why
	Failed    Outcome = "failed"
)

// task is an event in a batch.
type task struct {
	*Event
	stale     bool // its information is older than what is known
	elsewhere bool // it names another board than the item's known one
	own       bool // it says that an id column shows what we wrote
	silent    bool // it is not a Monday event and gets no row in the log
	reason    string
	wrote     bool
	err       error
}

// outcome returns the task's outcome at present.
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

// fail stores the first error of the task: one event is one dead letter, however many of its values were rejected.
func (t *task) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}
