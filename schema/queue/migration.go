package queue

import (
	"context"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/postgres"
	"crmsync/schema/store"
)

// TendMigrations puts the jobs of runs whose process was killed back into the queue at once, at no cost of an attempt;
// the queue's rescuer would wait. A slice that ended by itself holds nothing; a run that never began is recognized by
// its job having run for long. It also ends the runs of discarded jobs.
func (q *Queue) TendMigrations(ctx context.Context) (revived int64, err error) {
	var revive = `
		WITH held AS MATERIALIZED (
			SELECT j.id, r.board_id AS board FROM river_job j JOIN migration_runs r ON r.job_id = j.id AND r.holder IS NOT NULL
			WHERE  j.kind = $1 AND j.state = 'running' AND j.attempted_at < now() - interval '3 seconds'
			FOR    UPDATE OF r SKIP LOCKED -- so that none ends meanwhile
		), silent AS MATERIALIZED (
			SELECT id, board FROM held
			UNION  ALL
			SELECT j.id, (j.args->>'board_id')::bigint FROM river_job j
			WHERE  j.kind = $1 AND j.state = 'running' AND j.attempted_at < now() - interval '10 seconds'
			AND    NOT EXISTS (SELECT FROM migration_runs r WHERE r.job_id = j.id)
		), free AS MATERIALIZED (
			SELECT id FROM silent s
			WHERE  NOT EXISTS (SELECT FROM leases WHERE key = ` + store.MigrationKey("s.board") + ` AND lease_until > now())
		)
		UPDATE river_job j SET state = 'available', attempt = greatest(attempt - 1, 0), scheduled_at = now()
		FROM   free WHERE j.id = free.id AND j.state = 'running'`
	const end = `
		UPDATE migration_runs r
		SET    state = 'failed', finished_at = now(), holder = NULL,
		       error = CASE WHEN j.id IS NULL THEN 'its job is gone from the queue'
		                    ELSE crmsync_reason(j.errors) END
		FROM   migration_runs o LEFT JOIN river_job j ON j.id = o.job_id
		WHERE  o.id = r.id AND r.state = 'running' AND (j.id IS NULL OR j.state IN ('discarded', 'cancelled'))`
	tag, err := q.pool.Exec(ctx, revive, q.names.MigrateBoard)
	if err != nil {
		return 0, postgres.Wrap("reviving migrations", err)
	}
	_, err = q.pool.Exec(ctx, end)
	return tag.RowsAffected(), postgres.Wrap("ending migrations of discarded jobs", err)
}

// Migrating reports whether a migration of one of the boards is under way or waits for its turn.
func (q *Queue) Migrating(ctx context.Context, boards []int64) (busy bool, err error) {
	const query = `
		SELECT EXISTS (SELECT FROM river_job WHERE kind = $2
		               AND state IN ('available', 'pending', 'retryable', 'running', 'scheduled')
		               AND (args->>'board_id')::bigint = ANY($1))`
	err = q.pool.QueryRow(ctx, query, boards, q.names.MigrateBoard).Scan(&busy)
	return busy, postgres.Wrap("looking for migrations", err)
}

// Ended returns those of the jobs that ended without success, with the reason. A job that is missing from the table
// counts as ended, too.
func (q *Queue) Ended(ctx context.Context, jobIDs []int64) (map[int64]string, error) {
	const query = `
		SELECT w.id, CASE WHEN j.id IS NULL THEN 'its job is gone from the queue'
		                  ELSE crmsync_reason(j.errors) END
		FROM   unnest($1::bigint[]) AS w(id)
		LEFT   JOIN river_job j USING (id)
		WHERE  j.id IS NULL OR j.state IN ('discarded', 'cancelled')`
	rows, err := q.pool.Query(ctx, query, jobIDs)
	if err != nil {
		return nil, postgres.Wrap("looking for jobs that ended", err)
	}
	ended := map[int64]string{}
	var id int64
	var reason string
	_, err = pgx.ForEachRow(rows, []any{&id, &reason}, func() error {
		ended[id] = reason
		return nil
	})
	return ended, postgres.Wrap("looking for jobs that ended", err)
}

// Complete ends a job that is still running, so that the transaction stores the job's result and its end together.
func (q *Queue) Complete(ctx context.Context, tx pgx.Tx, jobID int64) error {
	const query = `UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = $1 AND state = 'running'`
	_, err := tx.Exec(ctx, query, jobID)
	return postgres.Wrap("completing a job", err)
}
