package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"crmsync/schema/postgres"
	"crmsync/schema/store"
)

// SettleRetried marks the dead letters of jobs that were retried in the dashboard and completed as replayed. Dead
// letters themselves are written by a trigger, in the transaction in which River discards the job.
func (q *Queue) SettleRetried(ctx context.Context) error {
	const query = `
		UPDATE dead_letters d SET replayed_at = j.finalized_at
		FROM   river_job j
		WHERE  d.replayed_at IS NULL AND j.id = d.job_id AND j.state = 'completed'`
	_, err := q.pool.Exec(ctx, query)
	return postgres.Wrap("settling dead letters", err)
}

// Staying is a dead letter that was not replayed.
type Staying struct {
	JobID  int64
	Reason string
}

// Replay puts the jobs of dead letters back into the queue with all their attempts, and clears the values of their
// items that Salesforce rejected, so that they are attempted again. It returns the job ids it replayed, and the
// others with the reason. A job that River has pruned is created again with the same id.
func (q *Queue) Replay(ctx context.Context, jobIDs []int64, maxAttempts int,
	by store.By) (replayed []int64, staying []Staying, err error) {
	for range replayRounds {
		replayed, staying, err = q.replay(ctx, jobIDs, maxAttempts, by)
		// Meanwhile a job that excludes one of these may have been queued.
		if answered, ok := errors.AsType[*pgconn.PgError](err); !ok || answered.Code != pgerrcode.UniqueViolation {
			break
		}
	}
	return replayed, staying, postgres.Wrap("replaying dead letters", err)
}

const replayRounds = 3

func (q *Queue) replay(ctx context.Context, jobIDs []int64, maxAttempts int,
	by store.By) (replayed []int64, staying []Staying, err error) {
	const change = `
		WITH letters AS (
			UPDATE dead_letters SET replayed_at = clock_timestamp(), closed_at = NULL, closed_by = NULL
			WHERE  job_id = ANY($1)
			RETURNING job_id, kind, args
		), forgotten AS (
			UPDATE links SET refused = '{}'
			WHERE  item_id IN (SELECT (args->>'item_id')::bigint FROM letters) AND refused <> '{}'
		)
		INSERT INTO river_job AS j (id, kind, args, queue, state, max_attempts, priority)
		OVERRIDING SYSTEM VALUE
		SELECT job_id, kind, args, CASE WHEN kind = $3 THEN $4 ELSE $5 END, 'available', $2, 1 FROM letters
		ON CONFLICT (id) DO UPDATE
		SET    state = 'available', attempt = 0, max_attempts = excluded.max_attempts, finalized_at = NULL, scheduled_at = now(),
		       metadata = j.metadata - 'cancel_attempted_at' -- River would cancel the next attempt by it
		WHERE  j.state IN ('discarded', 'cancelled')`
	err = pgx.BeginFunc(ctx, q.pool, func(tx pgx.Tx) error {
		replayed, staying, err = q.replayable(ctx, tx, jobIDs)
		if err != nil || len(replayed) == 0 {
			return err
		}
		if _, err = tx.Exec(ctx, change, replayed, maxAttempts, q.names.MigrateBoard, q.names.Migrations,
			q.names.Events); err != nil {
			return err
		}
		return store.RecordDeadLetters(ctx, tx, store.ActReplay, by, replayed)
	})
	return replayed, staying, err
}

// replayable separates the dead letters that can be replayed from the others, and locks them. If several exclude each
// other in the queue, the oldest can be replayed.
func (q *Queue) replayable(ctx context.Context, tx pgx.Tx,
	jobIDs []int64) (replayable []int64, staying []Staying, err error) {
	const look = `
		SELECT w.id, d.job_id IS NULL OR d.replayed_at IS NOT NULL, coalesce(j.state::text, ''), coalesce(same.id, run.id, 0),
		       coalesce(CASE WHEN d.kind = $2 THEN d.args->>'board_id' -- also of a job that was pruned
		                     WHEN river_job_state_in_bitmask(j.unique_states, 'available') THEN encode(j.unique_key, 'hex') END, '')
		FROM   unnest($1::bigint[]) AS w(id)
		LEFT   JOIN dead_letters d ON d.job_id = w.id
		LEFT   JOIN river_job j ON j.id = w.id
		LEFT   JOIN LATERAL (
			SELECT o.id FROM river_job o
			WHERE  o.unique_key = j.unique_key AND o.id <> j.id AND o.unique_states IS NOT NULL
			AND    river_job_state_in_bitmask(o.unique_states, o.state) AND river_job_state_in_bitmask(j.unique_states, 'available')
			LIMIT  1
		) AS same ON true
		LEFT   JOIN LATERAL (
			SELECT o.id FROM river_job o
			WHERE  d.kind = $2 AND o.kind = $2 AND o.id <> w.id AND o.args->'board_id' = d.args->'board_id'
			AND    o.state IN ('available', 'pending', 'retryable', 'running', 'scheduled')
			LIMIT  1
		) AS run ON true
		ORDER  BY w.id`
	if _, err := tx.Exec(ctx, "SELECT FROM dead_letters WHERE job_id = ANY($1) ORDER BY job_id FOR UPDATE",
		jobIDs); err != nil {
		return nil, nil, err
	}
	rows, err := tx.Query(ctx, look, slices.Compact(slices.Sorted(slices.Values(jobIDs))), q.names.MigrateBoard)
	if err != nil {
		return nil, nil, err
	}
	var l found
	taken := map[string]int64{}
	_, err = pgx.ForEachRow(rows, []any{&l.id, &l.replayed, &l.state, &l.other, &l.key}, func() error {
		if l.other == 0 && l.key != "" {
			l.other = taken[l.key]
		}
		if reason := l.stays(); reason != "" {
			staying = append(staying, Staying{l.id, reason})
			return nil
		}
		if l.key != "" {
			taken[l.key] = l.id
		}
		replayable = append(replayable, l.id)
		return nil
	})
	return replayable, staying, err
}

// found is what replayable finds about a job.
type found struct {
	id       int64
	replayed bool   // or it is not a dead letter
	state    string // of its row in the queue; empty: it was pruned
	other    int64  // job that excludes this one; 0: none
	key      string // two jobs with the same one exclude each other; empty: none
}

// stays returns why the job cannot be replayed, or "".
func (l found) stays() string {
	switch {
	case l.replayed:
		return "not dead letters, or already replayed"
	case l.state != "" && l.state != "discarded" && l.state != "cancelled":
		return "its job is " + l.state + " already"
	case l.other != 0:
		return fmt.Sprintf("job %d does the same and is not done: ignore this one, or replay it once that job is done", l.other)
	}
	return ""
}
