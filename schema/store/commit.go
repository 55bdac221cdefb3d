package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"crmsync/schema/ledger"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// waitsLock is the advisory lock under which waits and the records they wait for are committed, so that neither can
// miss the other.
const waitsLock = 0x7761697473 // "waits"

// Commit is everything that a batch has to save.
type Commit struct {
	Items    []ItemChange
	Links    []*ledger.Link // those that changed
	Logs     []Log          // the ends of events
	Waits    []Wait         // references that could not be filled in yet
	Appeared bool           // Links contains records that other items may wait for
	Keys     []string       // leases on keys to free
	Taken    []int64        // conflicts whose chosen value is now on both sides
	Dropped  []int64        // conflicts whose chosen value cannot be written any more

	// Requeue queues a resync of each item in the transaction. It is called when a wait is over.
	Requeue func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error
}

// ItemChange is an item whose lease ends, and what is now known of it.
type ItemChange struct {
	*ledger.Item
	Changed bool          // name, columns, board or existence changed
	HoldFor time.Duration // how much longer the lease lasts, because a call may still take effect; 0: it ends
	Left    bool          // the doubt left by a dead holder remains: the next holder finds the item abandoned
}

// Wait is an item with a reference to a record that does not exist yet.
type Wait struct {
	ledger.Ref
	Target ledger.RecordRef
}

// Log is the end of an event.
type Log struct {
	JobID      int64
	Event      string
	BoardID    int64
	ItemID     int64
	ColumnID   string // empty if the event does not concern one column
	Status     string // success, unchanged, skipped, failed
	Attempt    int
	Response   any // JSON object: records written, fields, reason
	ReceivedAt time.Time
	Unclaimed  bool // the item does not belong to the commit
}

// Save commits a batch in one transaction and ends its leases. It returns the items whose lease the holder had lost:
// nothing is written for them.
func (s *Store) Save(ctx context.Context, holder uuid.UUID, c Commit) (lost []int64, err error) {
	args, err := c.args(holder)
	if err != nil {
		return nil, err
	}
	var saved []int64
	if len(c.Waits) == 0 && !c.Appeared {
		saved, err = save(ctx, s.pool, args)
		return c.lost(saved), doing("saving a batch", err)
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", waitsLock); err != nil {
			return err
		}
		if saved, err = save(ctx, tx, args); err != nil {
			return err
		}
		return c.settleWaits(ctx, tx)
	})
	return c.lost(saved), doing("saving a batch", err)
}

// Do runs a function in a transaction.
func (s *Store) Do(ctx context.Context, f func(tx pgx.Tx) error) error {
	return doing("running a transaction", pgx.BeginFunc(ctx, s.pool, f))
}

type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// save saves everything but the waits, and returns the items that were saved.
func save(ctx context.Context, db querier, args pgx.NamedArgs) ([]int64, error) {
	rows, err := db.Query(ctx, saveBatch, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// settleWaits adds the batch's waits, and ends those whose record now exists, each with a resync of its item.
func (c Commit) settleWaits(ctx context.Context, tx pgx.Tx) error {
	const add = `
		INSERT INTO waits (item_id, board_id, target_item_id, target_record)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
		ON CONFLICT DO NOTHING`
	const end = `
		DELETE FROM waits w
		USING  links l
		WHERE  w.target_item_id = ANY($1)
		AND    l.item_id = w.target_item_id AND l.record = w.target_record AND l.salesforce_id IS NOT NULL
		RETURNING w.board_id, w.item_id`
	var items, boards, targets []int64
	var records []string
	for _, wait := range c.Waits {
		items, boards = append(items, wait.ItemID), append(boards, wait.BoardID)
		targets, records = append(targets, wait.Target.ItemID), append(records, wait.Target.Record)
	}
	if len(items) > 0 {
		if _, err := tx.Exec(ctx, add, items, boards, targets, records); err != nil {
			return err
		}
	}
	if c.Appeared {
		for _, link := range c.Links {
			targets = append(targets, link.ItemID)
		}
	}
	if len(targets) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, end, targets)
	if err != nil {
		return err
	}
	over, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ledger.Ref])
	if err != nil || len(over) == 0 {
		return err
	}
	slices.SortFunc(over, func(a, b ledger.Ref) int { return cmp.Compare(a.ItemID, b.ItemID) })
	return c.Requeue(ctx, tx, slices.Compact(over))
}

// lost returns the items that were not saved.
func (c Commit) lost(saved []int64) (lost []int64) {
	if len(saved) == len(c.Items) {
		return nil
	}
	isSaved := make(map[int64]bool, len(saved))
	for _, id := range saved {
		isSaved[id] = true
	}
	for _, item := range c.Items {
		if !isSaved[item.ID] {
			lost = append(lost, item.ID)
		}
	}
	return lost
}
