package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	sfsim "crmsync/internal/sim/salesforce"
)

// firstItem is the id of the first of the linked items; it exceeds 32 bits, as Monday's do.
const firstItem int64 = 8_500_000_000

// empty leaves nothing in the tables, and lets Postgres begin each measurement alike.
func (s *testbed) empty(ctx context.Context) error {
	return s.exec(ctx, "TRUNCATE river_job, items, links, sync_logs, error_logs, dead_letters, migration_runs, migration_documents", "CHECKPOINT")
}

// link makes items of the contacts board that are linked to records, as the engine leaves them.
func (s *testbed) link(ctx context.Context, items int) error {
	for n := len(s.linked); n < items; n++ {
		s.linked = append(s.linked, s.Salesforce.Insert("Contact", map[string]any{
			"FirstName": "Ada", "LastName": "Lovelace", "Email": "ada@example.org", sfsim.KeyField: fmt.Sprint(firstItem + int64(n)),
		}))
	}
	const known = `
		INSERT INTO items (item_id, board_id, name, name_at, columns, known)
		SELECT $1 + n - 1, 1002, 'Ada Lovelace', now() - interval '1 day', jsonb_build_object(
		           'email', jsonb_build_object('t', 'email', 's', 'ada@example.org', 'at', 1790000000000000),
		           'text_sfid', jsonb_build_object('t', 'text', 's', id, 'at', 1790000000000000)), true
		FROM   unnest($2::text[]) WITH ORDINALITY AS l(id, n)`
	const links = `
		INSERT INTO links (item_id, record, object, salesforce_id, written)
		SELECT $1 + n - 1, 'contact', 'Contact', id, jsonb_build_object('FirstName', 'Ada', 'LastName', 'Lovelace', 'Email', 'ada@example.org',
		           'AccountId', NULL, 'Monday_Item_Id__c', ($1 + n - 1)::text)
		FROM   unnest($2::text[]) WITH ORDINALITY AS l(id, n)`
	for _, statement := range []string{known, links} {
		if _, err := s.DB.Exec(ctx, statement, firstItem, s.linked[:items]); err != nil {
			return fmt.Errorf("linking items: %w", err)
		}
	}
	return nil
}

// stride is how far apart the items of two events are: neighbours in the queue are none in the tables. It is a prime, so that
// events come to every item in turn.
const stride = 1_000_003

// queue queues changes of the items' e-mail column as ingest does.
func (s *testbed) queue(ctx context.Context, events, items int) error {
	const queue = `
		INSERT INTO river_job (kind, args, queue, state, max_attempts, priority, unique_key, unique_states)
		SELECT 'column_update', jsonb_build_object('key', md5(n::text), 'type', 'update_column_value', 'board_id', 1002, 'item_id', $1::bigint + n * $4 % $3,
		           'triggered_at', now(), 'received_at', now(), 'column_id', 'email', 'column_type', 'email', 'changed_at', 1790100000 + n,
		           'value', jsonb_build_object('email', 'ada' || n || '@example.org', 'text', 'ada' || n || '@example.org', 'changed_at', '2026-09-23T12:03:55.044Z')),
		       'events', 'available', 12, 1, sha256(n::text::bytea), B'11111111'
		FROM   generate_series(0, $2::bigint - 1) AS n`
	if _, err := s.DB.Exec(ctx, queue, firstItem, events, items, stride); err != nil {
		return fmt.Errorf("queueing events: %w", err)
	}
	return s.exec(ctx, "VACUUM ANALYZE", "CHECKPOINT")
}

// stale counts the linked records that do not hold what the last of the queued events says.
func (s *testbed) stale(events, items int) (stale int) {
	for item, event := range latest(events, items) {
		if s.Salesforce.Get("Contact", s.linked[item])["Email"] != fmt.Sprintf("ada%d@example.org", event) {
			stale++
		}
	}
	return stale
}

// latest is the number of the last event of each item that has one.
func latest(events, items int) map[int]int {
	last := map[int]int{}
	for event := range events {
		last[event*stride%items] = event
	}
	return last
}

// until asks Postgres a yes-or-no question now and then, until it says yes.
func (s *testbed) until(ctx context.Context, every time.Duration, question string, args ...any) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		var yes bool
		if err := s.DB.QueryRow(ctx, question, args...).Scan(&yes); err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		if yes {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

func (s *testbed) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := s.DB.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
