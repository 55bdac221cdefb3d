package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// AddInForce records ways back, by fingerprint, that are in force although no plan was made with them: they were so from
// a board's first day, or before plans were recorded.
func (s *Store) AddInForce(ctx context.Context, fingerprints []string) error {
	const query = `INSERT INTO planned_mappings (fingerprint) SELECT unnest($1::text[]) ON CONFLICT (fingerprint) DO NOTHING`
	_, err := s.pool.Exec(ctx, query, fingerprints)
	return doing("recording the ways back in force", err)
}

// BoardMappings returns by which fingerprints the items of each board were last compared. A board that is missing is
// new.
func (s *Store) BoardMappings(ctx context.Context) (map[int64]map[string]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT board_id, mapped FROM board_mappings`)
	if err != nil {
		return nil, doing("reading the mappings of the boards", err)
	}
	all := map[int64]map[string]string{}
	var board int64
	var mapped map[string]string
	_, err = pgx.ForEachRow(rows, []any{&board, &mapped}, func() error {
		all[board], mapped = mapped, nil
		return nil
	})
	return all, doing("reading the mappings of the boards", err)
}

// AddPlanned records that a plan was made with these ways back, each identified by a fingerprint.
func (s *Store) AddPlanned(ctx context.Context, fingerprints []string) error {
	const query = `
		INSERT INTO planned_mappings (fingerprint) SELECT unnest($1::text[])
		ON CONFLICT (fingerprint) DO UPDATE SET planned_at = now()`
	_, err := s.pool.Exec(ctx, query, fingerprints)
	return doing("recording a plan", err)
}

// Unplanned returns the ways back with which no plan has been made.
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
