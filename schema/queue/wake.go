package queue

import (
	"context"
	"time"

	"github.com/tidwall/gjson"

	"crmsync/schema/postgres"
)

// Output is what a worker records in a job's metadata. Wake finds its jobs by it.
type Output struct {
	Away bool `json:"away"` // the job waits for a system to be back
}

// WaitsForSystem reports whether the metadata of a job say that it waits for a system to be back.
func WaitsForSystem(metadata []byte) bool { return gjson.GetBytes(metadata, "output.away").Bool() }

// wakeFor is how long after an outage events are looked for that wait for its end: for as long as they wait, a minute.
const wakeFor = time.Minute

// Wake brings forward the events that wait for a system to be back, as their metadata say, for some time after an outage has
// ended and while no other goes on: they came to wait the longer, the longer it lasted. It returns their number.
func (q *Queue) Wake(ctx context.Context) (woken int64, err error) {
	const query = `
		UPDATE river_job SET scheduled_at = now()
		WHERE  queue = $1 AND state = 'scheduled' AND scheduled_at > now() AND metadata @> '{"output": {"away": true}}'
		AND    EXISTS (SELECT FROM outages WHERE ended_at > now() - $2::interval)
		AND    NOT EXISTS (SELECT FROM outages WHERE ended_at IS NULL)`
	tag, err := q.pool.Exec(ctx, query, q.names.Events, wakeFor)
	return tag.RowsAffected(), postgres.Wrap("waking events", err)
}
