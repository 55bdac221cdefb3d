package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
)

// brakeLock is the first key of the advisory lock under which the deletions of one board are counted.
const brakeLock = 0x6272616b // "brak"

// Brake is how many items of a board may end within some time before a person is asked.
type Brake struct {
	Deletes int           // so many always may
	Percent int           // and this share of the board's items
	Within  time.Duration // counted over this time
}

// Hold is what the brake holds for a board.
type Hold struct {
	BoardID  int64
	Items    []int64
	Since    time.Time
	Archives []int64 // those of the items that would be archived; the records of the others would be deleted
}

// Decided is an item that a person decided about.
type Decided struct {
	ledger.Ref
	Archive bool // the item would be archived; otherwise its records would be deleted
}

// Archives returns how many of the items would be archived.
func Archives(decided []Decided) (n int) {
	for _, d := range decided {
		if d.Archive {
			n++
		}
	}
	return n
}

// decideDeletions determines for each item whether its records may be deleted.
const decideDeletions = `
		WITH wanted AS (
			SELECT w.item_id, w.n, d.state
			FROM   unnest($2::bigint[]) WITH ORDINALITY AS w(item_id, n)
			LEFT   JOIN deletions d USING (item_id)
		), room AS (
			SELECT greatest($3::int, $4::int * (SELECT count(*) FROM items WHERE board_id = $1 AND deleted_at IS NULL) / 100)
			     - (SELECT count(*) FROM deletions
			        WHERE board_id = $1 AND state = 'done' AND at > now() - $5::interval AND item_id <> ALL($2)) AS n,
			       EXISTS (SELECT FROM deletions WHERE board_id = $1 AND state = 'held' AND item_id <> ALL($2)) AS braked
		), decided AS (
			SELECT w.item_id, CASE
			       WHEN w.state IN ('released', 'held', 'dropped') THEN w.state
			       WHEN NOT room.braked AND row_number() OVER (PARTITION BY coalesce(w.state, 'done') ORDER BY w.n) <= room.n THEN 'done'
			       ELSE 'held' END AS state
			FROM   wanted w, room
		)`

// WouldAdmit returns the items that Admit would return now. It changes nothing.
func (s *Store) WouldAdmit(ctx context.Context, boardID int64, items []int64, b Brake) ([]int64, error) {
	const query = decideDeletions + ` SELECT item_id FROM decided WHERE state IN ('done', 'released')`
	return s.itemIDs(ctx, query, boardID, items, b.Deletes, b.Percent, b.Within)
}

// Admit counts the end of items of one board, and returns those whose records may be deleted, or that may be archived,
// now. The others are held until a person decides. While any is held, every further one of the board is held, too.
// Released ones may proceed, dropped ones may not.
func (s *Store) Admit(ctx context.Context, boardID int64, items []int64, archive bool, b Brake) (admitted []int64, err error) {
	const query = decideDeletions + `, kept AS (
			INSERT INTO deletions AS d (item_id, board_id, archive, state)
			SELECT item_id, $1, $6, CASE state WHEN 'released' THEN 'done' ELSE state END FROM decided
			ON CONFLICT (item_id) DO UPDATE
			SET    state = excluded.state, board_id = excluded.board_id, archive = excluded.archive,
			       at = CASE WHEN d.state = excluded.state THEN d.at ELSE now() END
		)
		SELECT item_id FROM decided WHERE state IN ('done', 'released')`
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, hashint8($2))", brakeLock, boardID); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, query, boardID, items, b.Deletes, b.Percent, b.Within, archive)
		if err != nil {
			return err
		}
		admitted, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	return admitted, doing("counting deletions", err)
}

// ForgetDeletions discards the ends of items that have been restored.
func (s *Store) ForgetDeletions(ctx context.Context, items []int64) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM deletions WHERE item_id = ANY($1)`, items)
	return doing("forgetting deletions", err)
}

// ForgetArchives discards decisions about archiving items whose records have been restored. What was archived still
// counts.
func (s *Store) ForgetArchives(ctx context.Context, items []int64) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM deletions WHERE item_id = ANY($1) AND archive AND state <> 'done'`, items)
	return doing("forgetting archivings", err)
}

// Holds returns what the brake holds, by board.
func (s *Store) Holds(ctx context.Context) ([]Hold, error) {
	const query = `
		SELECT board_id, array_agg(item_id ORDER BY at, item_id), min(at),
		       coalesce(array_agg(item_id ORDER BY at, item_id) FILTER (WHERE archive), '{}')
		FROM   deletions WHERE state = 'held'
		GROUP  BY board_id ORDER BY board_id`
	rows, err := s.pool.Query(ctx, query)
	if err != nil {
		return nil, doing("reading held deletions", err)
	}
	holds, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Hold])
	return holds, doing("reading held deletions", err)
}

// Requeue queues a resync of each item in the transaction.
type Requeue func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error

// Decision is what a person decides about items that the brake holds.
type Decision struct {
	By      By
	Act     string  // ActRelease or ActDrop
	BoardID int64   // 0: any
	Items   []int64 // nil: all that are held
}

// Decide ends holds, and returns the items that it decided about. Released items are passed to requeue in the
// transaction: their records are deleted once Monday has confirmed the items' end again, or the items are archived once
// Salesforce has confirmed the records' end. Dropped items and their records stay as they are.
func (s *Store) Decide(ctx context.Context, d Decision, requeue Requeue) (decided []Decided, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		decided, err = s.DecideIn(ctx, tx, d, requeue)
		return err
	})
	return decided, err
}

// DecideIn is Decide within a transaction.
func (s *Store) DecideIn(ctx context.Context, tx pgx.Tx, d Decision, requeue Requeue) (decided []Decided, err error) {
	const query = `
		UPDATE deletions
		SET    state = CASE WHEN $1 THEN 'released' ELSE 'dropped' END, decided_at = now(), decided_by = $4
		WHERE  state = 'held' AND ($2::bigint = 0 OR board_id = $2) AND ($3::bigint[] IS NULL OR item_id = ANY($3))
		RETURNING board_id, item_id, archive`
	releases := d.Act == ActRelease
	rows, err := tx.Query(ctx, query, releases, d.BoardID, d.Items, d.By.Actor)
	if err != nil {
		return nil, doing("deciding about held deletions", err)
	}
	decided, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Decided])
	if err != nil || len(decided) == 0 {
		return nil, doing("deciding about held deletions", err)
	}
	refs := make([]ledger.Ref, len(decided))
	ids := make([]int64, len(decided))
	for n, item := range decided {
		refs[n], ids[n] = item.Ref, item.ItemID
	}
	err = RecordOperation(ctx, tx, Operation{By: d.By, Act: d.Act, Subject: Subject("item", ids), Items: ids})
	if err == nil && releases {
		err = requeue(ctx, tx, refs)
	}
	return decided, doing("deciding about held deletions", err)
}

// HeldDeletions returns the items of a board whose records the brake keeps from being deleted; if only is not empty,
// just those among them.
func (s *Store) HeldDeletions(ctx context.Context, boardID int64, only []int64) ([]int64, error) {
	const query = `
		SELECT item_id FROM deletions
		WHERE  board_id = $1 AND state = 'held' AND NOT archive AND ($2::bigint[] IS NULL OR item_id = ANY($2))
		ORDER  BY item_id`
	return s.itemIDs(ctx, query, boardID, orNull(only))
}
