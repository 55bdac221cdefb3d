// Package store keeps crmsync's state in Postgres, in its own tables. Package queue has the statements on River's
// table.
//
// Statements take and return sets: a batch of items is one statement, whatever its size.
package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/postgres"
)

// Store runs statements on a pool of connections. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
}

// New returns a store on the pool, which stays the caller's to close.
func New(pool *pgxpool.Pool) *Store {
	return &Store{pool: pool}
}

// Ping reports whether Postgres answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.pool.Ping(ctx)
}

// Now returns the time by Postgres's clock. All times in the store are by this clock.
func (s *Store) Now(ctx context.Context) (now time.Time, err error) {
	err = s.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now)
	return now, doing("asking Postgres for the time", err)
}

// ErrOldSchema means that the schema has to be migrated first.
var ErrOldSchema = postgres.ErrOldSchema

// doing adds to an error what was being done.
func doing(what string, err error) error { return postgres.Wrap(what, err) }
