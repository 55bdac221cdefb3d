package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

func (c Commit) lockItems(holder uuid.UUID) statement {
	const query = `
		SELECT item_id FROM items
		WHERE  item_id = ANY($2) AND lease_holder = $1
		ORDER  BY item_id
		FOR    UPDATE`
	ids := make([]int64, len(c.Items))
	for n, item := range c.Items {
		ids[n] = item.ID
	}
	return statement{query, []any{holder, ids}}
}

func (c Commit) saveItems(holder uuid.UUID) (statement, error) {
	const query = `
		UPDATE items AS i
		SET    board_id     = CASE WHEN n.changed THEN n.board_id ELSE i.board_id END,
		       name         = CASE WHEN n.changed THEN n.name ELSE i.name END,
		       name_at      = CASE WHEN n.changed THEN n.name_at ELSE i.name_at END,
		       name_own     = CASE WHEN n.changed THEN n.name_own ELSE i.name_own END,
		       columns      = coalesce(n.columns, i.columns),
		       known        = n.known,
		       deleted_at   = n.deleted_at,
		       existence_at = n.existence_at,
		       lease_holder = CASE WHEN n.hold_for > interval '0' THEN i.lease_holder END,
		       lease_until  = CASE WHEN n.hold_for > interval '0' THEN now() + n.hold_for WHEN n."left" THEN '-infinity' END
		FROM   unnest($2::bigint[], $3::bigint[], $4::boolean[], $5::text[], $6::timestamptz[], $7::jsonb[], $8::boolean[],
		              $9::timestamptz[], $10::timestamptz[], $11::interval[], $12::boolean[], $13::boolean[])
		       AS n(item_id, board_id, changed, name, name_at, columns, known, deleted_at, existence_at, hold_for, "left", name_own)
		WHERE  i.item_id = n.item_id AND i.lease_holder = $1`
	n := len(c.Items)
	if n == 0 {
		return statement{}, nil
	}
	ids, boards, changed, names, known := make([]int64, n), make([]int64, n), make([]bool, n), make([]string, n),
		make([]bool, n)
	named, deleted, existence := make([]*time.Time, n), make([]*time.Time, n), make([]*time.Time, n)
	columns, holds, left, own := make([][]byte, n), make([]time.Duration, n), make([]bool, n), make([]bool, n)
	for n, item := range c.Items {
		ids[n], boards[n], changed[n], names[n], known[n] = item.ID, item.BoardID, item.Changed, item.Name, item.Known
		named[n], deleted[n], existence[n] = null(item.NameAt), null(item.DeletedAt), null(item.ExistenceAt)
		holds[n], left[n], own[n] = item.HoldFor, item.Left, item.NameOwn
		if !item.Changed {
			continue
		}
		text, err := object(item.Columns, len(item.Columns))
		if err != nil {
			return statement{}, fmt.Errorf("writing the columns of item %d: %w", item.ID, err)
		}
		columns[n] = text
	}
	return statement{query, []any{holder, ids, boards, changed, names, named, columns, known, deleted, existence, holds,
		left, own}}, nil
}

// saveKeys stores the search keys of columns that have others than before.
func (c Commit) saveKeys(holder uuid.UUID) (statement, error) {
	const query = `
		INSERT INTO item_keys (item_id, column_id, key)
		SELECT n.item_id, n.column_id, n.key
		FROM   unnest($2::bigint[], $3::text[], $4::text[]) AS n(item_id, column_id, key)
		JOIN   items i ON i.item_id = n.item_id AND i.lease_holder = $1
		ON CONFLICT (item_id, column_id) DO UPDATE SET key = excluded.key`
	var items []int64
	var columns, keys []string
	for _, item := range c.Items {
		if !item.Changed {
			continue
		}
		for id, key := range item.SearchKeys() {
			if item.Keys[id] != key {
				items, columns, keys = append(items, item.ID), append(columns, id), append(keys, key)
			}
		}
	}
	if len(items) == 0 {
		return statement{}, nil
	}
	return statement{query, []any{holder, items, columns, keys}}, nil
}

// dropKeys removes the search keys of columns that have none any more.
func (c Commit) dropKeys(holder uuid.UUID) (statement, error) {
	const query = `
		DELETE FROM item_keys AS k
		USING  unnest($2::bigint[], $3::text[]) AS d(item_id, column_id), items AS i
		WHERE  k.item_id = d.item_id AND k.column_id = d.column_id AND i.item_id = d.item_id AND i.lease_holder = $1`
	var items []int64
	var columns []string
	for _, item := range c.Items {
		if !item.Changed {
			continue
		}
		now := item.SearchKeys()
		for id := range item.Keys {
			if now[id] == "" {
				items, columns = append(items, item.ID), append(columns, id)
			}
		}
	}
	if len(items) == 0 {
		return statement{}, nil
	}
	return statement{query, []any{holder, items, columns}}, nil
}

func (c Commit) saveLinks(holder uuid.UUID) (statement, error) {
	const query = `
		INSERT INTO links (item_id, record, object, salesforce_id, written, refused, ended_id, since, closed, origin, mapped, held, turns, doubts)
		SELECT l.*
		FROM   unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[], $8::text[], $9::jsonb[],
		              $10::text[], $11::text[], $12::jsonb[], $13::jsonb[], $14::jsonb[], $15::jsonb[])
		       AS l(item_id, record, object, salesforce_id, written, refused, ended_id, since, closed, origin, mapped, held, turns, doubts)
		JOIN   items i ON i.item_id = l.item_id AND i.lease_holder = $1
		ON CONFLICT (item_id, record) DO UPDATE
		SET    object = excluded.object, salesforce_id = excluded.salesforce_id, written = excluded.written,
		       refused = excluded.refused, ended_id = excluded.ended_id, since = excluded.since,
		       closed = excluded.closed, origin = excluded.origin, mapped = excluded.mapped,
		       held = excluded.held, turns = excluded.turns, doubts = excluded.doubts`
	n := len(c.Links)
	if n == 0 {
		return statement{}, nil
	}
	ids, records, objects := make([]int64, n), make([]string, n), make([]string, n)
	salesforce, ended, closed, origin := make([]*string, n), make([]*string, n), make([]*string, n), make([]*string, n)
	written, rejected, since, mapped := make([][]byte, n), make([][]byte, n), make([][]byte, n), make([][]byte, n)
	held, turns, doubts := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for n, link := range c.Links {
		ids[n], records[n], objects[n] = link.ItemID, link.Record, link.Object
		salesforce[n], ended[n] = null(link.SalesforceID), null(strings.Join(link.EndedIDs, " "))
		closed[n], origin[n] = null(link.Closed), null(string(link.Origin))
		mappings := link.Mappings()
		for _, field := range []struct {
			into *[]byte
			from any
			size int
		}{
			{&written[n], link.StoredWritten(), len(link.Written)}, {&rejected[n], link.Rejected, len(link.Rejected)},
			{&since[n], link.Since, len(link.Since)}, {&mapped[n], mappings, len(mappings)},
			{&held[n], link.Held, len(link.Held)}, {&turns[n], link.Turns, len(link.Turns)},
			{&doubts[n], link.Doubts, len(link.Doubts)},
		} {
			text, err := object(field.from, field.size)
			if err != nil {
				return statement{}, fmt.Errorf("writing link %s of item %d: %w", link.Record, link.ItemID, err)
			}
			*field.into = text
		}
	}
	return statement{query, []any{holder, ids, records, objects, salesforce, written, rejected, ended, since, closed,
		origin, mapped, held, turns, doubts}}, nil
}

func (c Commit) saveLogs(holder uuid.UUID) (statement, error) {
	const query = `
		INSERT INTO sync_logs AS s (job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at)
		SELECT g.job_id, g.event, g.board_id, g.item_id, g.column_id, g.status, g.attempt, g.response_data, g.received_at
		FROM   unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::int[], $9::jsonb[],
		              $10::timestamptz[], $11::boolean[])
		       AS g(job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at, unclaimed)
		LEFT   JOIN items i ON i.item_id = g.item_id AND i.lease_holder = $1
		WHERE  g.unclaimed OR i.item_id IS NOT NULL
		ON CONFLICT (job_id) DO UPDATE
		SET    status = excluded.status, attempt = excluded.attempt, response_data = excluded.response_data, finished_at = now()
		WHERE  NOT (s.status = 'success' AND excluded.status IN ('unchanged', 'skipped'))`
	n := len(c.Logs)
	if n == 0 {
		return statement{}, nil
	}
	jobs, events, boards, items := make([]int64, n), make([]string, n), make([]int64, n), make([]int64, n)
	columns, statuses, attempts := make([]*string, n), make([]string, n), make([]int32, n)
	responses, received, unclaimed := make([][]byte, n), make([]time.Time, n), make([]bool, n)
	for n, log := range c.Logs {
		jobs[n], events[n], boards[n], items[n] = log.JobID, log.Event, log.BoardID, log.ItemID
		columns[n], statuses[n], attempts[n], received[n] = null(log.ColumnID), log.Status, int32(log.Attempt), log.ReceivedAt
		text, err := json.Marshal(log.Response)
		if err != nil {
			return statement{}, fmt.Errorf("writing the log of job %d: %w", log.JobID, err)
		}
		responses[n], unclaimed[n] = text, log.Unclaimed
	}
	return statement{query, []any{holder, jobs, events, boards, items, columns, statuses, attempts, responses, received,
		unclaimed}}, nil
}

// object returns the map as JSON.
func object(m any, size int) ([]byte, error) {
	if size == 0 {
		return []byte("{}"), nil
	}
	return json.Marshal(m)
}
