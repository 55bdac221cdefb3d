package store

import (
	"context"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
)

// Search is what to look for. An item is found if one of these matches.
type Search struct {
	Items         []int64  // ids
	SalesforceIDs []string // of 18 characters, of records that items have or had
	Emails        []string // in lower case
	Phones        []string // digits, in every form in which they may have been entered
	Name          string   // words, or beginnings of words, of the item's name
}

// FoundItem is an item that a search found.
type FoundItem struct {
	ItemID, BoardID int64
	Name            string
	DeletedAt       *time.Time // nil: it is alive
	DeadLetters     int        // open dead letters
	Rejected        bool       // a value of it is rejected
	Suppressed      bool       // a person erased it for good
}

// SearchItems returns up to limit items, those that are alive first, then by name.
func (s *Store) SearchItems(ctx context.Context, q Search, limit int) ([]FoundItem, error) {
	// Very many hits are cut before they are sorted.
	const query = `
		WITH hits AS (
			(SELECT item_id FROM items WHERE item_id = ANY($1))
			UNION
			(SELECT item_id FROM links WHERE salesforce_id = ANY($2) LIMIT 1000)
			UNION
			(SELECT item_id FROM links WHERE ended_id IS NOT NULL AND string_to_array(ended_id, ' ') && $2 LIMIT 1000)
			UNION
			(SELECT item_id FROM item_keys WHERE key = ANY($3) LIMIT 1000)
			UNION
			(SELECT item_id FROM items
			 WHERE  $4 <> '' AND to_tsvector('simple', regexp_replace(name, '[^[:alnum:]]+', ' ', 'g')) @@ to_tsquery('simple', $4)
			 LIMIT  1000)
		)
		SELECT i.item_id, i.board_id, i.name, i.deleted_at,
		       (SELECT count(*) FROM dead_letters d WHERE (d.args->>'item_id')::bigint = i.item_id AND ` + isOpen + `),
		       EXISTS (SELECT FROM links l WHERE l.item_id = i.item_id AND l.refused <> '{}'), i.suppressed_at IS NOT NULL
		FROM   hits JOIN items i USING (item_id)
		ORDER  BY i.deleted_at IS NOT NULL, i.name, i.item_id
		LIMIT  $5`
	rows, err := s.pool.Query(ctx, query, list(q.Items), list(q.SalesforceIDs),
		append(list(q.Emails), q.Phones...), wordQuery(q.Name), limit)
	if err != nil {
		return nil, doing("searching items", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[FoundItem])
	return found, doing("searching items", err)
}

// ItemNames returns the names of items by id.
func (s *Store) ItemNames(ctx context.Context, ids []int64) (map[int64]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT item_id, name FROM items WHERE item_id = ANY($1)`, list(ids))
	if err != nil {
		return nil, doing("reading names of items", err)
	}
	names := map[int64]string{}
	var id int64
	var name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		names[id] = name
		return nil
	})
	return names, doing("reading names of items", err)
}

// wordQuery returns the text search query for all words of a text, each of which may be the beginning of a word.
// Single letters are left out next to longer words; without any, they are searched for as they are.
func wordQuery(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) &&
			!unicode.IsMark(r)
	})
	var parts, letters []string
	for _, word := range words {
		if len([]rune(word)) > 1 {
			parts = append(parts, word+":*")
		} else {
			letters = append(letters, word)
		}
	}
	if len(parts) == 0 {
		parts = letters
	}
	return strings.Join(parts, " & ")
}

// list returns an empty list for nil, which Postgres would take as NULL.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
