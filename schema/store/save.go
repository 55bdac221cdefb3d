package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"crmsync/internal/quote"
)

// saveBatch saves a batch in one statement, which costs Postgres half of what one statement for each table does. It
// returns the items whose lease the holder still has, and saves nothing else of the others.
//
// The items are locked in the order of their ids, so that two batches cannot deadlock. Nobody else writes the links
// and keys of a leased item, and an existing row is updated in half the time that ON CONFLICT takes.
const saveBatch = `
	WITH held AS MATERIALIZED (
		SELECT item_id FROM items
		WHERE  item_id = ANY(@items::bigint[]) AND lease_holder = @holder
		ORDER  BY item_id
		FOR    UPDATE
	)` + saveItems + saveLinks + saveKeys + saveLogs + saveTaken + `, freed AS (
		DELETE FROM leases WHERE key = ANY(@leases::text[]) AND lease_holder = @holder
	)
	SELECT item_id FROM held`

// isHeld is the condition that an item is among those that are saved. IS TRUE makes Postgres look it up in a hash table:
// it expects held to have one row, for which it would go through a whole list once for each row.
const isHeld = `(n.item_id IN (SELECT item_id FROM held)) IS TRUE`

// args returns the arguments of saveBatch.
//
// A column that is zero in all rows is NULL (unlessZero), which the statement replaces with the zero value.
func (c Commit) args(holder uuid.UUID) (pgx.NamedArgs, error) {
	args := pgx.NamedArgs{"holder": holder, "leases": c.Keys, "taken": c.Taken, "dropped": c.Dropped}
	c.keyArgs(args)
	for _, add := range []func(pgx.NamedArgs) error{c.itemArgs, c.linkArgs, c.logArgs} {
		if err := add(args); err != nil {
			return nil, err
		}
	}
	return args, nil
}

const saveItems = `, saved AS (
		UPDATE items AS i
		SET    board_id     = CASE WHEN n.changed THEN n.board_id ELSE i.board_id END,
		       name         = CASE WHEN n.changed THEN coalesce(n.name, '') ELSE i.name END,
		       name_at      = CASE WHEN n.changed THEN n.name_at ELSE i.name_at END,
		       name_own     = CASE WHEN n.changed THEN coalesce(n.name_own, false) ELSE i.name_own END,
		       columns      = coalesce(n.columns, i.columns),
		       known        = coalesce(n.known, false),
		       deleted_at   = n.deleted_at,
		       existence_at = n.existence_at,
		       lease_holder = CASE WHEN n.hold_for > interval '0' THEN i.lease_holder END,
		       lease_until  = CASE WHEN n.hold_for > interval '0' THEN now() + n.hold_for WHEN n."left" THEN '-infinity' END
		FROM   unnest(@items::bigint[], @boards::bigint[], @changed::boolean[], @names::text[], @named::timestamptz[],
		              @own::boolean[], @columns::jsonb[], @known::boolean[], @deleted::timestamptz[],
		              @existence::timestamptz[], @holds::interval[], @left::boolean[])
		       AS n(item_id, board_id, changed, name, name_at, name_own, columns, known, deleted_at, existence_at, hold_for, "left")
		WHERE  i.item_id = n.item_id AND ` + isHeld + `
	)`

func (c Commit) itemArgs(args pgx.NamedArgs) error {
	n := len(c.Items)
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
		stored := item.StoredColumns()
		text, err := object(stored, len(stored))
		if err != nil {
			return fmt.Errorf("writing the columns of item %d: %w", item.ID, err)
		}
		columns[n] = text
	}
	args["items"], args["boards"], args["changed"], args["names"] = ids, boards, unlessZero(changed), unlessZero(names)
	args["named"], args["own"], args["known"] = unlessZero(named), unlessZero(own), unlessZero(known)
	args["columns"], args["deleted"], args["existence"] = columns, unlessZero(deleted), unlessZero(existence)
	args["holds"], args["left"] = unlessZero(holds), unlessZero(left)
	return nil
}

// saveKeys stores the search keys of columns that have others than before, and removes those of columns that have none
// any more.
const saveKeys = `, keys AS MATERIALIZED (
		SELECT * FROM unnest(@key_items::bigint[], @key_columns::text[], @keys::text[]) AS n(item_id, column_id, key)
		WHERE  ` + isHeld + `
	), changed_keys AS (
		UPDATE item_keys AS k
		SET    key = n.key
		FROM   keys n
		WHERE  k.item_id = n.item_id AND k.column_id = n.column_id
		RETURNING k.item_id, k.column_id
	), new_keys AS (
		INSERT INTO item_keys (item_id, column_id, key)
		SELECT * FROM keys
		WHERE  (item_id, column_id) NOT IN (SELECT * FROM changed_keys)
	), dropped_keys AS (
		DELETE FROM item_keys AS k
		USING  unnest(@keyless_items::bigint[], @keyless_columns::text[]) AS n(item_id, column_id)
		WHERE  k.item_id = n.item_id AND k.column_id = n.column_id AND ` + isHeld + `
	)`

func (c Commit) keyArgs(args pgx.NamedArgs) {
	var items, keylessItems []int64
	var columns, keys, keylessColumns []string
	for _, item := range c.Items {
		if !item.Changed {
			continue
		}
		now := item.SearchKeys()
		for id, key := range now {
			if item.Keys[id] != key {
				items, columns, keys = append(items, item.ID), append(columns, id), append(keys, key)
			}
		}
		for id := range item.Keys {
			if now[id] == "" {
				keylessItems, keylessColumns = append(keylessItems, item.ID), append(keylessColumns, id)
			}
		}
	}
	args["key_items"], args["key_columns"], args["keys"] = items, columns, keys
	args["keyless_items"], args["keyless_columns"] = keylessItems, keylessColumns
}

// saveLinks stores links. Their mappings, which only a new version of the mapping changes, are NULL if they are stored
// already.
const saveLinks = `, links_now AS MATERIALIZED (
		SELECT item_id, record, object, salesforce_id, coalesce(written, '{}') AS written, coalesce(refused, '{}') AS refused, ended_id,
		       coalesce(since, '{}') AS since, closed, origin, mapped,
		       coalesce(held, '{}') AS held, coalesce(turns, '{}') AS turns, coalesce(doubts, '{}') AS doubts
		FROM   unnest(@link_items::bigint[], @records::text[], @objects::text[], @salesforce_ids::text[], @written::jsonb[],
		              @refused::jsonb[], @ended_ids::text[], @since::jsonb[], @closed::text[], @origins::text[],
		              @mapped::jsonb[], @link_held::jsonb[], @turns::jsonb[], @doubts::jsonb[])
		       AS n(item_id, record, object, salesforce_id, written, refused, ended_id, since, closed, origin, mapped, held, turns, doubts)
		WHERE  ` + isHeld + `
	), changed_links AS (
		UPDATE links AS l
		SET    object = n.object, salesforce_id = n.salesforce_id, written = n.written, refused = n.refused,
		       ended_id = n.ended_id, since = n.since, closed = n.closed, origin = n.origin,
		       mapped = coalesce(n.mapped, l.mapped), held = n.held, turns = n.turns, doubts = n.doubts
		FROM   links_now n
		WHERE  l.item_id = n.item_id AND l.record = n.record
		RETURNING l.item_id, l.record
	), new_links AS (
		INSERT INTO links (item_id, record, object, salesforce_id, written, refused, ended_id, since, closed, origin, mapped, held, turns, doubts)
		SELECT item_id, record, object, salesforce_id, written, refused, ended_id, since, closed, origin,
		       coalesce(mapped, '{}'), held, turns, doubts
		FROM   links_now
		WHERE  (item_id, record) NOT IN (SELECT * FROM changed_links)
	)`

func (c Commit) linkArgs(args pgx.NamedArgs) error {
	n := len(c.Links)
	ids, records, objects := make([]int64, n), make([]string, n), make([]string, n)
	salesforce, ended, closed, origins := make([]*string, n), make([]*string, n), make([]*string, n), make([]*string, n)
	written, refused, since, mapped := make([][]byte, n), make([][]byte, n), make([][]byte, n), make([][]byte, n)
	held, turns, doubts := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for n, link := range c.Links {
		ids[n], records[n], objects[n] = link.ItemID, link.Record, link.Object
		salesforce[n], ended[n] = null(link.SalesforceID), null(strings.Join(link.EndedIDs, " "))
		closed[n], origins[n] = null(link.Closed), null(string(link.Origin))
		mappings := link.Mappings()
		for _, field := range []struct {
			into *[]byte
			from any
			size int
			null bool
		}{
			{&written[n], link.StoredWritten(), len(link.Written), len(link.Written) == 0},
			{&refused[n], link.Rejected, len(link.Rejected), len(link.Rejected) == 0},
			{&since[n], link.Since, len(link.Since), len(link.Since) == 0},
			{&mapped[n], mappings, len(mappings), link.Loaded != nil && maps.Equal(mappings, link.Loaded)},
			{&held[n], link.Held, len(link.Held), len(link.Held) == 0},
			{&turns[n], link.Turns, len(link.Turns), len(link.Turns) == 0},
			{&doubts[n], link.Doubts, len(link.Doubts), len(link.Doubts) == 0},
		} {
			if field.null {
				continue
			}
			text, err := object(field.from, field.size)
			if err != nil {
				return fmt.Errorf("writing link %s of item %d: %w", link.Record, link.ItemID, err)
			}
			*field.into = text
		}
	}
	args["link_items"], args["records"], args["objects"] = ids, records, objects
	args["salesforce_ids"], args["ended_ids"] = unlessZero(salesforce), unlessZero(ended)
	args["closed"], args["origins"] = unlessZero(closed), unlessZero(origins)
	args["written"], args["refused"], args["since"] = unlessEmpty(written), unlessEmpty(refused), unlessEmpty(since)
	args["mapped"], args["link_held"] = unlessEmpty(mapped), unlessEmpty(held)
	args["turns"], args["doubts"] = unlessEmpty(turns), unlessEmpty(doubts)
	return nil
}

const saveLogs = `, logged AS (
		INSERT INTO sync_logs AS s (job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at)
		SELECT n.job_id, n.event, n.board_id, n.item_id, n.column_id, n.status, n.attempt, n.response_data, n.received_at
		FROM   unnest(@jobs::bigint[], @events::text[], @log_boards::bigint[], @log_items::bigint[], @log_columns::text[],
		              @statuses::text[], @attempts::int[], @responses::jsonb[], @received::timestamptz[], @unclaimed::boolean[])
		       AS n(job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at, unclaimed)
		WHERE  n.unclaimed OR ` + isHeld + `
		ON CONFLICT (job_id) DO UPDATE
		SET    status = excluded.status, attempt = excluded.attempt, response_data = excluded.response_data, finished_at = now()
		WHERE  NOT (s.status = 'success' AND excluded.status IN ('unchanged', 'skipped'))
	)`

func (c Commit) logArgs(args pgx.NamedArgs) error {
	n := len(c.Logs)
	jobs, events, boards, items := make([]int64, n), make([]string, n), make([]int64, n), make([]int64, n)
	columns, statuses, attempts := make([]*string, n), make([]string, n), make([]int32, n)
	responses, received, unclaimed := make([][]byte, n), make([]time.Time, n), make([]bool, n)
	for n, log := range c.Logs {
		jobs[n], events[n], boards[n], items[n] = log.JobID, log.Event, log.BoardID, log.ItemID
		columns[n], statuses[n], attempts[n], received[n] = null(log.ColumnID), log.Status, int32(log.Attempt), log.ReceivedAt
		text, err := json.Marshal(log.Response)
		if err != nil {
			return fmt.Errorf("writing the log of job %d: %w", log.JobID, err)
		}
		responses[n], unclaimed[n] = text, log.Unclaimed
	}
	args["jobs"], args["events"], args["log_boards"], args["log_items"], args["log_columns"] = jobs, events, boards, items,
		columns
	args["statuses"], args["attempts"], args["responses"] = statuses, attempts, responses
	args["received"], args["unclaimed"] = received, unlessZero(unclaimed)
	return nil
}

// unlessZero returns the values of a column, or nil if all are zero. Most columns of most batches are: reading and
// unnesting their values took Postgres a tenth of the statement's time.
func unlessZero[T comparable](column []T) []T {
	var zero T
	if !slices.ContainsFunc(column, func(v T) bool { return v != zero }) {
		return nil
	}
	return column
}

// unlessEmpty is unlessZero for JSON.
func unlessEmpty(column [][]byte) [][]byte {
	if !slices.ContainsFunc(column, func(v []byte) bool { return v != nil }) {
		return nil
	}
	return column
}

// object returns the map as JSON. Maps of texts are most of what a batch encodes; encoding/json, which uses reflection
// and sorts their keys, takes several times as long.
func object(m any, size int) ([]byte, error) {
	if size == 0 {
		return []byte("{}"), nil
	}
	switch m := m.(type) {
	case map[string]string:
		return appendObject(m, func(b []byte, text string) ([]byte, error) { return quote.AppendJSON(b, text), nil })
	case map[string]any:
		return appendObject(m, appendValue)
	}
	return json.Marshal(m)
}

func appendObject[V any](m map[string]V, value func([]byte, V) ([]byte, error)) (b []byte, err error) {
	const usual = 48 // bytes of a member
	b = append(make([]byte, 0, len("{}")+usual*len(m)), '{')
	for key, v := range m {
		if len(b) > len("{") {
			b = append(b, ',')
		}
		if b, err = value(append(quote.AppendJSON(b, key), ':'), v); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendValue(b []byte, v any) ([]byte, error) {
	if text, isText := v.(string); isText {
		return quote.AppendJSON(b, text), nil
	}
	encoded, err := json.Marshal(v)
	return append(b, encoded...), err
}
