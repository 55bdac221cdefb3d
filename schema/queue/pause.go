package queue

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/postgres"
)

// Pause is a queue that somebody paused: its jobs wait until it is resumed.
type Pause struct {
	Queue string
	Since time.Time
}

// Pauses returns the queues that are paused, by name. A queue that no worker has worked on for a day may be gone from
// River's list.
func (q *Queue) Pauses(ctx context.Context) ([]Pause, error) {
	const query = `SELECT name, paused_at FROM river_queue WHERE paused_at IS NOT NULL ORDER BY name`
	rows, err := q.pool.Query(ctx, query)
	if err != nil {
		return nil, postgres.Wrap("reading paused queues", err)
	}
	pauses, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Pause])
	return pauses, postgres.Wrap("reading paused queues", err)
}
