package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// Document is a call that makes items. It is kept from before it is sent until its items are linked.
type Document struct {
	Key     string
	BoardID int64
	Records []string        // Salesforce Ids, by position in Creates
	Creates json.RawMessage // the call
	SentAt  time.Time
	Answer  json.RawMessage // nil: not known
}

// AddDocument keeps a call before it is sent.
func (s *Store) AddDocument(ctx context.Context, d Document) error {
	const query = `INSERT INTO migration_documents (key, board_id, records, creates) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
	_, err := s.pool.Exec(ctx, query, d.Key, d.BoardID, d.Records, d.Creates)
	return doing("keeping a document", err)
}

// AnswerDocument keeps what a call was answered.
func (s *Store) AnswerDocument(ctx context.Context, key string, answer json.RawMessage) error {
	_, err := s.pool.Exec(ctx, "UPDATE migration_documents SET answer = $2 WHERE key = $1", key, answer)
	return doing("keeping an answer", err)
}

// DropDocument forgets a call.
func (s *Store) DropDocument(ctx context.Context, key string) error {
	_, err := s.pool.Exec(ctx, "DELETE FROM migration_documents WHERE key = $1", key)
	return doing("forgetting a document", err)
}

// Documents are the calls of a board that are not settled, oldest first.
func (s *Store) Documents(ctx context.Context, boardID int64) ([]Document, error) {
	const query = `
		SELECT key, board_id, records, creates, sent_at, answer FROM migration_documents
		WHERE  board_id = $1 ORDER BY sent_at, key`
	rows, err := s.pool.Query(ctx, query, boardID)
	if err != nil {
		return nil, doing("reading documents", err)
	}
	documents, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Document])
	return documents, doing("reading documents", err)
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
