// Package jobs holds the kinds of job that go through the queue: their arguments, as they stand
// in river_job, and the options they are inserted with.
package jobs

import (
	"encoding/json"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Queues.
const (
	// QueueEvents carries what Monday told us, and the work that follows from it.
	QueueEvents = "events"

	// QueueMigrations carries the runs that bring records of Salesforce to Monday: they last, and hold up no event.
	QueueMigrations = "migrations"
)

// Kinds are stored in every row of river_job: never change one, alias it.
const (
	KindColumnUpdate = "column_update"
	KindItemCreate   = "item_create"
	KindItemRename   = "item_rename"
	KindItemDelete   = "item_delete"
	KindItemRestore  = "item_restore"
	KindItemResync   = "item_resync"
	KindMigrateBoard = "migrate_board"
	KindUnreadable   = "unreadable"
	KindSweepBoard   = "sweep_board"
	KindReconcile    = "reconcile"
)

// Event is what every webhook says, whatever happened.
type Event struct {
	// Key identifies the event when it is delivered again: Monday's triggerUuid with the item and the column, else a
	// hash of the body. Rows of earlier versions hold the triggerUuid alone; nothing but uniqueness depends on its form.
	Key string `json:"key" river:"unique"`

	// Type is Monday's name of the event, such as "update_column_value".
	Type    string `json:"type"`
	BoardID int64  `json:"board_id"`
	ItemID  int64  `json:"item_id"`

	// TriggeredAt is Monday's triggerTime. Monday stamps it anew when it delivers again.
	TriggeredAt time.Time `json:"triggered_at,omitzero"`
	ReceivedAt  time.Time `json:"received_at"`

	// Redelivered is Monday's isRetry: an earlier delivery was not answered with 200.
	Redelivered bool `json:"redelivered,omitempty"`
}

// ColumnUpdateArgs is a change of one column of one item, as Monday told it.
type ColumnUpdateArgs struct {
	Event
	ColumnID   string          `json:"column_id"`
	ColumnType string          `json:"column_type"`          // the webhook's name of it, such as "color" for a status
	Value      json.RawMessage `json:"value"`                // null: cleared
	ChangedAt  float64         `json:"changed_at,omitempty"` // Unix seconds by Monday's clock; 0: not told
}

// ItemCreateArgs is a new item.
type ItemCreateArgs struct {
	Event
	Name string `json:"name"`
}

// ItemRenameArgs is an item's new name.
type ItemRenameArgs struct {
	Event
	Name string `json:"name"`
}

// ItemDeleteArgs is the end of an item: it was deleted or archived.
type ItemDeleteArgs struct {
	Event
}

// ItemRestoreArgs is an item that came back from the bin or the archive.
type ItemRestoreArgs struct {
	Event
}

// ItemResyncArgs asks for an item to be compared with Salesforce again: a record that it refers to has
// appeared, or a write of it may have been overtaken by an older one.
type ItemResyncArgs struct {
	BoardID int64 `json:"board_id"`
	ItemID  int64 `json:"item_id"`

	// Force sends every field again, whatever was written before.
	Force bool `json:"force,omitempty"`

	// Release lets the records of an ended item go that the delete brake held.
	Release bool `json:"release,omitempty"`
}

// MigrateBoardArgs asks for a run of a board's migration. A long run is worked on in slices, between which the job is snoozed.
type MigrateBoardArgs struct {
	BoardID int64 `json:"board_id" river:"unique"`
}

// SweepBoardArgs asks for a comparison of a board, which is worked on in slices like a migration.
type SweepBoardArgs struct {
	SweepID int64 `json:"sweep_id" river:"unique"`
}

// ReconcileArgs asks for a comparison of all boards.
type ReconcileArgs struct{}

// Kind names the job in the queue.
func (SweepBoardArgs) Kind() string { return KindSweepBoard }

// Kind names the job in the queue.
func (ReconcileArgs) Kind() string { return KindReconcile }

// InsertOpts puts the job beside the migrations: it lasts, and holds up no event.
func (SweepBoardArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueMigrations} }

// InsertOpts puts the job beside the migrations.
func (ReconcileArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueMigrations} }

// UnreadableArgs is an authenticated delivery that cannot be read, kept as it came.
type UnreadableArgs struct {
	Key        string    `json:"key" river:"unique"`
	Body       []byte    `json:"body"`   // base64 in JSON: jsonb refuses some of what may come
	Reason     string    `json:"reason"` // what is wrong with it, without a word of it
	ReceivedAt time.Time `json:"received_at"`
}

// Kind names the job in the queue.
func (ColumnUpdateArgs) Kind() string { return KindColumnUpdate }

// Kind names the job in the queue.
func (ItemCreateArgs) Kind() string { return KindItemCreate }

// Kind names the job in the queue.
func (ItemRenameArgs) Kind() string { return KindItemRename }

// Kind names the job in the queue.
func (ItemDeleteArgs) Kind() string { return KindItemDelete }

// Kind names the job in the queue.
func (ItemRestoreArgs) Kind() string { return KindItemRestore }

// Kind names the job in the queue.
func (ItemResyncArgs) Kind() string { return KindItemResync }

// Kind names the job in the queue.
func (MigrateBoardArgs) Kind() string { return KindMigrateBoard }

// Kind names the job in the queue.
func (UnreadableArgs) Kind() string { return KindUnreadable }

// InsertOpts makes one job of a delivery that comes twice, as long as the first one's row is kept.
func (Event) InsertOpts() river.InsertOpts { return once() }

// InsertOpts makes one job of a delivery that comes twice, as long as the first one's row is kept.
func (UnreadableArgs) InsertOpts() river.InsertOpts { return once() }

// InsertOpts puts the job behind the events that wait.
func (ItemResyncArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueEvents} }

// InsertOpts makes one job of all that ask for a run of a board before it is over.
func (MigrateBoardArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue: QueueMigrations,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}},
	}
}

// once is unique by key in every state, so that a delivery is recognized until its row is pruned, a day
// and more after the job ended.
func once() river.InsertOpts {
	return river.InsertOpts{
		Queue:      QueueEvents,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: rivertype.JobStates()},
	}
}
