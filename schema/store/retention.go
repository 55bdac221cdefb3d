package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// forgetSize is how many rows one statement deletes: few enough not to block others.
const forgetSize = 2000

// Forget deletes what ended before a time: sync and error logs, replayed and closed dead letters, outages, acts of
// people, and abandoned calls of migrations. It works in small statements and returns the number of deleted rows; when ctx ends
// it stops.
func (s *Store) Forget(ctx context.Context, before time.Time) (deleted int64, err error) {
	statements := []string{
		`DELETE FROM sync_logs WHERE job_id IN (SELECT job_id FROM sync_logs WHERE finished_at < $1 LIMIT $2)`,
		`DELETE FROM sync_log_history WHERE id IN (SELECT id FROM sync_log_history WHERE finished_at < $1 LIMIT $2)`,
		`DELETE FROM error_logs WHERE id IN (SELECT id FROM error_logs WHERE created_at < $1 LIMIT $2)`,
		`DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE replayed_at < $1 OR closed_at < $1 LIMIT $2)`,
		`DELETE FROM outages WHERE id IN (SELECT id FROM outages WHERE ended_at < $1 AND ended_alert_at IS NOT NULL LIMIT $2)`,
		`DELETE FROM causes WHERE cause_id IN (SELECT cause_id FROM causes WHERE closed_at < $1 LIMIT $2)`,
		`DELETE FROM alert_deliveries WHERE ctid IN (
			SELECT a.ctid FROM alert_deliveries a
			WHERE  a.delivered_at < $1 AND (a.kind <> 'digest' OR a.delivered_at < now() - interval '8 days')
			AND    NOT EXISTS (SELECT FROM dead_letters d WHERE a.kind = 'letter' AND d.id::text = a.subject AND ` + isOpen + `)
			AND    NOT EXISTS (SELECT FROM causes c WHERE a.kind = 'cause' AND c.cause_id = a.subject AND c.closed_at IS NULL)
			AND    NOT EXISTS (SELECT FROM outages o WHERE a.kind = 'outage' AND o.id::text = a.subject AND o.ended_at IS NULL)
			LIMIT  $2)`,
		`DELETE FROM alert_channels WHERE ctid IN (SELECT ctid FROM alert_channels WHERE seen_at < $1 LIMIT $2)`,
		`DELETE FROM migration_documents WHERE key IN (SELECT key FROM migration_documents WHERE sent_at < $1 LIMIT $2)`,
		`DELETE FROM differences WHERE ctid IN (SELECT ctid FROM differences WHERE found_at < $1 LIMIT $2)`,
		`DELETE FROM sweeps WHERE id IN (SELECT id FROM sweeps WHERE finished_at < $1 LIMIT $2)`,
		`DELETE FROM deletions WHERE item_id IN (SELECT item_id FROM deletions WHERE at < $1 AND state <> 'held' LIMIT $2)`,
		`DELETE FROM operations WHERE id IN (SELECT id FROM operations WHERE at < $1 LIMIT $2)`,
		`DELETE FROM conflicts WHERE id IN (SELECT id FROM conflicts WHERE decided_at < $1 LIMIT $2)`,
		`DELETE FROM hours WHERE hour IN (SELECT hour FROM hours WHERE hour < $1 LIMIT $2)`,
		`DELETE FROM leases WHERE key IN (SELECT key FROM leases WHERE lease_until < $1 LIMIT $2)`,
	}
	for _, statement := range statements {
		for {
			tag, err := s.pool.Exec(ctx, statement, before, forgetSize)
			if err != nil {
				return deleted, doing("deleting old logs", err)
			}
			deleted += tag.RowsAffected()
			if tag.RowsAffected() < forgetSize {
				break
			}
		}
	}
	return deleted, nil
}

// Erased counts the rows that contained values of an erased item.
type Erased struct{ Items, Links, Letters, Documents, Conflicts int64 }

// Erase removes an item's values from the store: names, columns, written and rejected values, and the contents of its
// dead letters. Ids and outcomes remain. A migration's call that creates the item and has no known answer loses its
// values too.
func (s *Store) Erase(ctx context.Context, tx pgx.Tx, item int64) (e Erased, err error) {
	const query = `
		WITH erased_items AS (
			UPDATE items SET name = '', name_at = NULL, columns = '{}', known = false WHERE item_id = $1 RETURNING 1
		), erased_links AS (
			UPDATE links SET written = '{}', refused = '{}', since = '{}', mapped = '{}', held = '{}', turns = '{}' WHERE item_id = $1 RETURNING 1
		), erased_letters AS (
			UPDATE dead_letters
			SET    args = args - 'value' - 'name' || jsonb_build_object('redelivered', true, 'changed_at', 0)
			              || CASE WHEN args ? 'column_type' THEN '{"column_type": ""}'::jsonb ELSE '{}'::jsonb END
			WHERE  (args->>'item_id')::bigint = $1 AND (args ? 'value' OR args ? 'name')
			RETURNING 1
		), erased_documents AS (
			UPDATE migration_documents d SET creates = '[]'
			FROM   links l
			WHERE  l.item_id = $1 AND creates <> '[]' AND d.records && (l.salesforce_id || string_to_array(l.ended_id, ' '))
			RETURNING 1
		), erased_conflicts AS (
			UPDATE conflicts SET base = NULL, monday = NULL, salesforce = NULL, take = NULL
			WHERE  item_id = $1 AND (base IS NOT NULL OR monday IS NOT NULL OR salesforce IS NOT NULL)
			RETURNING 1
		)
		SELECT (SELECT count(*) FROM erased_items), (SELECT count(*) FROM erased_links), (SELECT count(*) FROM erased_letters),
		       (SELECT count(*) FROM erased_documents), (SELECT count(*) FROM erased_conflicts)`
	err = tx.QueryRow(ctx, query, item).Scan(&e.Items, &e.Links, &e.Letters, &e.Documents, &e.Conflicts)
	return e, doing("erasing an item", err)
}
