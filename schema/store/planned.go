package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// AddPlanned records that a plan was made with these two-way directions, each identified by a fingerprint.
func (s *Store) AddPlanned(ctx context.Context, fingerprints []string) error {
	const query = `
		INSERT INTO planned_mappings (fingerprint) SELECT unnest($1::text[])
		ON CONFLICT (fingerprint) DO UPDATE SET planned_at = now()`
	_, err := s.pool.Exec(ctx, query, fingerprints)
	return doing("recording a plan", err)
}

// Unplanned returns the directions with which no plan has been made.
func (s *Store) Unplanned(ctx context.Context, fingerprints []string) ([]string, error) {
	const query = `
		SELECT f FROM unnest($1::text[]) AS w(f)
		WHERE  NOT EXISTS (SELECT FROM planned_mappings p WHERE p.fingerprint = f)`
	rows, err := s.pool.Query(ctx, query, fingerprints)
	if err != nil {
		return nil, doing("looking for plans", err)
	}
	unplanned, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return unplanned, doing("looking for plans", err)
}
