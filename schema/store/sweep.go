package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/mapping"
)

// Sweep is a run that compares the items of a board with Salesforce.
type Sweep struct {
	ID         int64
	BoardID    int64
	Board      string            // its name in the mapping
	Kind       string            // apply, reconcile, recent or backfill
	Mapped     map[string]string // fingerprints of the mapping by which it compares
	Options    SweepOptions
	State      string // running, done, failed, stopped
	StartedAt  time.Time
	FinishedAt *time.Time
	Pages      int    // compared so far
	Cursor     string // of the next page
	SweepCounts
	Error string
}

// SweepCounts count what a sweep found and did.
type SweepCounts struct {
	Items     int
	Fields    int // compared
	Differing int // fields that differed
	Written   int // fields that were written
	Rejected  int // fields that were sent and not accepted
	Ended     int // items archived or deleted in Monday
	Busy      int // items that are resynced later instead
	Skipped   int // items whose difference is not the planned one
}

// SweepOptions are what a sweep may do.
type SweepOptions struct {
	Adopt         mapping.Side     `json:"adopt,omitempty"`          // whose value ends first meetings; empty: they are left alone
	Enforce       bool             `json:"enforce,omitempty"`        // Monday's values replace drift
	AcceptDeletes bool             `json:"accept_deletes,omitempty"` // the brake is lifted
	Items         []int64          `json:"items,omitempty"`          // only these
	Planned       map[int64]string `json:"planned,omitempty"`        // digests by item: nothing else is done
	Assumed       []AssumedRecord  `json:"assumed,omitempty"`        // records that the plan takes as given
	Recent        *time.Time       `json:"recent,omitempty"`         // only items that have changed since, and are not known as they are
}

// AssumedRecord is a record that an item has only once a plan is carried out.
type AssumedRecord struct {
	ItemID int64  `json:"item"`
	Record string `json:"record"`
	ID     string `json:"id"` // a placeholder if the plan creates the record
}

// What a sweep did about a difference.
const (
	ActionWrite   = "write"   // it was written, or a job will write it
	ActionLeave   = "leave"   // it was left alone, as planned
	ActionReject  = "reject"  // it should have been written, but a system rejected it
	ActionChanged = "changed" // it was left alone because it is not the planned one
)

// FoundDifference is a difference that a sweep found, without its values.
type FoundDifference struct {
	ItemID                                                  int64
	Record, Object, SalesforceID, Field, Kind, Code, Action string
}

// ErrSweeping means that another comparison of the board is running, or the same one of named items.
var ErrSweeping = errors.New("another comparison of the board is running")

// AddSweep adds a sweep and passes it with its id to queue, in one transaction.
func (s *Store) AddSweep(ctx context.Context, w Sweep,
	queue func(ctx context.Context, tx pgx.Tx, w Sweep) error) (id int64, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		id, err = s.AddSweepIn(ctx, tx, w, queue)
		return err
	})
	if errors.Is(err, ErrSweeping) {
		return 0, ErrSweeping
	}
	return id, doing("adding a sweep", err)
}

// AddSweepIn is AddSweep within a transaction, which stays usable after ErrSweeping.
func (s *Store) AddSweepIn(ctx context.Context, tx pgx.Tx, w Sweep,
	queue func(ctx context.Context, tx pgx.Tx, w Sweep) error) (id int64, err error) {
	const query = `
		INSERT INTO sweeps (board_id, board, kind, options, mapped) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING
		RETURNING id`
	if w.Mapped == nil {
		w.Mapped = map[string]string{}
	}
	err = tx.QueryRow(ctx, query, w.BoardID, w.Board, w.Kind, w.Options, w.Mapped).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, ErrSweeping
	}
	if err != nil {
		return 0, err
	}
	w.ID = id
	return id, queue(ctx, tx, w)
}

const sweepColumns = `id, board_id, board, kind, mapped, options, state, started_at, finished_at, pages, cursor,
	items, fields, differing, written, rejected, ended, busy, skipped, error`

func scanSweep(row pgx.CollectableRow) (w Sweep, err error) {
	err = row.Scan(&w.ID, &w.BoardID, &w.Board, &w.Kind, &w.Mapped, &w.Options, &w.State, &w.StartedAt, &w.FinishedAt,
		&w.Pages, &w.Cursor,
		&w.Items, &w.Fields, &w.Differing, &w.Written, &w.Rejected, &w.Ended, &w.Busy, &w.Skipped, &w.Error)
	return w, err
}

// Sweeps returns the sweeps with these ids. If ids is nil, it returns the last one of each board, except those of only
// its newest items.
func (s *Store) Sweeps(ctx context.Context, ids []int64) ([]Sweep, error) {
	const query = `
		SELECT ` + sweepColumns + ` FROM sweeps
		WHERE  id = ANY($1) OR $1::bigint[] IS NULL AND id IN (SELECT max(id) FROM sweeps WHERE kind <> 'recent' GROUP BY board_id)
		ORDER  BY id`
	rows, err := s.pool.Query(ctx, query, ids)
	if err != nil {
		return nil, doing("reading sweeps", err)
	}
	sweeps, err := pgx.CollectRows(rows, scanSweep)
	return sweeps, doing("reading sweeps", err)
}

// RunningSweeps returns the running sweeps of boards, looks at their newest items aside, oldest first.
func (s *Store) RunningSweeps(ctx context.Context, boardIDs ...int64) ([]Sweep, error) {
	const query = `
		SELECT ` + sweepColumns + ` FROM sweeps
		WHERE  board_id = ANY($1) AND state = 'running' AND kind <> 'recent'
		ORDER  BY id`
	rows, err := s.pool.Query(ctx, query, boardIDs)
	if err != nil {
		return nil, doing("reading sweeps", err)
	}
	sweeps, err := pgx.CollectRows(rows, scanSweep)
	return sweeps, doing("reading sweeps", err)
}

// Agreement counts the fields that the last comparison of each board compared, and those left differing.
type Agreement struct{ Compared, Differing int }

// Agreement returns the agreement of both systems by the last finished comparisons.
func (s *Store) Agreement(ctx context.Context) (a Agreement, err error) {
	const query = `
		WITH last AS (SELECT max(id) AS id FROM sweeps WHERE state = 'done' AND options->'items' IS NULL AND kind <> 'recent' GROUP BY board_id)
		SELECT coalesce(sum(fields), 0), coalesce(sum(
		       (SELECT count(*) FROM differences d WHERE d.run_id = s.id AND d.action <> 'write' AND d.field <> '')), 0)
		FROM   sweeps s JOIN last USING (id)`
	err = s.pool.QueryRow(ctx, query).Scan(&a.Compared, &a.Differing)
	return a, doing("reading how far both systems agree", err)
}

// CountHeld returns how many items' deletions the brake holds.
func (s *Store) CountHeld(ctx context.Context) (n int, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) FROM deletions WHERE state = 'held'`).Scan(&n)
	return n, doing("counting held deletions", err)
}

// SweptPage is the result of one page of a sweep.
type SweptPage struct {
	Sweep  Sweep   // before the page
	Cursor string  // of the next page
	Seen   []int64 // items
	Counts SweepCounts
	Found  []FoundDifference
}

// LastSwept returns when the last sweep that saw all of a board's recent changes began; nil: there was none.
func (s *Store) LastSwept(ctx context.Context, boardID int64) (at *time.Time, err error) {
	const query = `
		SELECT max(started_at) FROM sweeps WHERE board_id = $1 AND state = 'done' AND NOT options ?| '{items,planned}'`
	err = s.pool.QueryRow(ctx, query, boardID).Scan(&at)
	return at, doing("looking for the last sweep", err)
}

// markSwept locks the items in the order of their ids, so that it cannot deadlock with the batches that save them.
const markSwept = `
	WITH seen AS MATERIALIZED (SELECT item_id FROM items WHERE item_id = ANY($2) ORDER BY item_id FOR UPDATE)
	UPDATE items i SET swept = $1 FROM seen WHERE i.item_id = seen.item_id`

// SaveSweptPage advances a sweep, and runs also in the same transaction. It fails if another process has advanced the
// sweep meanwhile.
func (s *Store) SaveSweptPage(ctx context.Context, p SweptPage, also func(ctx context.Context, tx pgx.Tx) error) error {
	const move = `
		UPDATE sweeps
		SET    pages = pages + 1, cursor = $3, items = items + $4, fields = fields + $5, differing = differing + $6,
		       written = written + $7, ended = ended + $8, busy = busy + $9, skipped = skipped + $10, rejected = rejected + $11
		WHERE  id = $1 AND pages = $2 AND state = 'running'`
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		n := p.Counts
		tag, err := tx.Exec(ctx, move, p.Sweep.ID, p.Sweep.Pages, p.Cursor, n.Items, n.Fields, n.Differing, n.Written,
			n.Ended, n.Busy, n.Skipped, n.Rejected)
		if err == nil && tag.RowsAffected() == 0 {
			return ErrOvertaken
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, markSwept, p.Sweep.ID, p.Seen); err != nil {
			return err
		}
		rows := make([][]any, len(p.Found))
		for n, d := range p.Found {
			rows[n] = []any{p.Sweep.ID, p.Sweep.BoardID, d.ItemID, d.Record, d.Object, d.SalesforceID, d.Field, d.Kind, d.Code,
				d.Action}
		}
		columns := []string{"run_id", "board_id", "item_id", "record", "object", "salesforce_id", "field", "kind", "code",
			"action"}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"differences"}, columns, pgx.CopyFromRows(rows)); err != nil {
			return err
		}
		return also(ctx, tx)
	})
	if errors.Is(err, ErrOvertaken) {
		return ErrOvertaken
	}
	return doing("saving a page of a sweep", err)
}

// RestartSweep starts a sweep again from the first page, because its cursor has expired. What it found so far is
// found again.
func (s *Store) RestartSweep(ctx context.Context, id int64) error {
	const query = `
		WITH forgotten AS (DELETE FROM differences WHERE run_id = $1)
		UPDATE sweeps
		SET    pages = 0, cursor = '', items = 0, fields = 0, differing = 0, written = 0, rejected = 0, ended = 0, busy = 0, skipped = 0
		WHERE  id = $1 AND state = 'running'`
	_, err := s.pool.Exec(ctx, query, id)
	return doing("restarting a sweep", err)
}

// FinishSweep ends a sweep, together with the log of its job.
func (s *Store) FinishSweep(ctx context.Context, id int64, job JobEnd) error {
	batch := &pgx.Batch{}
	batch.Queue(finishSweep, id)
	batch.Queue(logSweepEnd, id, job.ID, job.Kind, job.Attempt, job.CreatedAt)
	return doing("finishing a sweep", s.pool.SendBatch(ctx, batch).Close())
}

// FailSweep ends a sweep that failed.
func (s *Store) FailSweep(ctx context.Context, id int64, reason string) error {
	const query = `UPDATE sweeps SET state = 'failed', finished_at = now(), error = $2 WHERE id = $1 AND state = 'running'`
	_, err := s.pool.Exec(ctx, query, id, reason)
	return doing("finishing a sweep", err)
}

// JobEnd is the successful end of a job that is not an event of Monday.
type JobEnd struct {
	ID        int64
	Kind      string
	BoardID   int64
	Attempt   int
	CreatedAt time.Time
}

// LogJobEnd logs the end of such a job.
func (s *Store) LogJobEnd(ctx context.Context, job JobEnd) error {
	_, err := s.pool.Exec(ctx, logJobEnd, job.ID, job.Kind, null(job.BoardID), job.Attempt, job.CreatedAt)
	return doing("logging the end of a job", err)
}

// logSweepEnd stores the end of a sweep's job, with how much the sweep found.
const logSweepEnd = `
	INSERT INTO sync_logs (job_id, event, board_id, status, attempt, response_data, received_at)
	SELECT $2, $3, board_id, 'success', $4, jsonb_build_object('differing', differing, 'written', written), $5
	FROM   sweeps
	WHERE  id = $1
	ON CONFLICT (job_id) DO NOTHING`

// isEvent is the condition that a row of sync_logs is the end of an event: comparisons of boards are also logged
// there.
const isEvent = `event NOT IN ('sweep_board', 'reconcile')`

const logJobEnd = `
	INSERT INTO sync_logs (job_id, event, board_id, status, attempt, received_at)
	VALUES ($1, $2, $3, 'success', $4, $5)
	ON CONFLICT (job_id) DO NOTHING`

// isOnBoard is the SQL condition of an item that is on a board as far as is known. One of which little is known counts
// too if it has records, or may have some since the answer to their creation was lost.
const isOnBoard = `board_id = $1 AND deleted_at IS NULL
		AND    (known OR suppressed_at IS NULL AND EXISTS (SELECT FROM links l WHERE l.item_id = items.item_id))`

// Unswept returns the items known to be on the sweep's board before it began, but missing from its pages.
func (s *Store) Unswept(ctx context.Context, w Sweep) ([]int64, error) {
	const query = `
		SELECT item_id FROM items
		WHERE  ` + isOnBoard + ` AND swept IS DISTINCT FROM $2 AND seen_at < $3
		AND    ($4::bigint[] IS NULL OR item_id = ANY($4))
		ORDER  BY item_id`
	return s.itemIDs(ctx, query, w.BoardID, w.ID, w.StartedAt, orNull(w.Options.Items))
}

// AliveItems returns the items known to be on a board; if only is not empty, just those in it.
func (s *Store) AliveItems(ctx context.Context, boardID int64, only []int64) ([]int64, error) {
	const query = `
		SELECT item_id FROM items
		WHERE  ` + isOnBoard + ` AND ($2::bigint[] IS NULL OR item_id = ANY($2))
		ORDER  BY item_id`
	return s.itemIDs(ctx, query, boardID, orNull(only))
}

func (s *Store) itemIDs(ctx context.Context, query string, args ...any) ([]int64, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, doing("reading the items of a board", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	return ids, doing("reading the items of a board", err)
}

// ReleaseAhead lets the records of items that are about to end pass the brake, in the transaction.
func (s *Store) ReleaseAhead(ctx context.Context, tx pgx.Tx, boardID int64, items []int64, who string) error {
	const query = `
		INSERT INTO deletions (item_id, board_id, state, decided_at, decided_by)
		SELECT item_id, $1, 'released', now(), $3 FROM unnest($2::bigint[]) AS w(item_id)
		ON CONFLICT (item_id) DO UPDATE SET state = 'released', decided_at = now(), decided_by = excluded.decided_by`
	_, err := tx.Exec(ctx, query, boardID, items, who)
	return doing("releasing deletions", err)
}

// orNull returns nil, which Postgres takes as NULL, for an empty list.
func orNull(ids []int64) []int64 {
	if len(ids) == 0 {
		return nil
	}
	return ids
}
