package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
)

// LinkedIDs returns the Salesforce Ids of the records that exist.
func (s *Store) LinkedIDs(ctx context.Context, refs []ledger.RecordRef) (map[ledger.RecordRef]string, error) {
	const query = `
		SELECT l.item_id, l.record, l.salesforce_id
		FROM   links l
		JOIN   unnest($1::bigint[], $2::text[]) AS w(item_id, record) USING (item_id, record)
		WHERE  l.salesforce_id IS NOT NULL`
	items, records := split(refs)
	rows, err := s.pool.Query(ctx, query, items, records)
	if err != nil {
		return nil, doing("looking up linked records", err)
	}
	found := map[ledger.RecordRef]string{}
	var ref ledger.RecordRef
	var id string
	_, err = pgx.ForEachRow(rows, []any{&ref.ItemID, &ref.Record, &id}, func() error {
		found[ref] = id
		return nil
	})
	return found, doing("looking up linked records", err)
}

// Linked is an item that is linked to a record.
type Linked struct {
	*ledger.Link
	BoardID int64
	Ended   bool // the item was deleted or archived
}

// LinksOf returns the links to the records with these Ids, by Id.
func (s *Store) LinksOf(ctx context.Context, ids []string) (map[string][]Linked, error) {
	const query = `
		SELECT ` + linkColumns + `, i.board_id, i.deleted_at IS NOT NULL
		FROM   links l
		JOIN   items i USING (item_id)
		WHERE  l.salesforce_id = ANY($1)
		ORDER  BY l.item_id, l.record`
	rows, err := s.pool.Query(ctx, query, ids)
	if err != nil {
		return nil, doing("looking up links", err)
	}
	found := map[string][]Linked{}
	linked, err := pgx.CollectRows(rows, scanLinked)
	for _, l := range linked {
		found[l.SalesforceID] = append(found[l.SalesforceID], l)
	}
	return found, doing("looking up links", err)
}

// scanLinked reads a link and the columns after it.
func scanLinked(row pgx.CollectableRow) (l Linked, err error) {
	l.Link, err = scanLink(widerRow{row, []any{&l.BoardID, &l.Ended}})
	return l, err
}

// widerRow scans more columns than its reader expects.
type widerRow struct {
	pgx.CollectableRow
	more []any
}

func (r widerRow) Scan(into ...any) error { return r.CollectableRow.Scan(append(into, r.more...)...) }

// linkColumns are the columns that scanLink reads.
const linkColumns = `l.item_id, l.record, l.object, l.salesforce_id, l.written, l.refused, l.ended_id, l.since, l.closed, l.origin, l.mapped, l.held, l.turns, l.doubts`

func scanLink(row pgx.CollectableRow) (*ledger.Link, error) {
	var l ledger.Link
	var id, ended, closed, origin *string
	var written, refused, since, mapped, held, turns, doubts []byte
	var stored map[string]any
	mappings := map[string]string{}
	err := row.Scan(&l.ItemID, &l.Record, &l.Object, &id, &written, &refused, &ended, &since, &closed, &origin, &mapped,
		&held, &turns, &doubts)
	if err != nil {
		return nil, err
	}
	l.SalesforceID, l.EndedIDs, l.Closed, l.Origin = value(id), strings.Fields(value(ended)), value(closed),
		ledger.Origin(value(origin))
	for _, field := range []struct {
		text []byte
		into any
	}{{written, &stored}, {refused, &l.Rejected}, {since, &l.Since}, {mapped, &mappings}, {held, &l.Held},
		{turns, &l.Turns}, {doubts, &l.Doubts}} {
		if len(field.text) <= len("{}") {
			continue // most are empty
		}
		if err := jsonv2.Unmarshal(field.text, field.into); err != nil {
			return nil, fmt.Errorf("reading link %s of item %d: %w", l.Record, l.ItemID, err)
		}
	}
	l.ReadWritten(stored)
	l.ReadMappings(mappings)
	return &l, nil
}

// ErrLeaseLost means that items are no longer leased to the holder.
var ErrLeaseLost = errors.New("the lease on an item is lost")

// KeepDoubts stores what is about to be written, so that it is known if the holder dies before it stores the outcome.
// Without a lease on every item, nothing may be written.
func (s *Store) KeepDoubts(ctx context.Context, holder uuid.UUID, links []*ledger.Link) error {
	const query = `
		INSERT INTO links (item_id, record, object, doubts)
		SELECT d.item_id, d.record, d.object, d.doubts
		FROM   unnest($2::bigint[], $3::text[], $4::text[], $5::jsonb[]) AS d(item_id, record, object, doubts)
		WHERE  (d.item_id IN (SELECT item_id FROM items WHERE item_id = ANY($2) AND lease_holder = $1)) IS TRUE -- like isHeld
		ORDER  BY d.item_id, d.record
		ON CONFLICT (item_id, record) DO UPDATE SET doubts = excluded.doubts`
	n := len(links)
	ids, records, objects, doubts := make([]int64, n), make([]string, n), make([]string, n), make([][]byte, n)
	for n, link := range links {
		text, err := object(link.Doubts, len(link.Doubts))
		if err != nil {
			return fmt.Errorf("writing the doubts of link %s of item %d: %w", link.Record, link.ItemID, err)
		}
		ids[n], records[n], objects[n], doubts[n] = link.ItemID, link.Record, link.Object, text
	}
	kept, err := s.pool.Exec(ctx, query, holder, ids, records, objects, doubts)
	if err == nil && kept.RowsAffected() < int64(n) {
		err = ErrLeaseLost
	}
	return doing("storing what is about to be written", err)
}

func split(refs []ledger.RecordRef) (items []int64, records []string) {
	for _, ref := range refs {
		items, records = append(items, ref.ItemID), append(records, ref.Record)
	}
	return items, records
}
