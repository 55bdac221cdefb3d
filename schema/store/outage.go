package store

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Outage is a period in which a system, or a part of it, was unavailable to all workers.
type Outage struct {
	ID        int64
	System    string // salesforce, monday
	Part      string // empty: the whole system
	Code      string // its answer, such as 503 or invalid_client
	StartedAt time.Time
	EndedAt   *time.Time // nil: ongoing
	Told      bool       // its start was alerted
}

// OutageKey identifies what is unavailable: a system, or a part of it. Two outages with one key never overlap.
func OutageKey(system, part string) string { return strings.TrimSpace(system + " " + part) }

// StartOutage records that a system or a part of it is unavailable. If that is already known, only the time at which
// it was last seen changes. An outage that ended a moment ago continues, unless its end has been alerted.
func (s *Store) StartOutage(ctx context.Context, key, code string) error {
	const reopen = `
		UPDATE outages SET ended_at = NULL, seen_at = now()
		WHERE  system = $1 AND ended_at > now() - interval '1 minute' AND ended_alert_at IS NULL
		AND    NOT EXISTS (SELECT FROM outages WHERE system = $1 AND ended_at IS NULL)`
	const start = `
		INSERT INTO outages (system, code)
		SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM outages WHERE system = $1 AND ended_at IS NULL)
		ON CONFLICT (system) WHERE ended_at IS NULL DO NOTHING`
	batch := &pgx.Batch{}
	batch.Queue(reopen, key)
	batch.Queue(start, key, code)
	batch.Queue(seeOutage, key)
	return doing("recording an outage", s.pool.SendBatch(ctx, batch).Close())
}

// SeeOutage records that an outage is ongoing.
func (s *Store) SeeOutage(ctx context.Context, key string) error {
	_, err := s.pool.Exec(ctx, seeOutage, key)
	return doing("recording an outage", err)
}

const seeOutage = `UPDATE outages SET seen_at = now() WHERE system = $1 AND ended_at IS NULL`

// EndOutage records that a system or part is available again, unless a worker has seen it unavailable since the given
// time.
func (s *Store) EndOutage(ctx context.Context, key string, since time.Time) error {
	const query = `UPDATE outages SET ended_at = now() WHERE system = $1 AND ended_at IS NULL AND seen_at <= $2`
	_, err := s.pool.Exec(ctx, query, key, since)
	return doing("ending an outage", err)
}

// OpenOutages returns the ongoing outages, oldest first.
func (s *Store) OpenOutages(ctx context.Context) ([]Outage, error) {
	const query = `
		SELECT id, split_part(system, ' ', 1), substr(system, length(split_part(system, ' ', 1)) + 2), code,
		       started_at, ended_at, started_alert_at IS NOT NULL
		FROM   outages
		WHERE  ended_at IS NULL
		ORDER  BY id`
	rows, err := s.pool.Query(ctx, query)
	if err != nil {
		return nil, doing("reading outages", err)
	}
	outages, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Outage])
	return outages, doing("reading outages", err)
}
