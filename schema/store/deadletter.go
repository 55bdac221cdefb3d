package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// DeadLetter is a dead letter: an event that failed for good.
type DeadLetter struct {
	ID         int64 // in the order of discovery
	JobID      int64
	Kind       string
	Args       json.RawMessage
	Reason     string
	Attempts   int
	EndedAt    time.Time // when the job ended, by River's clock
	CreatedAt  time.Time
	ReplayedAt *time.Time // nil: not replayed

	// What the last failed attempt was about, as far as known.
	BoardID, ItemID      *int64
	Event                string
	Object, SalesforceID *string
	Code                 string
	Field                string
	CauseID              string // empty: not determined yet
}

// letterColumns are the columns of a DeadLetter.
const letterColumns = `
	d.id, d.job_id, d.kind, d.args, d.reason, d.attempts, d.ended_at, d.created_at, d.replayed_at,
	(d.args->>'board_id')::bigint, (d.args->>'item_id')::bigint, coalesce(d.args->>'type', d.kind), e.object, e.salesforce_id, coalesce(e.code, ''), coalesce(e.field, ''), coalesce(d.cause_id, '')
	FROM dead_letters d
	LEFT JOIN LATERAL (SELECT object, salesforce_id, code, field FROM error_logs WHERE job_id = d.job_id ORDER BY id DESC LIMIT 1) e ON true`

// isOpen is the condition that a dead letter d was not replayed, closed or ignored.
const isOpen = `d.replayed_at IS NULL AND d.closed_at IS NULL`

// OpenDeadLetters returns the dead letters that wait for a person, oldest first.
func (s *Store) OpenDeadLetters(ctx context.Context) ([]DeadLetter, error) {
	return s.letters(ctx, `SELECT `+letterColumns+` WHERE `+isOpen+` ORDER BY d.id`)
}

// CountOpenDeadLetters returns how many dead letters wait for a person.
func (s *Store) CountOpenDeadLetters(ctx context.Context) (n int, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) FROM dead_letters d WHERE `+isOpen).Scan(&n)
	return n, doing("counting dead letters", err)
}

// IgnoreDeadLetters closes open dead letters on a person's decision to ignore them, and returns their jobs. They are not
// alerted any more, since the person knows about them.
func (s *Store) IgnoreDeadLetters(ctx context.Context, jobIDs []int64, by By) (ignored []int64, err error) {
	const query = `
		UPDATE dead_letters d SET closed_at = now(), closed_by = 'ignored by ' || $2, alerted_at = coalesce(d.alerted_at, now())
		WHERE  d.job_id = ANY($1) AND ` + isOpen + `
		RETURNING d.job_id`
	if _, err := s.AssignCauses(ctx); err != nil { // what is closed and told of gets no cause any more
		return nil, err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, query, jobIDs, by.Actor)
		if err != nil {
			return err
		}
		if ignored, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
			return err
		}
		return RecordDeadLetters(ctx, tx, ActIgnore, by, ignored)
	})
	return ignored, doing("ignoring dead letters", err)
}

// CloseDeadLetters closes the open dead letters whose item has caught up: a later event of the item succeeded, and nothing
// that the dead letter concerns is rejected any more. That event is of the same column or kind, or a resync. For a
// rejection, which the links record until it is resolved, any event of the item counts once nothing of the item is
// rejected. A later run of the board closes a run's dead letter. CloseDeadLetters returns how many it closed.
func (s *Store) CloseDeadLetters(ctx context.Context) (closed int64, err error) {
	const items = `
		UPDATE dead_letters d SET closed_at = now(), closed_by = 'job ' || later.job_id
		FROM   (SELECT d.*, coalesce((SELECT class = 'permanent' AND object IS NOT NULL FROM error_logs e
		                              WHERE e.job_id = d.job_id ORDER BY id DESC LIMIT 1), false) AS refused
		        FROM dead_letters d WHERE ` + isOpen + `) AS o
		CROSS  JOIN LATERAL (
			SELECT s.job_id FROM sync_logs s
			WHERE  s.item_id = (o.args->>'item_id')::bigint AND s.job_id <> o.job_id
			AND    s.status IN ('success', 'unchanged') AND s.finished_at > o.ended_at
			AND    (s.column_id = o.args->>'column_id'
			        OR s.event = 'item_resync'
			        OR s.column_id IS NULL AND s.event = o.args->>'type'
			        OR o.refused AND NOT EXISTS (SELECT FROM links l WHERE l.item_id = s.item_id AND l.refused <> '{}'))
			ORDER  BY s.column_id = o.args->>'column_id' DESC NULLS LAST, s.finished_at DESC
			LIMIT  1
		) AS later
		WHERE  d.id = o.id
		AND    NOT EXISTS (SELECT FROM links l, jsonb_each(l.refused) r
		                   WHERE l.item_id = (o.args->>'item_id')::bigint AND (r.value->>'job_id')::bigint = o.job_id)`
	const runs = `
		UPDATE dead_letters d SET closed_at = now(), closed_by = 'job ' || later.job_id
		FROM   (SELECT * FROM dead_letters d WHERE ` + isOpen + `) AS o
		CROSS  JOIN LATERAL (
			SELECT r.job_id FROM migration_runs r
			WHERE  o.args->>'item_id' IS NULL AND r.board_id = (o.args->>'board_id')::bigint AND r.job_id <> o.job_id
			AND    r.state = 'done' AND r.finished_at > o.ended_at
			ORDER  BY r.id
			LIMIT  1
		) AS later
		WHERE  d.id = o.id`
	for _, query := range []string{items, runs} {
		tag, err := s.pool.Exec(ctx, query)
		if err != nil {
			return closed, doing("closing dead letters", err)
		}
		closed += tag.RowsAffected()
	}
	return closed, nil
}

// CountRejected returns how many items have values that Salesforce or the mapping rejects and that are therefore not
// synced.
func (s *Store) CountRejected(ctx context.Context) (items int, err error) {
	const query = `
		SELECT count(DISTINCT l.item_id) FROM links l JOIN items i USING (item_id)
		WHERE  l.refused <> '{}' AND i.deleted_at IS NULL`
	err = s.pool.QueryRow(ctx, query).Scan(&items)
	return items, doing("counting items with rejected values", err)
}

func (s *Store) letters(ctx context.Context, query string, args ...any) ([]DeadLetter, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, doing("reading dead letters", err)
	}
	letters, err := pgx.CollectRows(rows, pgx.RowToStructByPos[DeadLetter])
	return letters, doing("reading dead letters", err)
}
