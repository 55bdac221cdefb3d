package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// FoundItems returns the items in which a sweep has found something so far.
func (s *Store) FoundItems(ctx context.Context, run int64) ([]int64, error) {
	return s.itemIDs(ctx, `SELECT DISTINCT item_id FROM differences WHERE run_id = $1 ORDER BY item_id`, run)
}

// NotWritten returns the differences that sweeps should have written but did not: they were rejected, or have changed
// since the plan. It returns up to a number for each sweep.
func (s *Store) NotWritten(ctx context.Context, runs []int64, limit int) (map[int64][]FoundDifference, error) {
	const query = `
		SELECT run_id, item_id, record, object, salesforce_id, field, kind, code, action
		FROM   (SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY action, item_id, record, field, kind) AS n
		        FROM   differences WHERE run_id = ANY($1) AND action IN ('reject', 'changed')) AS d
		WHERE  n <= $2
		ORDER  BY run_id, n`
	rows, err := s.pool.Query(ctx, query, runs, limit)
	if err != nil {
		return nil, doing("reading differences", err)
	}
	found := map[int64][]FoundDifference{}
	var run int64
	var d FoundDifference
	_, err = pgx.ForEachRow(rows, []any{&run, &d.ItemID, &d.Record, &d.Object, &d.SalesforceID, &d.Field, &d.Kind, &d.Code,
		&d.Action}, func() error {
		found[run] = append(found[run], d)
		return nil
	})
	return found, doing("reading differences", err)
}

// ItemBoards returns the boards on which items are known to be, by item.
func (s *Store) ItemBoards(ctx context.Context, items []int64) (map[int64]int64, error) {
	rows, err := s.pool.Query(ctx, `SELECT item_id, board_id FROM items WHERE item_id = ANY($1)`, items)
	if err != nil {
		return nil, doing("looking for items", err)
	}
	boards := map[int64]int64{}
	var item, board int64
	_, err = pgx.ForEachRow(rows, []any{&item, &board}, func() error {
		boards[item] = board
		return nil
	})
	return boards, doing("looking for items", err)
}
