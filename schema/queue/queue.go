// Package queue contains the statements on River's table that River itself does not provide: inserting events and
// completing jobs at a low cost, finding and replaying dead letters, bringing waiting jobs forward, resuming killed
// migrations, and counting jobs.
//
// It does not depend on the kinds of jobs: their names are passed in.
package queue

import (
	"context"
	"encoding/hex"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/postgres"
	"crmsync/schema/store"
)

// Names are the names in river_job that the statements need.
type Names struct {
	Events       string // queue of the events
	Migrations   string // queue of the runs
	MigrateBoard string // kind of the job that runs a board's migration
	SweepBoard   string // kind of the job that compares a board
	ItemResync   string // kind of the job that syncs an item again
	ItemDelete   string // kind of the job that ends an item
}

// Queue runs statements on River's table. It is safe for concurrent use.
type Queue struct {
	pool   *pgxpool.Pool
	names  Names
	insert atomic.Pointer[string] // statements; nil: not known yet
}

// New returns a queue on the pool, which stays the caller's to close.
func New(pool *pgxpool.Pool, names Names) *Queue {
	return &Queue{pool: pool, names: names}
}

// Depth is the number of jobs of a queue in a state.
type Depth struct {
	Queue  string
	State  string // available, retryable, running, scheduled
	Jobs   int64
	Oldest time.Duration // how long the oldest of them has been due; 0: none is due
}

// Depths counts the jobs that are not done. The events queue is always included, even with zeros.
func (q *Queue) Depths(ctx context.Context) ([]Depth, error) {
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
	rows, err := q.pool.Query(ctx, query, q.names.Events)
	if err != nil {
		return nil, postgres.Wrap("counting the queue", err)
	}
	depths, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Depth, err error) {
		var oldest float64
		err = row.Scan(&d.Queue, &d.State, &d.Jobs, &oldest)
		d.Oldest = time.Duration(oldest * float64(time.Second))
		return d, err
	})
	return depths, postgres.Wrap("counting the queue", err)
}

// Waiting counts the jobs of a queue and a priority that wait for a worker, up to a number.
func (q *Queue) Waiting(ctx context.Context, queue string, priority, most int) (n int, err error) {
	const query = `
		SELECT count(*) FROM (
			SELECT FROM river_job WHERE state = 'available' AND queue = $1 AND priority = $2 LIMIT $3) AS waiting`
	err = q.pool.QueryRow(ctx, query, queue, priority, most).Scan(&n)
	return n, postgres.Wrap("counting waiting jobs", err)
}

// Kept counts what is stored for a kind of job, jobs and dead letters together. It needs no right to read either
// table.
func (q *Queue) Kept(ctx context.Context, kind string) (jobs, bytes int64, err error) {
	const query = "SELECT jobs, bytes FROM crmsync_kept($1)"
	err = q.pool.QueryRow(ctx, query, kind).Scan(&jobs, &bytes)
	return jobs, bytes, postgres.Wrap("counting what is kept", err)
}

// Queued returns which of the jobs' keys are in the queue. It needs no right to read it.
func (q *Queue) Queued(ctx context.Context, jobs []Job) (map[Key]bool, error) {
	keys := make([]string, len(jobs))
	for n, j := range jobs {
		keys[n] = hex.EncodeToString(j.Key[:])
	}
	rows, err := q.pool.Query(ctx, "SELECT crmsync_queued($1)", keys)
	if err != nil {
		return nil, postgres.Wrap("looking for repeats", err)
	}
	queued := map[Key]bool{}
	var text string
	_, err = pgx.ForEachRow(rows, []any{&text}, func() error {
		var key Key
		_, err := hex.Decode(key[:], []byte(text))
		queued[key] = true
		return err
	})
	return queued, postgres.Wrap("looking for repeats", err)
}

// EraseItem removes an item's values from its jobs, and from unreadable deliveries that name it, and returns how many
// contained any. Pending events will read the item from Monday instead.
func (q *Queue) EraseItem(ctx context.Context, tx pgx.Tx, item int64) (jobs int64, err error) {
	text, quotes := store.WithoutQuotations("e->>'error'")
	query := `
		UPDATE river_job
		SET    args = ` + store.ArgsWithoutValues + `,
		       errors = (SELECT array_agg(jsonb_set(e, '{error}', to_jsonb(` + text + `)) ORDER BY n) FROM unnest(errors) WITH ORDINALITY AS u(e, n))
		WHERE  ` + store.NamesItem + `
		AND    (args ?| ARRAY['value', 'name', 'body'] OR EXISTS (SELECT FROM unnest(errors) AS e WHERE ` + quotes + `))`
	tag, err := tx.Exec(ctx, query, strconv.FormatInt(item, 10))
	return tag.RowsAffected(), postgres.Wrap("erasing an item from the queue", err)
}

// EraseSuppressed removes the values in events of suppressed items, once the events have ended.
func (q *Queue) EraseSuppressed(ctx context.Context) error {
	const query = `
		UPDATE river_job SET args = ` + store.ArgsWithoutValues + `
		FROM   items i
		WHERE  i.suppressed_at IS NOT NULL AND args->>'item_id' = i.item_id::text
		AND    args ?| ARRAY['value', 'name'] AND state IN ('completed', 'cancelled', 'discarded')`
	_, err := q.pool.Exec(ctx, query)
	return postgres.Wrap("erasing suppressed items from the queue", err)
}
