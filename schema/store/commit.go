package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"crmsync/schema/ledger"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// waitsLock is the advisory lock under which waits and the records that they wait for are committed, so that
// neither can miss the other.
const waitsLock = 0x7761697473 // "waits"

// Commit is all that a batch has to keep.
type Commit struct {
	Items    []*ledger.Item // what is now known of them; their leases are freed
	Changed  []bool         // by position in Items: name, columns or existence changed
	Held     []bool         // by position in Items: the lease goes on for HoldFor, because a call may still be under way
	Links    []*ledger.Link // those that changed
	Logs     []Log          // the ends of events
	Waits    []Wait         // references that could not be filled in yet
	Appeared bool           // Links has records that others may wait for
	Keys     []string       // leases on keys to free
	HoldFor  time.Duration

	// Requeue queues a comparison of each item, in the transaction. It is called where a wait is over.
	Requeue func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error
}

// Wait is an item with a reference to a record that does not exist yet.
type Wait struct {
	ledger.Ref
	Target ledger.RecordRef
}

// Log is the end of an event.
type Log struct {
	JobID      int64
	Event      string
	BoardID    int64
	ItemID     int64
	ColumnID   string // empty where the event is not of one column
	Status     string // success, unchanged, skipped, failed
	Attempt    int
	Response   any // JSON object: records written, fields, reason
	ReceivedAt time.Time
	Unclaimed  bool // the item is none of the commit's
}

// Save commits a batch in one transaction and frees its leases. It returns the items whose lease was no longer
// the holder's: nothing is written of them.
func (s *Store) Save(ctx context.Context, holder uuid.UUID, c Commit) (lost []int64, err error) {
	args, err := c.args(holder)
	if err != nil {
		return nil, err
	}
	if len(c.Waits) == 0 && !c.Appeared && len(c.Keys) == 0 {
		saved, err := save(ctx, s.pool, args)
		return c.lost(saved), doing("saving a batch", err)
	}
	var saved []int64
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if len(c.Waits) > 0 || c.Appeared {
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", waitsLock); err != nil {
				return err
			}
		}
		if saved, err = save(ctx, tx, args); err != nil {
			return err
		}
		if err := c.settleWaits(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM leases WHERE key = ANY($1) AND lease_holder = $2", c.Keys, holder)
		return err
	})
	return c.lost(saved), doing("saving a batch", err)
}

// Do runs a function in a transaction.
func (s *Store) Do(ctx context.Context, f func(tx pgx.Tx) error) error {
	return doing("running a transaction", pgx.BeginFunc(ctx, s.pool, f))
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// save writes items, links and logs in one statement, which is a transaction of its own where there is none.
func save(ctx context.Context, db querier, args []any) ([]int64, error) {
	const query = `
		WITH saved AS (
			UPDATE items AS i
			SET    name         = CASE WHEN n.changed THEN n.name ELSE i.name END,
			       name_at      = CASE WHEN n.changed THEN n.name_at ELSE i.name_at END,
			       columns      = coalesce(n.columns, i.columns),
			       known        = n.known,
			       deleted_at   = n.deleted_at,
			       existence_at = n.existence_at,
			       lease_holder = CASE WHEN n.held THEN i.lease_holder END,
			       lease_until  = CASE WHEN n.held THEN now() + $29::interval END
			FROM   unnest($2::bigint[], $3::boolean[], $4::text[], $5::timestamptz[], $6::jsonb[], $7::boolean[], $8::timestamptz[], $9::timestamptz[], $28::boolean[])
			       AS n(item_id, changed, name, name_at, columns, known, deleted_at, existence_at, held)
			WHERE  i.item_id = n.item_id AND i.lease_holder = $1
			RETURNING i.item_id
		), linked AS (
			INSERT INTO links (item_id, record, object, salesforce_id, written, refused, ended_id, since)
			SELECT l.*
			FROM   unnest($10::bigint[], $11::text[], $12::text[], $13::text[], $14::jsonb[], $15::jsonb[], $16::text[], $17::jsonb[])
			       AS l(item_id, record, object, salesforce_id, written, refused, ended_id, since)
			WHERE  l.item_id IN (SELECT item_id FROM saved)
			ON CONFLICT (item_id, record) DO UPDATE
			SET    object = excluded.object, salesforce_id = excluded.salesforce_id, written = excluded.written,
			       refused = excluded.refused, ended_id = excluded.ended_id, since = excluded.since
		), logged AS (
			INSERT INTO sync_logs AS s (job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at)
			SELECT g.job_id, g.event, g.board_id, g.item_id, g.column_id, g.status, g.attempt, g.response_data, g.received_at
			FROM   unnest($18::bigint[], $19::text[], $20::bigint[], $21::bigint[], $22::text[], $23::text[], $24::int[], $25::jsonb[], $26::timestamptz[], $27::boolean[])
			       AS g(job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at, unclaimed)
			WHERE  g.unclaimed OR g.item_id IN (SELECT item_id FROM saved)
			ON CONFLICT (job_id) DO UPDATE
			SET    status = excluded.status, attempt = excluded.attempt, response_data = excluded.response_data, finished_at = now()
			WHERE  NOT (s.status = 'success' AND excluded.status IN ('unchanged', 'skipped'))
		)
		SELECT item_id FROM saved`
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// settleWaits adds the batch's waits and ends those whose record is there, each with a comparison of its item.
func (c Commit) settleWaits(ctx context.Context, tx pgx.Tx) error {
	const add = `
		INSERT INTO waits (item_id, board_id, target_item_id, target_record)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
		ON CONFLICT DO NOTHING`
	const end = `
		DELETE FROM waits w
		USING  links l
		WHERE  w.target_item_id = ANY($1)
		AND    l.item_id = w.target_item_id AND l.record = w.target_record AND l.salesforce_id IS NOT NULL
		RETURNING w.board_id, w.item_id`
	var items, boards, targets []int64
	var records []string
	for _, wait := range c.Waits {
		items, boards = append(items, wait.ItemID), append(boards, wait.BoardID)
		targets, records = append(targets, wait.Target.ItemID), append(records, wait.Target.Record)
	}
	if len(items) > 0 {
		if _, err := tx.Exec(ctx, add, items, boards, targets, records); err != nil {
			return err
		}
	}
	if c.Appeared {
		for _, link := range c.Links {
			targets = append(targets, link.ItemID)
		}
	}
	if len(targets) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, end, targets)
	if err != nil {
		return err
	}
	over, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ledger.Ref])
	if err != nil || len(over) == 0 {
		return err
	}
	slices.SortFunc(over, func(a, b ledger.Ref) int { return cmp.Compare(a.ItemID, b.ItemID) })
	return c.Requeue(ctx, tx, slices.Compact(over))
}

// lost are the items that were not saved.
func (c Commit) lost(saved []int64) (lost []int64) {
	if len(saved) == len(c.Items) {
		return nil
	}
	kept := make(map[int64]bool, len(saved))
	for _, id := range saved {
		kept[id] = true
	}
	for _, item := range c.Items {
		if !kept[item.ID] {
			lost = append(lost, item.ID)
		}
	}
	return lost
}

// args lays the batch out in the arrays of save's statement.
func (c Commit) args(holder uuid.UUID) ([]any, error) {
	items, err := c.itemArgs()
	if err != nil {
		return nil, err
	}
	links, err := c.linkArgs()
	if err != nil {
		return nil, err
	}
	logs, err := c.logArgs()
	if err != nil {
		return nil, err
	}
	held := make([]bool, len(c.Items))
	copy(held, c.Held)
	return slices.Concat([]any{holder}, items, links, logs, []any{held, c.HoldFor}), nil
}

func (c Commit) itemArgs() ([]any, error) {
	n := len(c.Items)
	ids, changed, names, known := make([]int64, n), make([]bool, n), make([]string, n), make([]bool, n)
	named, deleted, existence := make([]*time.Time, n), make([]*time.Time, n), make([]*time.Time, n)
	columns := make([][]byte, n)
	for n, item := range c.Items {
		ids[n], changed[n], names[n], known[n] = item.ID, c.Changed[n], item.Name, item.Known
		named[n], deleted[n], existence[n] = null(item.NameAt), null(item.DeletedAt), null(item.ExistenceAt)
		if !c.Changed[n] {
			continue
		}
		text, err := json.Marshal(item.Columns)
		if err != nil {
			return nil, fmt.Errorf("writing the columns of item %d: %w", item.ID, err)
		}
		columns[n] = text
	}
	return []any{ids, changed, names, named, columns, known, deleted, existence}, nil
}

func (c Commit) linkArgs() ([]any, error) {
	n := len(c.Links)
	ids, records, objects := make([]int64, n), make([]string, n), make([]string, n)
	salesforce, ended := make([]*string, n), make([]*string, n)
	written, refused, since := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for n, link := range c.Links {
		ids[n], records[n], objects[n] = link.ItemID, link.Record, link.Object
		salesforce[n], ended[n] = null(link.SalesforceID), null(strings.Join(link.EndedIDs, " "))
		for _, field := range []struct {
			into *[]byte
			from any
			size int
		}{{&written[n], link.Written, len(link.Written)}, {&refused[n], link.Rejected, len(link.Rejected)}, {&since[n], link.Since, len(link.Since)}} {
			*field.into = []byte("{}")
			if field.size == 0 {
				continue
			}
			text, err := json.Marshal(field.from)
			if err != nil {
				return nil, fmt.Errorf("writing link %s of item %d: %w", link.Record, link.ItemID, err)
			}
			*field.into = text
		}
	}
	return []any{ids, records, objects, salesforce, written, refused, ended, since}, nil
}

func (c Commit) logArgs() ([]any, error) {
	n := len(c.Logs)
	jobs, events, boards, items := make([]int64, n), make([]string, n), make([]int64, n), make([]int64, n)
	columns, statuses, attempts := make([]*string, n), make([]string, n), make([]int32, n)
	responses, received, unclaimed := make([][]byte, n), make([]time.Time, n), make([]bool, n)
	for n, log := range c.Logs {
		jobs[n], events[n], boards[n], items[n] = log.JobID, log.Event, log.BoardID, log.ItemID
		columns[n], statuses[n], attempts[n], received[n] = null(log.ColumnID), log.Status, int32(log.Attempt), log.ReceivedAt
		text, err := json.Marshal(log.Response)
		if err != nil {
			return nil, fmt.Errorf("writing the log of job %d: %w", log.JobID, err)
		}
		responses[n], unclaimed[n] = text, log.Unclaimed
	}
	return []any{jobs, events, boards, items, columns, statuses, attempts, responses, received, unclaimed}, nil
}
