package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// isUntold is the condition that the channel $1, which exists since $2, has to receive a dead letter d: no channel has
// received it, or it is open and only other channels have received it since this one exists.
const isUntold = `
	NOT EXISTS (SELECT FROM alert_deliveries a WHERE a.kind = 'letter' AND a.subject = d.id::text AND a.occasion = d.ended_at AND a.channel = $1)
	AND (d.alerted_at IS NULL OR ` + isOpen + ` AND d.alerted_at >= $2
	     AND EXISTS (SELECT FROM alert_deliveries a WHERE a.kind = 'letter' AND a.subject = d.id::text AND a.occasion = d.ended_at))`

// UntoldCause is a cause with dead letters that a channel has not received.
type UntoldCause struct {
	Cause
	Untold   int           // dead letters that the channel has not received
	Last     int64         // ID of the last of them
	Messages int           // messages about the cause that the channel received since it was opened
	Since    time.Duration // the last of these messages; 0: there was none
}

// UntoldCauses returns the causes with dead letters that a channel has to receive, oldest first.
func (s *Store) UntoldCauses(ctx context.Context, c Channel) ([]UntoldCause, error) {
	const more = `
		JOIN   (SELECT d.cause_id, count(*) AS letters, min(d.id) AS first, max(d.id) AS last FROM dead_letters d
		        WHERE  d.cause_id IS NOT NULL AND ` + isUntold + ` GROUP BY 1) AS u USING (cause_id)
		LEFT   JOIN LATERAL (
			SELECT count(*) AS messages, coalesce(extract(epoch FROM now() - max(m.delivered_at)), 0)::float8 AS since
			FROM   alert_deliveries m
			WHERE  m.kind = 'cause' AND m.subject = c.cause_id AND m.channel = $1 AND m.delivered_at >= c.opened_at
		) AS t ON true
		ORDER  BY u.first`
	rows, err := s.pool.Query(ctx, `SELECT u.letters, u.last, t.messages, t.since, `+causeColumns+causeTables+more,
		c.Name, c.Since)
	if err != nil {
		return nil, doing("reading causes to alert", err)
	}
	causes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u UntoldCause, err error) {
		var seconds float64
		err = row.Scan(append([]any{&u.Untold, &u.Last, &u.Messages, &seconds}, u.targets()...)...)
		u.Since = span(seconds)
		return u, err
	})
	return causes, doing("reading causes to alert", err)
}

// UntoldDeadLetters returns the oldest dead letters of a cause that a channel has to receive.
func (s *Store) UntoldDeadLetters(ctx context.Context, c Channel, cause string, limit int) ([]DeadLetter, error) {
	const condition = ` WHERE d.cause_id = $3 AND ` + isUntold + ` ORDER BY d.id LIMIT $4`
	return s.letters(ctx, `SELECT `+letterColumns+condition, c.Name, c.Since, cause, limit)
}

// RecordCause records that a channel received a message about all untold dead letters of a cause.
func (s *Store) RecordCause(ctx context.Context, c Channel, u UntoldCause) error {
	const letters = `
		INSERT INTO alert_deliveries (channel, kind, subject, occasion)
		SELECT $1, 'letter', d.id::text, d.ended_at FROM dead_letters d
		WHERE  d.cause_id = $3 AND d.id <= $4 AND ` + isUntold + `
		ON CONFLICT DO NOTHING`
	const cause = `INSERT INTO alert_deliveries (channel, kind, subject, occasion) VALUES ($1, 'cause', $2, clock_timestamp())`
	batch := &pgx.Batch{}
	batch.Queue(letters, c.Name, c.Since, u.ID, u.Last)
	batch.Queue(cause, c.Name, u.ID)
	batch.Queue(channelWorks, c.Name)
	return doing("recording alerts", s.pool.SendBatch(ctx, batch).Close())
}

// EndedCauses returns the causes whose end a channel has to receive: it received a message about them since they were
// opened.
func (s *Store) EndedCauses(ctx context.Context, channel string) ([]Cause, error) {
	const condition = `
		WHERE  c.closed_at IS NOT NULL
		AND    EXISTS (SELECT FROM alert_deliveries m
		               WHERE m.kind = 'cause' AND m.subject = c.cause_id AND m.channel = $1 AND m.delivered_at >= c.opened_at)
		AND    NOT EXISTS (SELECT FROM alert_deliveries e
		                   WHERE e.kind = 'cause_end' AND e.subject = c.cause_id AND e.occasion = c.closed_at AND e.channel = $1)
		ORDER  BY c.closed_at, c.cause_id`
	return s.causes(ctx, `SELECT `+causeColumns+causeTables+condition, channel)
}

// Week is what happened in a week, and what is open at its end.
type Week struct {
	Changes int64 // events that changed Salesforce or Monday
	Failed  int64 // events that failed and have not been made up for
	Open    int   // dead letters
	Held    int   // items whose deletion waits for a decision

	Conflicts int // decided by the mapping, and not changed by a person
}

// Week counts what happened in the week before a time.
func (s *Store) Week(ctx context.Context, end time.Time) (w Week, err error) {
	const query = `
		SELECT count(*) FILTER (WHERE status = 'success'), count(*) FILTER (WHERE status = 'failed'),
		       (SELECT count(*) FROM conflicts WHERE decided_at >= $1::timestamptz - interval '7 days' AND decided_at < $1 AND take IS NULL)
		FROM   sync_logs
		WHERE  finished_at >= $1::timestamptz - interval '7 days' AND finished_at < $1
		AND    ` + isEvent
	if err = s.pool.QueryRow(ctx, query, end).Scan(&w.Changes, &w.Failed, &w.Conflicts); err != nil {
		return w, doing("counting the events of a week", err)
	}
	if w.Open, err = s.CountOpenDeadLetters(ctx); err != nil {
		return w, err
	}
	w.Held, err = s.CountHeld(ctx)
	return w, err
}
