package queue

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/tidwall/gjson"

	"crmsync/schema/postgres"
)

// Output is what a worker records in a job's metadata. Wake finds jobs by it.
type Output struct {
	Away   bool   `json:"away"`   // the job waits for the end of an outage
	Outage string `json:"outage"` // its key
}

// WaitFor returns the output of a job that waits for the end of an outage; an empty key means none.
func WaitFor(outage string) Output { return Output{Away: outage != "", Outage: outage} }

// WaitsFor returns the outage whose end a job waits for, according to its metadata, or "".
func WaitsFor(metadata []byte) string { return gjson.GetBytes(metadata, "output.outage").String() }

// wakeFor is how long after the end of an outage to look for jobs that wait for it: the maximum wait, a minute.
const wakeFor = time.Minute

// Wake brings forward up to limit jobs that wait for the end of an outage, since their waits have grown with its
// length. It returns their number.
func (q *Queue) Wake(ctx context.Context, outage string, limit int) (woken int64, err error) {
	const query = `
		UPDATE river_job SET scheduled_at = now()
		WHERE  id IN (
			SELECT id FROM river_job
			WHERE  state = 'scheduled' AND scheduled_at > now() AND metadata @> $1
			ORDER  BY id
			LIMIT  $2
			FOR    UPDATE SKIP LOCKED)`
	waits, err := json.Marshal(map[string]Output{"output": WaitFor(outage)})
	if err != nil {
		return 0, err // a string is always encoded
	}
	tag, err := q.pool.Exec(ctx, query, waits, limit)
	return tag.RowsAffected(), postgres.Wrap("waking jobs", err)
}

// WakeEnded brings forward all jobs that wait for outages that ended recently.
func (q *Queue) WakeEnded(ctx context.Context) error {
	const query = `
		SELECT DISTINCT system FROM outages e
		WHERE  ended_at > now() - $1::interval AND NOT EXISTS (SELECT FROM outages o WHERE o.system = e.system AND o.ended_at IS NULL)`
	rows, err := q.pool.Query(ctx, query, wakeFor)
	if err != nil {
		return postgres.Wrap("waking jobs", err)
	}
	ended, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return postgres.Wrap("waking jobs", err)
	}
	for _, outage := range ended {
		for {
			woken, err := q.Wake(ctx, outage, wakeSize)
			if err != nil {
				return err
			}
			if woken < wakeSize {
				break
			}
		}
	}
	return nil
}

// wakeSize is how many jobs one statement brings forward: few enough not to block others with its locks.
const wakeSize = 2000
