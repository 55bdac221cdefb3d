package store

import (
	"context"
	"time"
)

// forgetSize is how many rows one statement deletes: few enough not to block others.
const forgetSize = 2000

// Forget deletes what ended before a time: sync and error logs, replayed and closed dead letters, outages, acts of
// people, and abandoned calls of imports. It works in small statements, stops when ctx ends, and returns the number of
// deleted rows.
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
		forgetDeleted,
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
