package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Lease leases keys to the holder, by the database's clock, and returns those it got. A key stays leased until it is
// freed (by Save or Free) or its time is over.
func (s *Store) Lease(ctx context.Context, holder uuid.UUID, keys []string, lease time.Duration) ([]string, error) {
	const query = `
		INSERT INTO leases AS l (key, lease_holder, lease_until)
		SELECT DISTINCT w.key, $1::uuid, now() + $3::interval FROM unnest($2::text[]) AS w(key)
		ORDER  BY w.key
		ON CONFLICT (key) DO UPDATE
		SET    lease_holder = excluded.lease_holder, lease_until = excluded.lease_until
		WHERE  l.lease_until < now() OR l.lease_holder = excluded.lease_holder
		RETURNING l.key`
	rows, err := s.pool.Query(ctx, query, holder, keys, lease)
	if err != nil {
		return nil, doing("leasing keys", err)
	}
	held, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return held, doing("leasing keys", err)
}

// Free ends leases on keys early.
func (s *Store) Free(ctx context.Context, holder uuid.UUID, keys []string) error {
	const query = `DELETE FROM leases WHERE key = ANY($2) AND lease_holder = $1`
	_, err := s.pool.Exec(ctx, query, holder, keys)
	return doing("freeing keys", err)
}

// Renew extends the leases that a holder has on keys, and on these items.
func (s *Store) Renew(ctx context.Context, holder uuid.UUID, items []int64, lease time.Duration) error {
	const renewItems = `
		WITH held AS (
			SELECT item_id FROM items WHERE item_id = ANY($2) AND lease_holder = $1 AND lease_until > now() ORDER BY item_id FOR UPDATE
		)
		UPDATE items i SET lease_until = now() + $3::interval FROM held WHERE i.item_id = held.item_id`
	const renewKeys = `
		WITH held AS (SELECT key FROM leases WHERE lease_holder = $1 AND lease_until > now() ORDER BY key FOR UPDATE)
		UPDATE leases l SET lease_until = now() + $2::interval FROM held WHERE l.key = held.key`
	batch := &pgx.Batch{}
	batch.Queue(renewItems, holder, items, lease)
	batch.Queue(renewKeys, holder, lease)
	return doing("renewing leases", s.pool.SendBatch(ctx, batch).Close())
}
