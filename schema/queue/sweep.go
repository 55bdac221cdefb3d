package queue

import (
	"context"

	"crmsync/schema/postgres"
)

// TendSweeps puts the jobs of sweeps whose process was killed back into the queue at once, at no cost of an attempt,
// and ends the sweeps of discarded jobs.
func (q *Queue) TendSweeps(ctx context.Context) (revived int64, err error) {
	const revive = `
		WITH silent AS (
			SELECT j.id FROM river_job j
			WHERE  j.kind = $1 AND j.state = 'running' AND j.attempted_at < now() - interval '3 seconds'
			AND    NOT EXISTS (SELECT FROM leases WHERE key = 'sweep ' || (j.args->>'sweep_id') AND lease_until > now())
			FOR    UPDATE SKIP LOCKED
		)
		UPDATE river_job j SET state = 'available', attempt = greatest(attempt - 1, 0), scheduled_at = now()
		FROM   silent WHERE j.id = silent.id`
	const end = `
		UPDATE sweeps w
		SET    state = 'failed', finished_at = now(),
		       error = CASE WHEN j.id IS NULL THEN 'its job is gone from the queue'
		                    ELSE crmsync_reason(j.errors) END
		FROM   sweeps o
		LEFT   JOIN LATERAL (SELECT id, state, errors FROM river_job
		                     WHERE  kind = $1 AND (args->>'sweep_id')::bigint = o.id
		                     ORDER  BY id DESC LIMIT 1) j ON true
		WHERE  o.id = w.id AND o.state = 'running' AND (j.id IS NULL OR j.state IN ('discarded', 'cancelled'))`
	tag, err := q.pool.Exec(ctx, revive, q.names.SweepBoard)
	if err != nil {
		return 0, postgres.Wrap("reviving comparisons", err)
	}
	_, err = q.pool.Exec(ctx, end, q.names.SweepBoard)
	return tag.RowsAffected(), postgres.Wrap("ending comparisons of discarded jobs", err)
}
