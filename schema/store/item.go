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
// Unknown items are added. Items leased by another holder are not returned.
func (s *Store) Claim(ctx context.Context, holder uuid.UUID, items []ledger.Ref,
	lease time.Duration) (map[int64]*ledger.Item, error) {
	// Rows are locked in the order of their ids, so that two claims cannot deadlock.
	const claim = `
		INSERT INTO items AS i (item_id, board_id, lease_holder, lease_until)
		SELECT w.item_id, w.board_id, $1, now() + $4::interval
		FROM   unnest($2::bigint[], $3::bigint[]) AS w(item_id, board_id)
		ORDER  BY w.item_id
		ON CONFLICT (item_id) DO UPDATE
		SET    lease_holder = excluded.lease_holder, lease_until = excluded.lease_until, abandoned = i.lease_until IS NOT NULL
		WHERE  i.lease_until IS NULL OR i.lease_until < now()
		RETURNING i.item_id, i.board_id, i.name, i.name_at, i.name_own, i.columns, i.known, i.deleted_at, i.existence_at, i.seen_at, i.suppressed_at IS NOT NULL,
		          i.abandoned`
	ids, boards := make([]int64, len(items)), make([]int64, len(items))
	for n, item := range items {
		ids[n], boards[n] = item.ItemID, item.BoardID
	}
	claimed := make(map[int64]*ledger.Item, len(items))
	batch := &pgx.Batch{}
	batch.Queue(claim, holder, ids, boards, lease).Query(collectItems(claimed))
	batch.Queue(linksOfItems, ids).Query(collectLinks(claimed))
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, doing(fmt.Sprintf("claiming %d items", len(items)), err)
	}
	return claimed, nil
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
		SELECT item_id, board_id, name, name_at, name_own, columns, known, deleted_at, existence_at, seen_at, suppressed_at IS NOT NULL, false
		FROM   items
		WHERE  item_id = ANY($1)`
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

// Release ends leases without changing the items, which count as abandoned.
func (s *Store) Release(ctx context.Context, holder uuid.UUID, ids []int64) error {
	const query = `
		UPDATE items SET lease_until = '-infinity'
		WHERE  item_id = ANY($2) AND lease_holder = $1`
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
