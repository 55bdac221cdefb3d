package queue

import (
	"context"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/postgres"
)

// SweepLetters writes a dead letter, and the end of the event, for each job that River gave up and that has none yet for
// that end, whoever gave it up: a worker, an operator, or River's rescuer after a worker died. The letters of jobs that were
// retried in the dashboard, and done, count as put back.
func (q *Queue) SweepLetters(ctx context.Context) (found int64, err error) {
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
	tag, err := q.pool.Exec(ctx, query)
	return tag.RowsAffected(), postgres.Wrap("sweeping up dead letters", err)
}

// Replay puts the jobs of dead letters back into the queue with all their tries, and forgets what Salesforce refused of
// their items, so that it is tried again. It returns the job ids that it put back: one that is no dead letter, or that was
// replayed already, is not among them. The job of a letter that River has pruned since is made anew, under the same id.
func (q *Queue) Replay(ctx context.Context, jobIDs []int64, maxAttempts int) (replayed []int64, err error) {
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
	rows, err := q.pool.Query(ctx, query, jobIDs, maxAttempts, q.names.Events)
	if err != nil {
		return nil, postgres.Wrap("replaying dead letters", err)
	}
	replayed, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	return replayed, postgres.Wrap("replaying dead letters", err)
}
