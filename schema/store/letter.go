package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// Letter is a dead letter: an event that was given up.
type Letter struct {
	ID         int64 // in the order in which they were found
	JobID      int64
	Kind       string
	Args       json.RawMessage
	Reason     string
	Attempts   int
	CreatedAt  time.Time
	ReplayedAt *time.Time // nil: not put back into the queue

	// What the last failed try was about, where that is known.
	BoardID, ItemID      *int64
	Event                string
	Object, SalesforceID *string
	Code                 string
}

// SweepLetters writes a dead letter, and the end of the event, for each job that River gave up and that has none yet for
// that end, whoever gave it up: a worker, an operator, or River's rescuer after a worker died. The letters of jobs that were
// retried in the dashboard, and done, count as put back.
func (s *Store) SweepLetters(ctx context.Context) (found int64, err error) {
	const query = `
		WITH gone AS (
			SELECT j.id, j.kind, j.args, j.attempt, j.finalized_at,
			       coalesce(j.errors[array_upper(j.errors, 1)]->>'error', 'cancelled') AS reason
			FROM   river_job j
			WHERE  j.state IN ('discarded', 'cancelled')
			AND    NOT EXISTS (SELECT FROM dead_letters d WHERE d.job_id = j.id AND d.ended_at = j.finalized_at)
			ORDER  BY j.finalized_at
			LIMIT  1000
		), retried AS (
			UPDATE dead_letters d SET replayed_at = j.finalized_at
			FROM   river_job j
			WHERE  d.replayed_at IS NULL AND j.id = d.job_id AND j.state = 'completed'
		), written AS (
			INSERT INTO dead_letters AS d (job_id, kind, args, reason, attempts, ended_at)
			SELECT id, kind, args, reason, attempt, finalized_at FROM gone
			ON CONFLICT (job_id) DO UPDATE
			SET    reason = excluded.reason, attempts = excluded.attempts, ended_at = excluded.ended_at, created_at = now(), alerted_at = NULL, replayed_at = NULL
		)
		INSERT INTO sync_logs AS s (job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at)
		SELECT id, coalesce(args->>'type', kind), (args->>'board_id')::bigint, (args->>'item_id')::bigint, args->>'column_id',
		       'failed', attempt, jsonb_build_object('reason', reason), coalesce((args->>'received_at')::timestamptz, now())
		FROM   gone
		ON CONFLICT (job_id) DO UPDATE SET status = 'failed', attempt = excluded.attempt, finished_at = now()
		WHERE  s.status <> 'failed'`
	tag, err := s.pool.Exec(ctx, query)
	return tag.RowsAffected(), doing("sweeping up dead letters", err)
}

// letterColumns are what collectLetters reads.
const letterColumns = `
	d.id, d.job_id, d.kind, d.args, d.reason, d.attempts, d.created_at, d.replayed_at,
	(d.args->>'board_id')::bigint, (d.args->>'item_id')::bigint, coalesce(d.args->>'type', d.kind), e.object, e.salesforce_id, coalesce(e.code, '')
	FROM dead_letters d
	LEFT JOIN LATERAL (SELECT object, salesforce_id, code FROM error_logs WHERE job_id = d.job_id ORDER BY id DESC LIMIT 1) e ON true`

// UnalertedLetters are the oldest dead letters that nobody was told of, of those with an ID above after.
func (s *Store) UnalertedLetters(ctx context.Context, after int64, limit int) ([]Letter, error) {
	return s.letters(ctx, `SELECT `+letterColumns+` WHERE d.alerted_at IS NULL AND d.id > $1 ORDER BY d.id LIMIT $2`, after, limit)
}

// OpenLetters are the dead letters that were not put back into the queue, oldest first.
func (s *Store) OpenLetters(ctx context.Context) ([]Letter, error) {
	return s.letters(ctx, `SELECT `+letterColumns+` WHERE d.replayed_at IS NULL ORDER BY d.id`)
}

// MarkAlerted keeps that somebody was told of the dead letters.
func (s *Store) MarkAlerted(ctx context.Context, ids []int64) error {
	const query = `UPDATE dead_letters SET alerted_at = now() WHERE id = ANY($1)`
	_, err := s.pool.Exec(ctx, query, ids)
	return doing("marking dead letters as alerted", err)
}

// CountOpenLetters is how many dead letters wait for somebody.
func (s *Store) CountOpenLetters(ctx context.Context) (n int, err error) {
	const query = `SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL`
	err = s.pool.QueryRow(ctx, query).Scan(&n)
	return n, doing("counting dead letters", err)
}

// Replay puts the jobs of dead letters back into the queue with all their tries, and forgets what Salesforce refused of
// their items, so that it is tried again. It returns the job ids that it put back: one that is no dead letter, or that was
// replayed already, is not among them. The job of a letter that River has pruned since is made anew, under the same id.
func (s *Store) Replay(ctx context.Context, jobIDs []int64, maxAttempts int) (replayed []int64, err error) {
	const query = `
		WITH letters AS (
			UPDATE dead_letters SET replayed_at = clock_timestamp()
			WHERE  job_id = ANY($1) AND replayed_at IS NULL
			RETURNING job_id, kind, args
		), forgotten AS (
			UPDATE links SET refused = '{}'
			WHERE  item_id IN (SELECT (args->>'item_id')::bigint FROM letters) AND refused <> '{}'
		), jobs AS (
			INSERT INTO river_job AS j (id, kind, args, queue, state, max_attempts, priority)
			OVERRIDING SYSTEM VALUE
			SELECT job_id, kind, args, $3, 'available', $2, 1 FROM letters
			ON CONFLICT (id) DO UPDATE
			SET    state = 'available', attempt = 0, max_attempts = excluded.max_attempts, finalized_at = NULL, scheduled_at = now(),
			       metadata = j.metadata - 'cancel_attempted_at' -- River would cancel the next try by it
			WHERE  j.state IN ('discarded', 'cancelled')
			RETURNING j.id
		)
		SELECT id FROM jobs ORDER BY id`
	rows, err := s.pool.Query(ctx, query, jobIDs, maxAttempts, eventsQueue)
	if err != nil {
		return nil, doing("replaying dead letters", err)
	}
	replayed, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	return replayed, doing("replaying dead letters", err)
}

// eventsQueue is where replayed jobs go, by the name that package jobs gives it.
const eventsQueue = "events"

func (s *Store) letters(ctx context.Context, query string, args ...any) ([]Letter, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, doing("reading dead letters", err)
	}
	letters, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Letter])
	return letters, doing("reading dead letters", err)
}
