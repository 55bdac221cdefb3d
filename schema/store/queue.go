package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Depth is how many jobs of a queue are in a state.
type Depth struct {
	Queue  string
	State  string // available, retryable, running, scheduled
	Jobs   int64
	Oldest time.Duration // for how long the oldest of them has been due; 0: none is
}

// QueueDepths counts the jobs that are not done. The events queue is always there, if only with zeros.
func (s *Store) QueueDepths(ctx context.Context) ([]Depth, error) {
	const query = `
		SELECT w.queue, w.state, coalesce(n.jobs, 0), coalesce(n.oldest, 0)
		FROM   (SELECT q.queue, s.state
		        FROM   (SELECT $1 AS queue UNION SELECT DISTINCT queue FROM river_job WHERE state IN ('available', 'retryable', 'running', 'scheduled')) q,
		               unnest(ARRAY['available', 'retryable', 'running', 'scheduled']) AS s(state)) w
		LEFT   JOIN (SELECT queue, state::text AS state, count(*) AS jobs,
		                    greatest(extract(epoch FROM now() - min(scheduled_at) FILTER (WHERE state <> 'running')), 0)::float8 AS oldest
		             FROM   river_job
		             WHERE  state IN ('available', 'retryable', 'running', 'scheduled')
		             GROUP  BY queue, state) n USING (queue, state)
		ORDER  BY w.queue, w.state`
	rows, err := s.pool.Query(ctx, query, eventsQueue)
	if err != nil {
		return nil, doing("counting the queue", err)
	}
	depths, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Depth, err error) {
		var oldest float64
		err = row.Scan(&d.Queue, &d.State, &d.Jobs, &oldest)
		d.Oldest = time.Duration(oldest * float64(time.Second))
		return d, err
	})
	return depths, doing("counting the queue", err)
}
