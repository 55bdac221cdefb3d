package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Applied returns the newest migration of ours and of River's that the database has; 0: none.
func (s *Store) Applied(ctx context.Context) (own, river int64, err error) {
	for table, query := range map[string]string{
		"goose_db_version": `SELECT coalesce(max(version_id) FILTER (WHERE is_applied), 0) FROM goose_db_version`,
		"river_migration":  `SELECT coalesce(max(version), 0) FROM river_migration`,
	} {
		var exists bool
		if err := s.pool.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, table).Scan(&exists); err != nil {
			return 0, 0, doing("looking for the schema", err)
		}
		if !exists {
			continue
		}
		into := &own
		if table == "river_migration" {
			into = &river
		}
		if err := s.pool.QueryRow(ctx, query).Scan(into); err != nil {
			return 0, 0, doing("reading the version of the schema", err)
		}
	}
	return own, river, nil
}

// Forbidden returns the tables of the schema, ours and River's, that the role may not read and write. The table of
// migrations only has to be readable.
func (s *Store) Forbidden(ctx context.Context) ([]string, error) {
	const query = `
		SELECT relname::text
		FROM   pg_class
		WHERE  relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
		AND    NOT (has_table_privilege(oid, 'SELECT') AND (relname IN ('goose_db_version', 'river_migration')
		            OR has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')
		               AND has_table_privilege(oid, 'DELETE')))
		ORDER  BY relname`
	rows, err := s.pool.Query(ctx, query)
	if err != nil {
		return nil, doing("reading the role's rights", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return tables, doing("reading the role's rights", err)
}
