package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river/riverdriver"
)

// Share returns which share of the items a worker prefers: number i of n, counted from 0. With less than two, it takes
// events as they come.
type Share func(ctx context.Context) (i, n int)

const (
	// lookAhead is how many events a fetch looks at for each one that it may take and each worker. It looks at lookAtLeast
	// for each worker in any case, since workers do not advance evenly, and at lookAtMost in all: each costs about a
	// microsecond.
	lookAhead   = 2
	lookAtLeast = 500
	lookAtMost  = 16_000

	// later is how much later the events of another share count as due.
	later = 10 * time.Second
)

// fetchShare returns the statement that fetches events for number i of n workers. limit is how it gets the limit.
//
// It looks at the first events in River's order. Those of other shares count as due somewhat later; jobs without an item
// belong to every share. So a job is overtaken only by jobs that became due at most so much after it.
//
// If no job is due by that, it takes what comes first, so that no job waits for one worker while another is idle. It
// also does so to fill up, if there are more jobs than it looks at: then the workers that prefer these are far behind.
func (d *Driver) fetchShare(p *riverdriver.JobGetAvailableParams, i, n int, limit string) string {
	look := lookAtLeast * n
	for look < lookAtMost && look < lookAhead*n*p.MaxToLock {
		look *= 2 // of few values, so that there are few statements
	}
	return fmt.Sprintf(`
		WITH ahead AS MATERIALIZED (
			SELECT id, priority, scheduled_at + CASE WHEN (hashtext(args->>'item_id') & 2147483647) %% %d <> %d
			       THEN '%d s'::interval ELSE '0' END AS due
			FROM   %s
			LIMIT  %d
		), seen AS (
			SELECT count(*) = %[5]d AS many, bool_or(due <= now()) AS ready FROM ahead
		), chosen AS (
			SELECT id FROM ahead
			WHERE  due <= now() OR (SELECT many OR NOT ready FROM seen)
			ORDER  BY due > now(), priority, due, id
			LIMIT  %s
		)`, n, i, int(later.Seconds()), available(p.Queue), look, limit) + fetch(p, `
		SELECT id FROM river_job WHERE id = ANY (ARRAY(SELECT id FROM chosen)) AND state = 'available' FOR UPDATE SKIP LOCKED`)
}
