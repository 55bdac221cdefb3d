// Package jobs defines the kinds of jobs in the queue: their arguments, as stored in river_job, and the options with
// which they are inserted.
package jobs

import (
	"encoding/json"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Queues.
const (
	// QueueEvents carries Monday's events, and the work that follows from them.
	QueueEvents = "events"

	// QueueMigrations carries migration runs, from Salesforce to Monday: they are long, and must not delay events.
	QueueMigrations = "migrations"
)

// PriorityBulk is the priority of jobs that are created in large numbers at once, such as after a change of many
// records in Salesforce. Live events, with River's default of 1, go first.
const PriorityBulk = 2

// Kinds are stored in every row of river_job: never change one; add an alias.
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

// Event holds what every webhook contains, whatever happened.
type Event struct {
	// Key identifies the event when it is delivered again: Monday's triggerUuid with the item and the column, or else
	// a hash of the body. Rows of earlier versions hold only the triggerUuid; nothing but uniqueness depends on its
	// form.
	Key string `json:"key" river:"unique"`

	// Type is Monday's name of the event, such as "update_column_value".
	Type    string `json:"type"`
	BoardID int64  `json:"board_id"`
	ItemID  int64  `json:"item_id"`

	// UserID is the Monday user who did it; negative: a form or an automation.
	UserID int64 `json:"user_id,omitempty"`

	// TriggeredAt is Monday's triggerTime. Monday sets a new one when it delivers again.
	TriggeredAt time.Time `json:"triggered_at,omitzero"`
	ReceivedAt  time.Time `json:"received_at"`

	// Redelivered is Monday's isRetry: an earlier delivery was not answered with 200.
	Redelivered bool `json:"redelivered,omitempty"`
}

// ColumnUpdateArgs is a change of one column of one item, as reported by Monday.
type ColumnUpdateArgs struct {
	Event
	ColumnID   string          `json:"column_id"`
	ColumnType string          `json:"column_type"`          // the webhook's name for it, such as "color" for a status
	Value      json.RawMessage `json:"value"`                // null: cleared
	ChangedAt  float64         `json:"changed_at,omitempty"` // Unix seconds by Monday's clock; 0: unknown
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

// ItemRestoreArgs is an item that was restored from the bin or the archive.
type ItemRestoreArgs struct {
	Event
}

// ItemResyncArgs requests a resync of an item: a record it refers to has appeared, or an older write may have overtaken
// a newer one of the item.
type ItemResyncArgs struct {
	BoardID int64 `json:"board_id"`
	ItemID  int64 `json:"item_id"`

	// Force sends every field again, whatever was written before.
	Force bool `json:"force,omitempty"`

	// Release lets the records of an ended item be deleted that the delete brake held.
	Release bool `json:"release,omitempty"`

	// Chosen writes the value of a conflict that a person chose to both sides.
	Chosen bool `json:"chosen,omitempty"`

	// Read has Monday asked about the item: it was seen on a board that is not mapped.
	Read bool `json:"read,omitempty"`
}

// MigrateBoardArgs requests a run of a board's import. A long run is done in slices, between which the job is snoozed.
type MigrateBoardArgs struct {
	BoardID int64 `json:"board_id" river:"unique"`
}

// SweepBoardArgs requests a resync of the items of a board that differ from Salesforce. It is done in slices, like an
// import.
type SweepBoardArgs struct {
	SweepID int64 `json:"sweep_id" river:"unique"`

	// BoardID is the board that the sweep compares, so that a dead letter names it. Rows of earlier versions lack it.
	BoardID int64 `json:"board_id,omitempty"`
}

// ReconcileArgs requests a sweep of all boards.
type ReconcileArgs struct {
	// Recent sweeps only the items that have changed since the last sweep.
	Recent bool `json:"recent,omitempty"`
}

// Kind names the job in the queue.
func (SweepBoardArgs) Kind() string { return KindSweepBoard }

// Kind names the job in the queue.
func (ReconcileArgs) Kind() string { return KindReconcile }

// InsertOpts puts the job into the migrations' queue: it is long, and must not delay events.
func (SweepBoardArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueMigrations} }

// InsertOpts puts the job into the migrations' queue.
func (ReconcileArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueMigrations} }

// UnreadableArgs is an authenticated delivery that cannot be decoded, kept unchanged.
type UnreadableArgs struct {
	Key        string    `json:"key" river:"unique"`
	Body       []byte    `json:"body"`   // base64 in JSON: jsonb rejects some possible bodies
	Reason     string    `json:"reason"` // what is wrong with it, without quoting it
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

// InsertOpts inserts one job for repeated deliveries as long as the first job's row is kept.
func (Event) InsertOpts() river.InsertOpts { return once() }

// InsertOpts inserts one job for repeated deliveries as long as the first job's row is kept.
func (UnreadableArgs) InsertOpts() river.InsertOpts { return once() }

// InsertOpts puts the job into the events' queue, behind waiting events.
func (ItemResyncArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueEvents} }

// InsertOpts inserts one job for all requests to run a board's migration until that run is over.
func (MigrateBoardArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue: QueueMigrations,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning,
			rivertype.JobStateScheduled,
		}},
	}
}

// once makes jobs unique by key in every state, so that a repeated delivery is recognized until the row is pruned, at
// least a day after the job ended.
func once() river.InsertOpts {
	return river.InsertOpts{
		Queue:      QueueEvents,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: rivertype.JobStates()},
	}
}
