package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// AliveItems returns the items that are known to be on a board; of only, where there are any, those.
func (s *Store) AliveItems(ctx context.Context, boardID int64, only []int64) ([]int64, error) {
	const query = `
		SELECT item_id FROM items
		WHERE  board_id = $1 AND known AND deleted_at IS NULL AND ($2::bigint[] IS NULL OR item_id = ANY($2))
		ORDER  BY item_id`
	if len(only) == 0 {
		only = nil
	}
	rows, err := s.pool.Query(ctx, query, boardID, only)
	if err != nil {
		return nil, doing("reading the items of a board", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	return ids, doing("reading the items of a board", err)
}
