package queue

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/postgres"
)

// Pause is a paused queue: its jobs wait until it is resumed.
type Pause struct {
	Queue string
	Since time.Time
}

// Pauses returns the paused queues, by name. A queue without workers for a day may be missing from River's list.
func (q *Queue) Pauses(ctx context.Context) ([]Pause, error) {
	const query = `SELECT name, paused_at FROM river_queue WHERE paused_at IS NOT NULL ORDER BY name`
	rows, err := q.pool.Query(ctx, query)
	if err != nil {
		return nil, postgres.Wrap("reading paused queues", err)
	}
	pauses, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Pause])
	return pauses, postgres.Wrap("reading paused queues", err)
}
