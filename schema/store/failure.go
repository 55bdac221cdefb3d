package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Failure is a failed attempt of a job.
type Failure struct {
	JobID        int64
	Attempt      int
	Event        string
	BoardID      int64
	ItemID       int64
	ColumnID     string
	Object       string
	SalesforceID string
	Field        string // of the object, if only that was rejected
	System       string // the system that rejected it: salesforce, monday, crmsync
	Class        string // transient, permanent, panic, conflict
	Code         string
	Message      string // no customer's value
	Trace        string
	Response     any // JSON object: what the event did apart from that; nil: nothing
	ReceivedAt   time.Time
	Final        bool // there is no further attempt: the event has failed
}

// LogFailure stores a failed attempt, and the end of the event if it was the last one. After a replay, the new end says
// nothing about the earlier one, which stays in the history.
func (s *Store) LogFailure(ctx context.Context, f Failure) error {
	const end = `
		INSERT INTO sync_logs AS s (job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at)
		VALUES ($1, $2, $3, $4, $5, 'failed', $6, $9::jsonb || jsonb_build_object('reason', $7::text), $8)
		ON CONFLICT (job_id) DO UPDATE
		SET    status = 'failed', attempt = excluded.attempt, finished_at = now(), response_data = excluded.response_data`
	batch := &pgx.Batch{}
	batch.Queue(logTry, f.args()...)
	if f.Final {
		response := []byte("{}")
		if f.Response != nil {
			var err error
			if response, err = json.Marshal(f.Response); err != nil {
				return fmt.Errorf("writing the log of job %d: %w", f.JobID, err)
			}
		}
		batch.Queue(end, f.JobID, f.Event, null(f.BoardID), null(f.ItemID), null(f.ColumnID), f.Attempt, f.Message,
			f.ReceivedAt, response)
	}
	return doing("logging a failed attempt", s.pool.SendBatch(ctx, batch).Close())
}

const logTry = `
	INSERT INTO error_logs (job_id, attempt, event, board_id, item_id, column_id, object, salesforce_id, class, code, message, trace, system, field)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

func (f Failure) args() []any {
	return []any{f.JobID, f.Attempt, f.Event, null(f.BoardID), null(f.ItemID), null(f.ColumnID), null(f.Object),
		null(f.SalesforceID), f.Class, f.Code, f.Message, f.Trace, null(f.System), null(f.Field)}
}
