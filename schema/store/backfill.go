package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// BoardMapping is the part of the mapping by which all items of a board were last compared: fingerprints by record,
// and by record and field.
type BoardMapping struct {
	Mapped map[string]string
	Since  time.Time
}

// BoardMapping returns what the items of a board were last compared by. A new board counts as compared by the given
// mapping.
func (s *Store) BoardMapping(ctx context.Context, boardID int64,
	mapped map[string]string) (known BoardMapping, err error) {
	const query = `
		INSERT INTO board_mappings AS b (board_id, mapped) VALUES ($1, $2)
		ON CONFLICT (board_id) DO UPDATE SET mapped = b.mapped
		RETURNING mapped, since`
	err = s.pool.QueryRow(ctx, query, boardID, mapped).Scan(&known.Mapped, &known.Since)
	return known, doing("reading the mapping of a board", err)
}

// SetBoardMapping records what the items of a board were last compared by.
func (s *Store) SetBoardMapping(ctx context.Context, boardID int64, mapped map[string]string) error {
	_, err := s.pool.Exec(ctx, `UPDATE board_mappings SET mapped = $2, since = now() WHERE board_id = $1`, boardID, mapped)
	return doing("recording the mapping of a board", err)
}

// Backfilled reports whether a backfill of a board by this mapping has been started since a time, whatever its result.
func (s *Store) Backfilled(ctx context.Context, boardID int64, mapped map[string]string,
	since time.Time) (done bool, err error) {
	const query = `
		SELECT EXISTS (SELECT FROM sweeps WHERE board_id = $1 AND kind = 'backfill' AND mapped = $2::jsonb AND started_at >= $3)`
	err = s.pool.QueryRow(ctx, query, boardID, mapped, since).Scan(&done)
	return done, doing("looking for a backfill", err)
}

// finishSweep ends a sweep. If it compared the whole board, the board's items count as compared by its mapping.
const finishSweep = `
	WITH done AS (
		UPDATE sweeps SET state = 'done', finished_at = now() WHERE id = $1 AND state = 'running' RETURNING board_id, mapped, options
	)
	INSERT INTO board_mappings AS b (board_id, mapped)
	SELECT board_id, mapped FROM done WHERE mapped <> '{}' AND NOT options ?| '{items,planned,recent}'
	ON CONFLICT (board_id) DO UPDATE SET mapped = excluded.mapped, since = now() WHERE b.mapped <> excluded.mapped`

// StopSweeps ends the running sweeps of these boards, and returns them. What they have written stays.
func (s *Store) StopSweeps(ctx context.Context, boardIDs []int64, by By) (stopped []Sweep, err error) {
	const query = `
		UPDATE sweeps SET state = 'stopped', finished_at = now()
		WHERE  state = 'running' AND board_id = ANY($1)
		RETURNING ` + sweepColumns
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, query, boardIDs)
		if err != nil {
			return err
		}
		if stopped, err = pgx.CollectRows(rows, scanSweep); err != nil {
			return err
		}
		for _, w := range stopped {
			if err := RecordOperation(ctx, tx, Operation{By: by, Act: ActStop,
				Subject: w.Kind + " of board " + w.Board}); err != nil {
				return err
			}
		}
		return nil
	})
	return stopped, doing("stopping sweeps", err)
}
