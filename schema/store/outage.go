package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Outage is a time in which a system was away, for all workers together.
type Outage struct {
	ID        int64
	System    string // salesforce, monday
	Code      string // what it answered, such as 503 or invalid_client
	StartedAt time.Time
	EndedAt   *time.Time // nil: it goes on
	Told      bool       // somebody was told that it began
}

// StartOutage keeps that a system is away. Where that is known already, only the time of the last sight changes; an
// outage that ended a moment ago goes on, as long as nobody was told of its end.
func (s *Store) StartOutage(ctx context.Context, system, code string) error {
	const reopen = `
		UPDATE outages SET ended_at = NULL, seen_at = now()
		WHERE  system = $1 AND ended_at > now() - interval '1 minute' AND ended_alert_at IS NULL
		AND    NOT EXISTS (SELECT FROM outages WHERE system = $1 AND ended_at IS NULL)`
	const start = `
		INSERT INTO outages (system, code)
		SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM outages WHERE system = $1 AND ended_at IS NULL)
		ON CONFLICT (system) WHERE ended_at IS NULL DO NOTHING`
	batch := &pgx.Batch{}
	batch.Queue(reopen, system)
	batch.Queue(start, system, code)
	batch.Queue(seeOutage, system)
	return doing("keeping an outage", s.pool.SendBatch(ctx, batch).Close())
}

// SeeOutage keeps that a system is still away.
func (s *Store) SeeOutage(ctx context.Context, system string) error {
	_, err := s.pool.Exec(ctx, seeOutage, system)
	return doing("keeping an outage", err)
}

const seeOutage = `UPDATE outages SET seen_at = now() WHERE system = $1 AND ended_at IS NULL`

// EndOutage keeps that a system answers again, where nobody has seen it away since the given time.
func (s *Store) EndOutage(ctx context.Context, system string, since time.Time) error {
	const query = `UPDATE outages SET ended_at = now() WHERE system = $1 AND ended_at IS NULL AND seen_at <= $2`
	_, err := s.pool.Exec(ctx, query, system, since)
	return doing("ending an outage", err)
}

// UnalertedOutages are the beginnings and ends that nobody was told of, in the order in which they happened. An
// outage that ended before anybody was told is told as a whole.
func (s *Store) UnalertedOutages(ctx context.Context) ([]Outage, error) {
	const query = `
		SELECT id, system, code, started_at, ended_at, started_alert_at IS NOT NULL FROM outages
		WHERE  started_alert_at IS NULL OR (ended_at IS NOT NULL AND ended_alert_at IS NULL)
		ORDER  BY id`
	rows, err := s.pool.Query(ctx, query)
	if err != nil {
		return nil, doing("reading outages", err)
	}
	outages, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Outage])
	return outages, doing("reading outages", err)
}

// OpenOutages are the systems that are away now.
func (s *Store) OpenOutages(ctx context.Context) ([]Outage, error) {
	const query = `SELECT id, system, code, started_at, ended_at, started_alert_at IS NOT NULL FROM outages WHERE ended_at IS NULL ORDER BY id`
	rows, err := s.pool.Query(ctx, query)
	if err != nil {
		return nil, doing("reading outages", err)
	}
	outages, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Outage])
	return outages, doing("reading outages", err)
}

// MarkOutageAlerted keeps that somebody was told of the outage as it stands.
func (s *Store) MarkOutageAlerted(ctx context.Context, o Outage) error {
	const query = `
		UPDATE outages
		SET    started_alert_at = coalesce(started_alert_at, now()),
		       ended_alert_at = CASE WHEN $2 THEN now() ELSE ended_alert_at END
		WHERE  id = $1`
	_, err := s.pool.Exec(ctx, query, o.ID, o.EndedAt != nil)
	return doing("marking an outage as alerted", err)
}
