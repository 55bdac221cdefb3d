package queue

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
)

// JobGetAvailable fetches the jobs that River's statement fetches, by a statement of another form.
//
// Planning it takes Postgres longer than executing it for a few jobs. On connections that plan each statement when it
// is executed, Postgres still keeps the plan of a statement without parameters. So the limit is a part of the text
// if it is that of a producer without jobs, which fetches ten times a second. The form, unlike River's, leaves Postgres
// no plan that is good for an empty table only, if it avoids sequential scans.
func (e executor) JobGetAvailable(ctx context.Context,
	p *riverdriver.JobGetAvailableParams) (*riverdriver.JobGetAvailableResult, error) {
	if p.Kind != nil || p.Now != nil || p.Schema != "" {
		return e.Executor.JobGetAvailable(ctx, p)
	}
	d := e.driver
	limit, args := "$1", []any{p.MaxToLock}
	if most, _ := d.limits.LoadOrStore(p.Queue, p.MaxToLock); d.Alone && most == p.MaxToLock {
		limit, args = strconv.Itoa(p.MaxToLock), nil
	}
	query := fetch(p, next(p.Queue, limit))
	if d.Share != nil && p.Queue == d.Events {
		if i, n := d.Share(ctx); n > 1 {
			query = d.fetchShare(p, i, n, limit)
		}
	}
	return d.UnwrapExecutor(inPlace{pool: d.Pool, query: query, args: args}).JobGetAvailable(ctx, p)
}

// inPlace is what River's executor runs on to decode the result of our statement, which is executed in place of its own.
type inPlace struct {
	pgx.Tx // nil: nothing but the methods below is called

	pool  *pgxpool.Pool
	query string
	args  []any
}

// Conn returns nil: no connection is set aside.
func (inPlace) Conn() *pgx.Conn { return nil }

// Query executes our statement.
func (i inPlace) Query(ctx context.Context, _ string, _ ...any) (pgx.Rows, error) {
	return i.pool.Query(ctx, i.query, i.args...)
}

// fetch returns the statement that fetches the jobs whose ids a query selects and locks. A job remembers the last workers
// that attempted it.
func fetch(p *riverdriver.JobGetAvailableParams, ids string) string {
	most := strconv.Itoa(p.MaxAttemptedBy)
	return `
		UPDATE river_job
		SET    state = 'running', attempt = attempt + 1, attempted_at = now(),
		       attempted_by = array_append(
		           CASE WHEN array_length(attempted_by, 1) >= ` + most + `
		           THEN attempted_by[array_length(attempted_by, 1) + 2 - ` + most + `:] ELSE attempted_by END, ` + literal(p.ClientID) + `)
		WHERE  id = ANY (ARRAY(` + ids + `))
		RETURNING id, args, attempt, attempted_at, attempted_by, created_at, errors, finalized_at, kind, max_attempts, metadata,
		          priority, queue, state, scheduled_at, tags, unique_key, unique_states`
}

// next selects and locks the first jobs of a queue that no other worker is fetching.
func next(queue, limit string) string {
	return `
		SELECT id FROM ` + available(queue) + `
		LIMIT  ` + limit + ` FOR UPDATE SKIP LOCKED`
}

// available is the table of jobs with the condition of those that can be fetched from a queue, in order.
func available(queue string) string {
	return `river_job
		WHERE  state = 'available' AND queue = ` + literal(queue) + ` AND scheduled_at <= now()
		ORDER  BY priority, scheduled_at, id`
}
