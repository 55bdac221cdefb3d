package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/postgres"
)

// FailedRecord is a record that a run could not write to its board, at least not with all its columns.
type FailedRecord struct {
	SalesforceID string
	RunID        int64    // the last run that attempted it
	Code         string   // why the record failed; empty: only columns failed
	Columns      []string // rejected by Monday
}

// FailedRecords returns, sorted and up to a limit, the Ids after the given one of a board's records that failed in
// other runs.
func (s *Store) FailedRecords(ctx context.Context, boardID, run int64, after string, limit int) ([]string, error) {
	const query = `
		SELECT salesforce_id FROM migration_failed
		WHERE  board_id = $1 AND run_id <> $2 AND salesforce_id > $3
		ORDER  BY salesforce_id LIMIT $4`
	rows, err := s.pool.Query(ctx, query, boardID, run, after, limit)
	if err != nil {
		return nil, postgres.Wrap("reading failed records", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, postgres.Wrap("reading failed records", err)
}

// FailedOf returns the failures of records, by Id.
func (s *Store) FailedOf(ctx context.Context, boardID int64, ids []string) (map[string]FailedRecord, error) {
	const query = `
		SELECT salesforce_id, run_id, code, columns FROM migration_failed
		WHERE  board_id = $1 AND salesforce_id = ANY($2)`
	rows, err := s.pool.Query(ctx, query, boardID, ids)
	if err != nil {
		return nil, postgres.Wrap("looking up failed records", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[FailedRecord])
	failed := make(map[string]FailedRecord, len(found))
	for _, f := range found {
		failed[f.SalesforceID] = f
	}
	return failed, postgres.Wrap("looking up failed records", err)
}

// keepFailed queues the statements for a page's failed records, and for those that failed before but not this time.
func (p Page) keepFailed(batch *pgx.Batch) {
	const forget = `DELETE FROM migration_failed WHERE board_id = $1 AND salesforce_id = ANY($2)`
	const keep = `
		INSERT INTO migration_failed AS f (board_id, run_id, salesforce_id, code, columns)
		VALUES ($1, $2, $3, $4, coalesce($5::text[], '{}'))
		ON CONFLICT (board_id, salesforce_id) DO UPDATE
		SET    run_id = excluded.run_id, code = excluded.code, columns = excluded.columns, failed_at = now(),
		       runs = f.runs + CASE WHEN f.run_id = excluded.run_id THEN 0 ELSE 1 END`
	if len(p.Recovered) > 0 {
		batch.Queue(forget, p.BoardID, p.Recovered)
	}
	for _, f := range p.Failed {
		batch.Queue(keep, p.BoardID, p.RunID, f.SalesforceID, f.Code, f.Columns)
	}
}
