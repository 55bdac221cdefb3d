package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// FirstMeetings counts the first meetings that wait for a person.
type FirstMeetings struct {
	Count int
	Run   int64 // the comparison that left them; 0: there are none, or several comparisons left some
}

// OpenFirstMeetings returns the first meetings that the last finished comparison of each board left to a person. First
// meetings of items that have ended, or that an event or a comparison has written since, are settled.
func (s *Store) OpenFirstMeetings(ctx context.Context) (m FirstMeetings, err error) {
	const query = `
		SELECT count(*), CASE WHEN count(DISTINCT d.run_id) = 1 THEN min(d.run_id) ELSE 0 END
		FROM   differences d
		WHERE  d.kind = 'first_meeting' AND d.action IN ('leave', 'reject')
		AND    d.run_id IN (SELECT max(id) FROM sweeps
		                    WHERE  state = 'done' AND options->'items' IS NULL AND kind <> 'recent' GROUP BY board_id)
		AND    NOT EXISTS (SELECT FROM items i WHERE i.item_id = d.item_id AND i.deleted_at IS NOT NULL)
		AND    NOT EXISTS (SELECT FROM sync_logs l
		                   WHERE l.item_id = d.item_id AND l.status = 'success' AND l.finished_at > d.found_at)
		AND    NOT EXISTS (SELECT FROM differences w
		                   WHERE w.item_id = d.item_id AND w.record = d.record AND w.field = d.field
		                   AND   w.action = 'write' AND w.run_id > d.run_id)`
	err = s.pool.QueryRow(ctx, query).Scan(&m.Count, &m.Run)
	return m, doing("counting first meetings", err)
}

// CountConflicts returns how many conflicts since a time no person has decided about.
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

// SweptDifferences returns what a sweep found. What it left to a person comes first.
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
