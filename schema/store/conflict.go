package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
)

// Conflict is a decision between two changes of one field. Values are those of the field.
type Conflict struct {
	ID                       int64
	BoardID, ItemID          int64
	Record, SalesforceID     string
	Field, ColumnID          string
	Base, Monday, Salesforce any
	MondayAt, SalesforceAt   time.Time // of the values; zero: unknown
	Rule                     string    // the side that won, or the reason why it won
	DecidedAt                time.Time
	Take                     string // the side whose value a person wants on both; empty: none
	TakenAt                  time.Time

	// Renews means that the values are new ones of the field's last conflict, which Monday has won so far without
	// effect. It is not stored.
	Renews bool
}

// IsErased reports whether the values were erased, so that neither can be taken any more.
func (c Conflict) IsErased() bool { return c.Take == "" && !c.TakenAt.IsZero() }

// Winner returns the side whose value was kept.
func (c Conflict) Winner() string {
	if c.Rule == sideSalesforce {
		return sideSalesforce
	}
	return sideMonday
}

// Standing returns the side whose value counts now, or will once a person's choice has been carried out.
func (c Conflict) Standing() string { return cmp.Or(c.Take, c.Winner()) }

// The sides of a conflict.
const (
	sideMonday     = "monday"
	sideSalesforce = "salesforce"
)

// Value returns the value that a person wants on both sides.
func (c Conflict) Value() any {
	if c.Take == sideSalesforce {
		return c.Salesforce
	}
	return c.Monday
}

// AddConflicts adds conflicts of items that the holder has leased, or renews them, before one of the values is
// overwritten. A conflict that a worker added before it died is not added again. One for which a person has chosen a
// value is not renewed.
func (s *Store) AddConflicts(ctx context.Context, holder uuid.UUID, conflicts []Conflict) error {
	const query = `
		WITH new AS (
			SELECT n.*
			FROM   unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::jsonb[],
			              $10::jsonb[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::boolean[])
			       AS n(board_id, item_id, record, salesforce_id, field, column_id, base, monday, salesforce, monday_at,
			            salesforce_at, rule, renews)
			JOIN   items i ON i.item_id = n.item_id AND i.lease_holder = $1
		), renewed AS (
			UPDATE conflicts c
			SET    monday = n.monday, salesforce = n.salesforce, monday_at = n.monday_at, salesforce_at = n.salesforce_at,
			       rule = n.rule, decided_at = now()
			FROM   new n
			WHERE  n.renews AND c.take IS NULL AND c.taken_at IS NULL AND c.id = (
			           SELECT max(l.id) FROM conflicts l
			           WHERE  (l.item_id, l.record, l.field) = (n.item_id, n.record, n.field) AND l.rule <> 'salesforce')
			RETURNING c.item_id, c.record, c.field
		)
		INSERT INTO conflicts (board_id, item_id, record, salesforce_id, field, column_id, base, monday, salesforce,
		                       monday_at, salesforce_at, rule)
		SELECT board_id, item_id, record, salesforce_id, field, column_id, base, monday, salesforce, monday_at, salesforce_at, rule
		FROM   new n
		WHERE  NOT EXISTS (SELECT FROM renewed r WHERE (r.item_id, r.record, r.field) = (n.item_id, n.record, n.field))
		AND    NOT EXISTS (
		           SELECT FROM conflicts c
		           WHERE  c.item_id = n.item_id AND c.record = n.record AND c.field = n.field AND c.decided_at > now() - interval '1 hour'
		           AND    (c.base, c.monday, c.salesforce, c.rule) IS NOT DISTINCT FROM (n.base, n.monday, n.salesforce, n.rule)
		           AND    c.salesforce_at IS NOT DISTINCT FROM n.salesforce_at AND c.monday_at IS NOT DISTINCT FROM n.monday_at)`
	n := len(conflicts)
	boards, items, renews := make([]int64, n), make([]int64, n), make([]bool, n)
	var texts [5][]string
	var values [3][][]byte
	var times [2][]*time.Time
	for k, x := range conflicts {
		boards[k], items[k], renews[k] = x.BoardID, x.ItemID, x.Renews
		for m, text := range []string{x.Record, x.SalesforceID, x.Field, x.ColumnID, x.Rule} {
			texts[m] = append(texts[m], text)
		}
		for m, value := range []any{x.Base, x.Monday, x.Salesforce} {
			text, err := json.Marshal(value)
			if err != nil {
				return fmt.Errorf("writing a conflict of item %d: %w", x.ItemID, err)
			}
			values[m] = append(values[m], text)
		}
		times[0], times[1] = append(times[0], null(x.MondayAt)), append(times[1], null(x.SalesforceAt))
	}
	_, err := s.pool.Exec(ctx, query, holder, boards, items, texts[0], texts[1], texts[2], texts[3],
		values[0], values[1], values[2], times[0], times[1], texts[4], renews)
	return doing("adding conflicts", err)
}

// saveTaken records the conflicts whose chosen value is now on both sides, and those whose chosen value cannot be
// written.
const saveTaken = `, chosen AS (
		UPDATE conflicts c
		SET    taken_at = CASE WHEN c.id = ANY(@taken::bigint[]) THEN now() END,
		       take     = CASE WHEN c.id = ANY(@taken) THEN c.take END
		FROM   held n
		WHERE  c.id = ANY(@taken || @dropped::bigint[]) AND c.item_id = n.item_id
	)`

const conflictColumns = `id, board_id, item_id, record, salesforce_id, field, column_id, base, monday, salesforce,
	monday_at, salesforce_at, rule, decided_at, take, taken_at`

func scanConflict(row pgx.CollectableRow) (c Conflict, err error) {
	var mondayAt, salesforceAt, takenAt *time.Time
	var take *string
	err = row.Scan(&c.ID, &c.BoardID, &c.ItemID, &c.Record, &c.SalesforceID, &c.Field, &c.ColumnID, &c.Base, &c.Monday,
		&c.Salesforce,
		&mondayAt, &salesforceAt, &c.Rule, &c.DecidedAt, &take, &takenAt)
	c.MondayAt, c.SalesforceAt, c.Take, c.TakenAt = value(mondayAt), value(salesforceAt), value(take), value(takenAt)
	return c, err
}

// Conflicts returns the latest conflicts, newest first: those of a board, of an item, or of all if both are 0.
func (s *Store) Conflicts(ctx context.Context, board, item int64, limit int) ([]Conflict, error) {
	const query = `
		SELECT ` + conflictColumns + ` FROM conflicts
		WHERE  ($1::bigint = 0 OR board_id = $1) AND ($2::bigint = 0 OR item_id = $2)
		ORDER  BY id DESC LIMIT $3`
	return s.conflicts(ctx, query, board, item, limit)
}

// Chosen returns the conflicts of the items for which a person has chosen a value that is not on both sides yet, the
// latest choice last.
func (s *Store) Chosen(ctx context.Context, items []int64) ([]Conflict, error) {
	const query = `
		SELECT ` + conflictColumns + ` FROM conflicts
		WHERE  item_id = ANY($1) AND take IS NOT NULL AND taken_at IS NULL
		ORDER  BY id`
	return s.conflicts(ctx, query, items)
}

func (s *Store) conflicts(ctx context.Context, query string, args ...any) ([]Conflict, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, doing("reading conflicts", err)
	}
	found, err := pgx.CollectRows(rows, scanConflict)
	return found, doing("reading conflicts", err)
}

// Choose records that a person wants one side's value of conflicts on both sides, and passes their items to requeue in
// the transaction. It returns the conflicts that it found. It ignores erased conflicts, which have no values any more,
// and items that have ended. Of several choices for one field, the one of the latest conflict counts, and an earlier
// one that was not carried out yet is dropped.
func (s *Store) Choose(ctx context.Context, ids []int64, side string, by By, requeue Requeue) (chosen []int64, err error) {
	const query = `
		UPDATE conflicts SET take = $2, taken_at = NULL, taken_by = $3
		WHERE  id = ANY($1) AND (base IS NOT NULL OR monday IS NOT NULL OR salesforce IS NOT NULL)
		AND    NOT EXISTS (SELECT FROM items i WHERE i.item_id = conflicts.item_id AND i.deleted_at IS NOT NULL)
		RETURNING id, board_id, item_id`
	const supersede = `
		UPDATE conflicts c SET take = NULL, taken_by = NULL
		FROM   conflicts n
		WHERE  n.id = ANY($1) AND (n.item_id, n.record, n.field) = (c.item_id, c.record, c.field)
		AND    c.take IS NOT NULL AND c.taken_at IS NULL AND c.id <> n.id AND (c.id < n.id OR c.id <> ALL($1))`
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, query, ids, side, by.Actor)
		if err != nil {
			return err
		}
		var id int64
		var ref ledger.Ref
		var refs []ledger.Ref
		_, err = pgx.ForEachRow(rows, []any{&id, &ref.BoardID, &ref.ItemID}, func() error {
			chosen, refs = append(chosen, id), append(refs, ref)
			return nil
		})
		if err != nil || len(refs) == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, supersede, chosen); err != nil {
			return err
		}
		o := Operation{By: by, Act: ActTake, Subject: Subject("conflict", chosen) + ": " + side}
		for _, ref := range refs {
			o.Items = append(o.Items, ref.ItemID)
		}
		if err := RecordOperation(ctx, tx, o); err != nil {
			return err
		}
		return requeue(ctx, tx, refs)
	})
	return chosen, doing("choosing between values", err)
}
