package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// RunWait says why a running comparison or import waits.
type RunWait struct {
	Kind   string // of a comparison: apply, reconcile, recent, backfill; or import
	Sweep  int64  // id of a comparison; 0: it is an import
	Run    int64  // id of an import; 0: it is a comparison
	Board  string
	Reason string
	Until  time.Time // when it looks again
}

// SweepWaits records that a sweep waits for some time, and why.
func (s *Store) SweepWaits(ctx context.Context, id int64, reason string, wait time.Duration) error {
	_, err := s.pool.Exec(ctx, `UPDATE sweeps SET waits_for = $2, waits_until = now() + $3::interval WHERE id = $1`,
		id, reason, wait)
	return doing("storing why a comparison waits", err)
}

// ImportWaits records that the import of a job waits for some time, and why.
func (s *Store) ImportWaits(ctx context.Context, jobID int64, reason string, wait time.Duration) error {
	const query = `UPDATE migration_runs SET waits_for = $2, waits_until = now() + $3::interval WHERE job_id = $1`
	_, err := s.pool.Exec(ctx, query, jobID, reason, wait)
	return doing("storing why an import waits", err)
}

// RunWaits returns the running comparisons and imports that wait, oldest first.
func (s *Store) RunWaits(ctx context.Context) ([]RunWait, error) {
	const query = `
		SELECT kind, sweep, run, board, waits_for, waits_until
		FROM   (SELECT kind, id AS sweep, 0::bigint AS run, board, waits_for, waits_until, started_at FROM sweeps
		        WHERE  state = 'running' AND waits_until > now()
		        UNION ALL
		        SELECT 'import', 0::bigint, id, board, waits_for, waits_until, started_at FROM migration_runs
		        WHERE  state = 'running' AND waits_until > now()) AS w
		ORDER  BY started_at, sweep, run`
	rows, err := s.pool.Query(ctx, query)
	if err != nil {
		return nil, doing("reading which runs wait", err)
	}
	waits, err := pgx.CollectRows(rows, pgx.RowToStructByPos[RunWait])
	return waits, doing("reading which runs wait", err)
}
