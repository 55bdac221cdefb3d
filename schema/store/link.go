package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Link is the record of Salesforce that stands for an item, and what we last wrote to it.
type Link struct {
	ItemID       int64
	Record       string // the record's name in the mapping
	Object       string
	SalesforceID string             // 18 characters; empty: none yet, or it ended with its item
	Written      map[string]any     // field -> value last written; a field that is absent was never written
	Refused      map[string]Refusal // field -> value that Salesforce would not take
	EndedID      string             // Ids of records that are gone, such as with the item; separated by spaces, the last one last
	Since        map[string]string  // field -> day on which its relative default was first applied
}

// keptEnded is how many Ids of ended records are kept: as many as an item may still show.
const keptEnded = 8

// End keeps that the record is gone. What the item shows of it until it shows another does not bring it back.
func (l *Link) End() {
	ids := append(strings.Fields(l.EndedID), l.SalesforceID)
	l.EndedID = strings.Join(ids[max(0, len(ids)-keptEnded):], " ")
	l.SalesforceID, l.Written = "", nil
}

// Ended says whether an Id is that of a record that is gone.
func (l *Link) Ended(id string) bool { return slices.Contains(strings.Fields(l.EndedID), id) }

// Unsure stands in Written for a value that was sent without an answer: Salesforce may have it or not. No value equals it, so
// that the field is sent again, whatever it is to hold by then.
func Unsure() any { return map[string]any{"unsure": true} }

// IsUnsure says whether a value of Written is Unsure's.
func IsUnsure(value any) bool {
	_, unsure := value.(map[string]any)
	return unsure
}

// Refusal is a value that was refused: it is not sent again until it changes.
type Refusal struct {
	Value any    `json:"value"`
	Code  string `json:"code"`
	JobID int64  `json:"job_id"` // the event that failed by it
}

// RecordRef names a record of an item.
type RecordRef struct {
	ItemID int64
	Record string
}

// LinkedIDs returns the Salesforce Ids of those of the records that exist.
func (s *Store) LinkedIDs(ctx context.Context, refs []RecordRef) (map[RecordRef]string, error) {
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
	found := map[RecordRef]string{}
	var ref RecordRef
	var id string
	_, err = pgx.ForEachRow(rows, []any{&ref.ItemID, &ref.Record, &id}, func() error {
		found[ref] = id
		return nil
	})
	return found, doing("looking up linked records", err)
}

// Linked is an item that is linked to a record.
type Linked struct {
	*Link
	BoardID int64
	Ended   bool // the item was deleted or archived
}

// LinksOf are the links to the records with these Ids, by Id.
func (s *Store) LinksOf(ctx context.Context, ids []string) (map[string][]Linked, error) {
	const query = `
		SELECT l.item_id, l.record, l.object, l.salesforce_id, l.written, l.refused, l.ended_id, l.since,
		       i.board_id, i.deleted_at IS NOT NULL
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

// scanLinked reads a link and what follows it.
func scanLinked(row pgx.CollectableRow) (l Linked, err error) {
	l.Link, err = scanLink(widerRow{row, []any{&l.BoardID, &l.Ended}})
	return l, err
}

// widerRow scans more columns than its reader knows of.
type widerRow struct {
	pgx.CollectableRow
	more []any
}

func (r widerRow) Scan(into ...any) error { return r.CollectableRow.Scan(append(into, r.more...)...) }

func scanLink(row pgx.CollectableRow) (*Link, error) {
	var l Link
	var id, ended *string
	var written, refused, since []byte
	err := row.Scan(&l.ItemID, &l.Record, &l.Object, &id, &written, &refused, &ended, &since)
	if err != nil {
		return nil, err
	}
	l.SalesforceID, l.EndedID = value(id), value(ended)
	for _, field := range []struct {
		text []byte
		into any
	}{{written, &l.Written}, {refused, &l.Refused}, {since, &l.Since}} {
		if err := json.Unmarshal(field.text, field.into); err != nil {
			return nil, fmt.Errorf("reading link %s of item %d: %w", l.Record, l.ItemID, err)
		}
	}
	return &l, nil
}

func split(refs []RecordRef) (items []int64, records []string) {
	for _, ref := range refs {
		items, records = append(items, ref.ItemID), append(records, ref.Record)
	}
	return items, records
}
