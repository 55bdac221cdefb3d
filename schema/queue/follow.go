package queue

import (
	"context"
	"time"

	"crmsync/schema/postgres"
)

// FollowUps counts the jobs that comparisons have queued for single items: to end deleted items, and to sync items
// again.
type FollowUps struct {
	Open   int // running, or due soon
	Later  int // wait for longer, such as for a system that is down
	Failed int
}

// FollowUps counts the follow-up jobs queued since a time. Jobs due within soon count as open.
func (q *Queue) FollowUps(ctx context.Context, since time.Time, soon time.Duration) (f FollowUps, err error) {
	const query = `
		SELECT count(*) FILTER (WHERE open), count(*) FILTER (WHERE NOT open AND NOT failed), count(*) FILTER (WHERE failed)
		FROM   (SELECT state IN ('cancelled', 'discarded') AS failed,
		               state IN ('available', 'pending', 'running') OR
		               state IN ('retryable', 'scheduled') AND scheduled_at < now() + $5::interval AS open
		        FROM   river_job
		        WHERE  queue = $1 AND state <> 'completed' AND created_at >= $4
		        AND    (kind = $2 OR kind = $3 AND args->>'key' LIKE 'sweep:%')) AS j`
	err = q.pool.QueryRow(ctx, query, q.names.Events, q.names.ItemResync, q.names.ItemDelete, since, soon).
		Scan(&f.Open, &f.Later, &f.Failed)
	return f, postgres.Wrap("counting the jobs that follow from comparisons", err)
}
