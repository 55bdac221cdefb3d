package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// CountFirstMeetings returns how many first meetings the last finished comparison of each board left for a person.
func (s *Store) CountFirstMeetings(ctx context.Context) (n int, err error) {
	const query = `
		SELECT count(*) FROM differences d
		WHERE  d.kind = 'first_meeting' AND d.action = 'leave'
		AND    d.run_id IN (SELECT max(id) FROM sweeps WHERE state = 'done' AND options->'items' IS NULL GROUP BY board_id)`
	err = s.pool.QueryRow(ctx, query).Scan(&n)
	return n, doing("counting first meetings", err)
}

// CountConflicts returns how many conflicts since a time a person has said nothing about.
func (s *Store) CountConflicts(ctx context.Context, since time.Time) (n int, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) FROM conflicts WHERE decided_at >= $1 AND take IS NULL`, since).Scan(&n)
	return n, doing("counting conflicts", err)
}

// RecentSweeps returns the last sweeps, newest first.
func (s *Store) RecentSweeps(ctx context.Context, limit int) ([]Sweep, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+sweepColumns+` FROM sweeps ORDER BY id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, doing("reading sweeps", err)
	}
	sweeps, err := pgx.CollectRows(rows, scanSweep)
	return sweeps, doing("reading sweeps", err)
}

// SweptDifference is a difference that a sweep found.
type SweptDifference struct {
	FoundDifference
	FoundAt time.Time
}

// SweptDifferences returns what a sweep found, what it left for a person first.
func (s *Store) SweptDifferences(ctx context.Context, run int64, limit int) ([]SweptDifference, error) {
	const query = `
		SELECT item_id, record, object, salesforce_id, field, kind, code, action, found_at
		FROM   differences WHERE run_id = $1
		ORDER  BY action <> 'leave', kind, item_id, record, field
		LIMIT  $2`
	rows, err := s.pool.Query(ctx, query, run, limit)
	if err != nil {
		return nil, doing("reading differences", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d SweptDifference, err error) {
		err = row.Scan(&d.ItemID, &d.Record, &d.Object, &d.SalesforceID, &d.Field, &d.Kind, &d.Code, &d.Action, &d.FoundAt)
		return d, err
	})
	return found, doing("reading differences", err)
}
