package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
)

// historySize is the maximum number of rows of each table in a history: the latest ones.
const historySize = 200

// History is what happened to an item, each part newest first.
type History struct {
	Logs        []LogRow
	Writes      []SweptWrite
	Failures    []FailedAttempt
	DeadLetters []ItemDeadLetter
	Operations  []Operation
	Pending     []PendingJob // oldest first
	Sweeps      []PendingSweep
	Waits       []ledger.RecordRef
	Deletion    *Deletion // nil: the item was not deleted, or its records are kept
}

// SweptWrite is what a comparison wrote for one of the item's records.
type SweptWrite struct {
	Kind    string // of the comparison
	Object  string
	Fields  []string
	Created bool
	To      string // monday, salesforce, or empty if a conflict decided it
	At      time.Time
}

// FailedAttempt is a failed attempt of a job.
type FailedAttempt struct {
	JobID                int64
	Attempt              int
	Event                string
	ColumnID             string
	Object, SalesforceID string
	Class, Code, Message string
	At                   time.Time
}

// ItemDeadLetter is a dead letter of an item, open or done.
type ItemDeadLetter struct {
	JobID      int64
	Kind       string
	ColumnID   string
	Reason     string
	Code       string
	Attempts   int
	EndedAt    time.Time
	ReplayedAt *time.Time
	ClosedAt   *time.Time
	ClosedBy   string
}

// IsOpen reports whether the dead letter waits for a person.
func (l ItemDeadLetter) IsOpen() bool { return l.ReplayedAt == nil && l.ClosedAt == nil }

// PendingJob is a job that has not ended.
type PendingJob struct {
	JobID       int64
	Kind        string
	ColumnID    string
	State       string // available, running, retryable, scheduled, pending
	Attempt     int
	ScheduledAt time.Time
}

// PendingSweep is a running comparison of named items, the item among them.
type PendingSweep struct {
	ID        int64
	Options   SweepOptions
	StartedAt time.Time
	NotBefore *time.Time // its job waits until then; nil: for less than a minute
}

// Deletion is the state of the deletion of an item's records after the item was deleted or archived.
type Deletion struct {
	State     string // done, held, released, dropped
	At        time.Time
	DecidedAt *time.Time
	DecidedBy string
	Archive   bool // the item is to be archived; otherwise its records are to be deleted
}

// The parts of a history, each for an item, and limited to a number of rows.
const (
	itemLogs = `
		SELECT job_id, event, board_id, item_id, column_id, status, attempt, received_at, finished_at, response_data::text
		FROM   (SELECT job_id, event, board_id, item_id, column_id, status, attempt, received_at, finished_at, response_data FROM sync_logs
		        WHERE item_id = $1
		        UNION ALL
		        SELECT job_id, event, board_id, item_id, column_id, status, attempt, received_at, finished_at, response_data FROM sync_log_history
		        WHERE item_id = $1) s
		ORDER  BY finished_at DESC, job_id DESC LIMIT $2`

	itemWrites = `
		SELECT kind, object, coalesce(array_agg(field ORDER BY field) FILTER (WHERE field <> ''), '{}'),
		       bool_or(difference = 'new_record'), direction, max(found_at)
		FROM   (SELECT d.*, s.kind, CASE
		               WHEN d.difference = 'both_changed' THEN ''
		               WHEN d.difference = 'id_column' THEN 'monday'
		               WHEN d.difference = 'salesforce_changed' AND s.options->>'enforce' IS DISTINCT FROM 'true' THEN 'monday'
		               WHEN d.difference = 'first_meeting' AND s.options->>'adopt' = 'salesforce' THEN 'monday'
		               ELSE 'salesforce' END AS direction
		        FROM   (SELECT run_id, object, record, field, kind AS difference, found_at FROM differences
		                WHERE  item_id = $1 AND action = 'write' AND kind <> 'deleted_item') AS d
		        JOIN   sweeps s ON s.id = d.run_id) AS w
		GROUP  BY run_id, kind, record, object, direction
		ORDER  BY 6 DESC, run_id DESC, record LIMIT $2`

	itemFailures = `
		SELECT job_id, attempt, event, coalesce(column_id, ''), coalesce(object, ''), coalesce(salesforce_id, ''), class, code, message, created_at
		FROM   error_logs WHERE item_id = $1
		ORDER  BY created_at DESC, id DESC LIMIT $2`

	itemDeadLetters = `
		SELECT d.job_id, d.kind, coalesce(d.args->>'column_id', ''), d.reason,
		       coalesce((SELECT code FROM error_logs e WHERE e.job_id = d.job_id ORDER BY e.id DESC LIMIT 1), ''),
		       d.attempts, d.ended_at, d.replayed_at, d.closed_at, coalesce(d.closed_by, '')
		FROM   dead_letters d WHERE (d.args->>'item_id')::bigint = $1
		ORDER  BY d.id DESC LIMIT $2`

	itemJobs = `
		SELECT id, kind, coalesce(args->>'column_id', ''), state::text, attempt, scheduled_at
		FROM   river_job
		WHERE  state IN ('available', 'pending', 'retryable', 'running', 'scheduled') AND args->>'item_id' = $1::text
		ORDER  BY id LIMIT $2`

	itemSweeps = `
		SELECT id, options, started_at,
		       (SELECT max(j.scheduled_at) FROM river_job j
		        WHERE  j.kind = 'sweep_board' AND j.state IN ('available', 'scheduled', 'retryable')
		        AND    j.args->>'sweep_id' = s.id::text AND j.scheduled_at > now() + interval '1 minute')
		FROM   sweeps s
		WHERE  state = 'running' AND options ? 'items' AND options->'items' @> to_jsonb($1::bigint)
		ORDER  BY id LIMIT $2`

	itemWaits = `SELECT target_item_id, target_record FROM waits WHERE item_id = $1 ORDER BY 1, 2 LIMIT $2`

	itemDeletion = `SELECT state, at, decided_at, coalesce(decided_by, ''), archive FROM deletions WHERE item_id = $1`
)

// ItemHistory reads what happened to an item.
func (s *Store) ItemHistory(ctx context.Context, item int64) (h History, err error) {
	batch := &pgx.Batch{}
	batch.Queue(itemLogs, item, historySize).Query(collect(&h.Logs, pgx.RowToStructByPos[LogRow]))
	batch.Queue(itemWrites, item, historySize).Query(collect(&h.Writes, pgx.RowToStructByPos[SweptWrite]))
	batch.Queue(itemFailures, item, historySize).Query(collect(&h.Failures, pgx.RowToStructByPos[FailedAttempt]))
	batch.Queue(itemDeadLetters, item, historySize).Query(collect(&h.DeadLetters, pgx.RowToStructByPos[ItemDeadLetter]))
	batch.Queue(itemJobs, fmt.Sprint(item), historySize).Query(collect(&h.Pending, pgx.RowToStructByPos[PendingJob]))
	batch.Queue(itemSweeps, item, historySize).Query(collect(&h.Sweeps, pgx.RowToStructByPos[PendingSweep]))
	batch.Queue(itemWaits, item, historySize).Query(collect(&h.Waits, pgx.RowToStructByPos[ledger.RecordRef]))
	var deletions []Deletion
	batch.Queue(itemDeletion, item).Query(collect(&deletions, pgx.RowToStructByPos[Deletion]))
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return h, doing("reading the history of an item", err)
	}
	if len(deletions) > 0 {
		h.Deletion = &deletions[0]
	}
	h.Operations, err = s.Operations(ctx, item, historySize)
	return h, err
}

// collect returns a function that collects a query's rows.
func collect[T any](into *[]T, scan pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, scan)
		return err
	}
}

// Item returns what is known of an item, or nil.
func (s *Store) Item(ctx context.Context, id int64) (*ledger.Item, error) {
	known, err := s.Known(ctx, []ledger.Ref{{ItemID: id}})
	return known[id], err
}
