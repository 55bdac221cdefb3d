package store

import (
	"context"
	"fmt"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
)

// Claim leases items to the holder for the given time, by the database's clock, and returns those it got, by id.
// Unknown items are added. Items leased by another holder are not returned, nor are those that another transaction is
// writing: a claim waits for no known item, and so can deadlock with nobody.
func (s *Store) Claim(ctx context.Context, holder uuid.UUID, items []ledger.Ref,
	lease time.Duration) (map[int64]*ledger.Item, error) {
	const claim = `
		WITH free AS MATERIALIZED (
			SELECT item_id FROM items
			WHERE  item_id = ANY($2) AND (lease_until IS NULL OR lease_until < now())
			FOR    UPDATE SKIP LOCKED
		)
		UPDATE items AS i
		SET    lease_holder = $1, lease_until = now() + $3::interval, abandoned = i.lease_until IS NOT NULL
		FROM   free
		WHERE  i.item_id = free.item_id
		RETURNING ` + itemColumns + `, i.abandoned`
	ids := make([]int64, len(items))
	for n, item := range items {
		ids[n] = item.ItemID
	}
	claimed := make(map[int64]*ledger.Item, len(items))
	batch := &pgx.Batch{}
	batch.Queue(claim, holder, ids, lease).Query(collectItems(claimed))
	batch.Queue(linksOfItems, ids).Query(collectLinks(claimed))
	err := s.pool.SendBatch(ctx, batch).Close()
	if err == nil && len(claimed) < len(items) {
		err = s.claimUnknown(ctx, holder, items, lease, claimed)
	}
	if err != nil {
		return nil, doing(fmt.Sprintf("claiming %d items", len(items)), err)
	}
	return claimed, nil
}

// claimUnknown adds those of the items that are not known, leased to the holder.
func (s *Store) claimUnknown(ctx context.Context, holder uuid.UUID, items []ledger.Ref, lease time.Duration,
	claimed map[int64]*ledger.Item) error {
	// Rows are inserted in the order of their ids, so that two claims that add the same items cannot deadlock.
	const add = `
		INSERT INTO items AS i (item_id, board_id, lease_holder, lease_until)
		SELECT w.item_id, w.board_id, $1, now() + $4::interval
		FROM   unnest($2::bigint[], $3::bigint[]) AS w(item_id, board_id)
		WHERE  NOT EXISTS (SELECT FROM items k WHERE k.item_id = w.item_id)
		ORDER  BY w.item_id
		ON CONFLICT DO NOTHING
		RETURNING ` + itemColumns + `, i.abandoned`
	var ids, boards []int64
	for _, item := range items {
		if claimed[item.ItemID] == nil {
			ids, boards = append(ids, item.ItemID), append(boards, item.BoardID)
		}
	}
	rows, err := s.pool.Query(ctx, add, holder, ids, boards, lease)
	if err != nil {
		return err
	}
	return collectItems(claimed)(rows)
}

// Leased returns which of the items are leased.
func (s *Store) Leased(ctx context.Context, items []int64) (map[int64]bool, error) {
	const query = `SELECT item_id FROM items WHERE item_id = ANY($1) AND lease_until >= now()`
	rows, err := s.pool.Query(ctx, query, items)
	if err != nil {
		return nil, doing("reading leases", err)
	}
	leased := map[int64]bool{}
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		leased[id] = true
		return nil
	})
	return leased, doing("reading leases", err)
}

// Known returns the known items among items, by id, without a lease.
func (s *Store) Known(ctx context.Context, items []ledger.Ref) (map[int64]*ledger.Item, error) {
	const query = `
		SELECT ` + itemColumns + `, false
		FROM   items i
		WHERE  i.item_id = ANY($1)`
	ids := make([]int64, len(items))
	for n, item := range items {
		ids[n] = item.ItemID
	}
	known := make(map[int64]*ledger.Item, len(items))
	batch := &pgx.Batch{}
	batch.Queue(query, ids).Query(collectItems(known))
	batch.Queue(linksOfItems, ids).Query(collectLinks(known))
	return known, doing(fmt.Sprintf("reading items (%d)", len(items)), s.pool.SendBatch(ctx, batch).Close())
}

func collectItems(into map[int64]*ledger.Item) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, scanItem)
		for _, item := range found {
			into[item.ID] = item
		}
		return err
	}
}

// collectLinks adds links to existing items.
func collectLinks(into map[int64]*ledger.Item) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, scanLink)
		for _, link := range found {
			if item := into[link.ItemID]; item != nil {
				item.Links[link.Record] = link
			}
		}
		return err
	}
}

const linksOfItems = `
	SELECT item_id, record, object, salesforce_id, written, refused, ended_id, since, closed, origin, mapped, held, turns, doubts
	FROM   links
	WHERE  item_id = ANY($1)`

// itemColumns are the columns that scanItem reads, before whether the item was abandoned.
const itemColumns = `i.item_id, i.board_id, i.name, i.name_at, i.name_own, i.columns, i.known, i.deleted_at, i.existence_at, i.seen_at,
	i.suppressed_at IS NOT NULL`

// Release ends leases without changing the items, which count as abandoned.
func (s *Store) Release(ctx context.Context, holder uuid.UUID, ids []int64) error {
	const query = `
		WITH held AS MATERIALIZED (
			SELECT item_id FROM items WHERE item_id = ANY($2) AND lease_holder = $1 ORDER BY item_id FOR UPDATE
		)
		UPDATE items i SET lease_until = '-infinity' FROM held WHERE i.item_id = held.item_id`
	_, err := s.pool.Exec(ctx, query, holder, ids)
	return doing("releasing items", err)
}

func scanItem(row pgx.CollectableRow) (*ledger.Item, error) {
	item := &ledger.Item{Links: map[string]*ledger.Link{}}
	var columns []byte
	var named, deleted, existence *time.Time
	err := row.Scan(&item.ID, &item.BoardID, &item.Name, &named, &item.NameOwn, &columns, &item.Known, &deleted,
		&existence, &item.SeenAt,
		&item.Suppressed, &item.Abandoned)
	if err != nil {
		return nil, err
	}
	item.NameAt, item.DeletedAt, item.ExistenceAt = value(named), value(deleted), value(existence)
	var stored map[string]ledger.Column
	if err := jsonv2.Unmarshal(columns, &stored); err != nil {
		return nil, fmt.Errorf("reading the columns of item %d: %w", item.ID, err)
	}
	item.ReadColumns(stored)
	item.Keys = item.SearchKeys()
	return item, nil
}

// value returns what p points to, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// null returns nil, for NULL, if v is the zero value.
func null[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
