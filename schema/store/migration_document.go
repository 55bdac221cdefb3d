package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// Document is a call that creates items. It is stored before it is sent, and stays until its items are linked.
type Document struct {
	Key     string
	BoardID int64
	Records []string // Salesforce Ids, by position in Creates
	// the call; an empty list once it was answered, or if the values of one of its items were erased
	Creates json.RawMessage
	SentAt  time.Time
	Answer  json.RawMessage // nil: unknown
}

// AddDocument stores a call before it is sent.
func (s *Store) AddDocument(ctx context.Context, d Document) error {
	const query = `INSERT INTO migration_documents (key, board_id, records, creates) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
	_, err := s.pool.Exec(ctx, query, d.Key, d.BoardID, d.Records, d.Creates)
	return doing("storing a document", err)
}

// AnswerDocument stores the answer to a call, and removes the call's values.
func (s *Store) AnswerDocument(ctx context.Context, key string, answer json.RawMessage) error {
	_, err := s.pool.Exec(ctx, "UPDATE migration_documents SET answer = $2, creates = '[]' WHERE key = $1", key, answer)
	return doing("storing an answer", err)
}

// DropDocument deletes a call.
func (s *Store) DropDocument(ctx context.Context, key string) error {
	_, err := s.pool.Exec(ctx, "DELETE FROM migration_documents WHERE key = $1", key)
	return doing("deleting a document", err)
}

// Documents returns the calls of a board that are not settled, oldest first.
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

// Making returns the items being created for Salesforce Ids, by Id: 0 if the item's id is unknown.
func (s *Store) Making(ctx context.Context, ids []string) (map[string]int64, error) {
	const query = `
		SELECT r.id, coalesce((d.answer->(r.n::int-1)->>'id')::bigint, 0)
		FROM   migration_documents d
		CROSS  JOIN LATERAL unnest(d.records) WITH ORDINALITY AS r(id, n)
		WHERE  d.records && $1 AND r.id = ANY($1)
		AND    (d.answer IS NULL OR d.answer->(r.n::int-1) ? 'id')`
	rows, err := s.pool.Query(ctx, query, ids)
	if err != nil {
		return nil, doing("looking up documents", err)
	}
	making := map[string]int64{}
	var id string
	var item int64
	_, err = pgx.ForEachRow(rows, []any{&id, &item}, func() error {
		making[id] = max(making[id], item)
		return nil
	})
	return making, doing("looking up documents", err)
}
