package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// Letter is a dead letter: an event that failed for good.
type Letter struct {
	ID         int64 // in the order in which they were found
	JobID      int64
	Kind       string
	Args       json.RawMessage
	Reason     string
	Attempts   int
	EndedAt    time.Time // when the job ended, by River's clock
	CreatedAt  time.Time
	ReplayedAt *time.Time // nil: not put back into the queue

	// What the last failed attempt was about, where that is known.
	BoardID, ItemID      *int64
	Event                string
	Object, SalesforceID *string
	Code                 string
}

// letterColumns are those of a Letter.
const letterColumns = `
	d.id, d.job_id, d.kind, d.args, d.reason, d.attempts, d.ended_at, d.created_at, d.replayed_at,
	(d.args->>'board_id')::bigint, (d.args->>'item_id')::bigint, coalesce(d.args->>'type', d.kind), e.object, e.salesforce_id, coalesce(e.code, '')
	FROM dead_letters d
	LEFT JOIN LATERAL (SELECT object, salesforce_id, code FROM error_logs WHERE job_id = d.job_id ORDER BY id DESC LIMIT 1) e ON true`

// OpenLetters are the dead letters that were not put back into the queue, oldest first.
func (s *Store) OpenLetters(ctx context.Context) ([]Letter, error) {
	return s.letters(ctx, `SELECT `+letterColumns+` WHERE d.replayed_at IS NULL ORDER BY d.id`)
}

// CountOpenLetters is how many dead letters wait for somebody.
func (s *Store) CountOpenLetters(ctx context.Context) (n int, err error) {
	const query = `SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL`
	err = s.pool.QueryRow(ctx, query).Scan(&n)
	return n, doing("counting dead letters", err)
}

func (s *Store) letters(ctx context.Context, query string, args ...any) ([]Letter, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, doing("reading dead letters", err)
	}
	letters, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Letter])
	return letters, doing("reading dead letters", err)
}
