package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErasedTable counts the rows of a table that contained values of an erased item.
type ErasedTable struct {
	Table string
	Rows  int64
}

// withoutQuotations is the SQL expression for a text %s without what a reason may quote, such as a label.
const withoutQuotations = `regexp_replace(%s, '"(\\.|[^"\\])+"', '"…"', 'g')`

// WithoutQuotations returns the SQL expression for a text without its quotations, and the condition that it has any.
func WithoutQuotations(text string) (expression, condition string) {
	expression = fmt.Sprintf(withoutQuotations, text)
	return expression, text + " IS DISTINCT FROM " + expression
}

// ArgsWithoutValues is the SQL expression of a job's arguments without an item's values. A pending event will read the
// item from Monday instead. An unreadable delivery keeps the reason why it is unreadable.
const ArgsWithoutValues = `
	CASE WHEN args ? 'body' THEN args || '{"body": ""}'
	     WHEN args ? 'value' OR args ? 'name' THEN args - 'value' - 'name' || jsonb_build_object('redelivered', true, 'changed_at', 0)
	          || CASE WHEN args ? 'column_type' THEN '{"column_type": ""}'::jsonb ELSE '{}'::jsonb END
	     ELSE args END`

// NamesItem is the condition that a job is about the item $1, or is an unreadable delivery that names it.
const NamesItem = `
	(args->>'item_id' = $1::text
	 OR args ? 'body' AND args->>'body' <> ''
	    AND encode(decode(args->>'body', 'base64'), 'escape') ~ ('(^|[^0-9])' || $1::text || '([^0-9]|$)'))`

// erasures are the statements that remove the values of the item $1. Each works on the rows of one table.
func erasures() []struct{ table, query string } {
	letter, letterQuotes := WithoutQuotations("reason")
	message, messageQuotes := WithoutQuotations("message")
	response, responseQuotes := WithoutQuotations("response_data->>'reason'")
	logs := `
		UPDATE %s SET response_data = jsonb_set(response_data, '{reason}', to_jsonb(` + response + `))
		WHERE  item_id = $1::bigint AND ` + responseQuotes
	return []struct{ table, query string }{
		// A batch that works on the item loses its lease, and so writes nothing back.
		{"items", `
			UPDATE items SET name = '', name_at = NULL, columns = '{}', known = false, lease_holder = NULL, lease_until = NULL
			WHERE  item_id = $1::bigint AND (name <> '' OR columns <> '{}' OR lease_holder IS NOT NULL)`},
		{"item_keys", `DELETE FROM item_keys WHERE item_id = $1::bigint`},
		{"links", `
			UPDATE links SET written = '{}', refused = '{}', since = '{}', mapped = '{}', held = '{}', turns = '{}', doubts = '{}'
			WHERE  item_id = $1::bigint AND (written, refused, since, held, doubts)
			       IS DISTINCT FROM ('{}'::jsonb, '{}'::jsonb, '{}'::jsonb, '{}'::jsonb, '{}'::jsonb)`},
		{"conflicts", `
			UPDATE conflicts SET base = NULL, monday = NULL, salesforce = NULL, take = NULL
			WHERE  item_id = $1::bigint AND (base IS NOT NULL OR monday IS NOT NULL OR salesforce IS NOT NULL)`},
		{"dead_letters", `
			UPDATE dead_letters SET args = ` + ArgsWithoutValues + `, reason = ` + letter + `
			WHERE  ((args->>'item_id')::bigint = $1::bigint OR args ? 'body' AND ` + NamesItem + `)
			AND    (args ?| ARRAY['value', 'name', 'body'] OR ` + letterQuotes + `)`},
		{"sync_logs", fmt.Sprintf(logs, "sync_logs")},
		{"sync_log_history", fmt.Sprintf(logs, "sync_log_history")},
		{"error_logs", `UPDATE error_logs SET message = ` + message + ` WHERE item_id = $1::bigint AND ` + messageQuotes},
		// A call that creates the item and whose answer is unknown loses its values too.
		{"migration_documents", `
			UPDATE migration_documents d SET creates = '[]'
			FROM   links l
			WHERE  l.item_id = $1::bigint AND creates <> '[]' AND d.records && (l.salesforce_id || string_to_array(l.ended_id, ' '))`},
	}
}

// Erase removes an item's values from the store: its name and columns, values that were written, rejected, held or in
// conflict, labels in reasons, and the contents of its dead letters and of unreadable deliveries that name it. Ids and
// outcomes remain. It returns a count for each table.
func (s *Store) Erase(ctx context.Context, tx pgx.Tx, item int64) (erased []ErasedTable, err error) {
	for _, e := range erasures() {
		tag, err := tx.Exec(ctx, e.query, fmt.Sprint(item))
		if err != nil {
			return nil, doing("erasing an item from "+e.table, err)
		}
		erased = append(erased, ErasedTable{e.table, tag.RowsAffected()})
	}
	return erased, nil
}

// Suppress keeps an item from returning: its events are skipped, and no comparison or import adds it again. The item
// need not be known.
func (s *Store) Suppress(ctx context.Context, tx pgx.Tx, item int64) error {
	const query = `
		INSERT INTO items AS i (item_id, board_id, suppressed_at) VALUES ($1, 0, now())
		ON CONFLICT (item_id) DO UPDATE SET suppressed_at = coalesce(i.suppressed_at, now())`
	_, err := tx.Exec(ctx, query, item)
	return doing("suppressing an item", err)
}

// Suppressed returns which of the items are suppressed.
func (s *Store) Suppressed(ctx context.Context, items []int64) (map[int64]bool, error) {
	rows, err := s.pool.Query(ctx, `SELECT item_id FROM items WHERE suppressed_at IS NOT NULL AND item_id = ANY($1)`,
		items)
	if err != nil {
		return nil, doing("reading suppressed items", err)
	}
	suppressed := map[int64]bool{}
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		suppressed[id] = true
		return nil
	})
	return suppressed, doing("reading suppressed items", err)
}

// forgetDeleted is the statement that removes the values of items that were deleted before $1.
const forgetDeleted = `
	WITH old AS (
		SELECT item_id FROM items
		WHERE  deleted_at < $1 AND (name <> '' OR columns <> '{}') AND (lease_until IS NULL OR lease_until < now())
		LIMIT  $2
		FOR    UPDATE SKIP LOCKED
	), links_of_old AS (
		UPDATE links SET written = '{}', refused = '{}', since = '{}', mapped = '{}', held = '{}', turns = '{}', doubts = '{}'
		WHERE  item_id IN (SELECT item_id FROM old)
	), keys_of_old AS (
		DELETE FROM item_keys WHERE item_id IN (SELECT item_id FROM old)
	)
	UPDATE items SET name = '', name_at = NULL, columns = '{}', known = false WHERE item_id IN (SELECT item_id FROM old)`

// PersonItem is an item that contains a person's e-mail address or phone number.
type PersonItem struct {
	ItemID, BoardID int64
	Name            string
	DeletedAt       *time.Time // nil: it is alive
	Suppressed      bool
	Records         []string // of Salesforce: "Lead 00Q..."
	In              []string // tables
}

// FindPerson returns the items that contain a text, regardless of case, or a sequence of digits, regardless of what
// separates digits in phone numbers. Empty ones are ignored. It reads all stored values.
func (s *Store) FindPerson(ctx context.Context, text, digits string) ([]PersonItem, error) {
	const holds = `
		(($1 <> '' AND position(lower($1) IN lower(%[1]s)) > 0) OR ($2 <> '' AND position($2 IN translate(%[1]s, ' -().+/', '')) > 0))`
	strings := func(json string) string {
		return fmt.Sprintf(`jsonb_path_query_array(%s, 'strict $.** ? (@.type() == "string")')::text`, json)
	}
	in := func(expression string) string { return fmt.Sprintf(holds, expression) }
	query := `
		WITH hits AS (
			SELECT item_id, 'items' AS name FROM items WHERE ` + in("name") + ` OR ` + in(strings("columns")) + `
			UNION SELECT item_id, 'links' FROM links WHERE ` + in(strings("jsonb_build_array(written, refused, held, doubts)")) + `
			UNION SELECT item_id, 'conflicts' FROM conflicts WHERE ` + in(strings("jsonb_build_array(base, monday, salesforce)")) + `
			UNION SELECT (args->>'item_id')::bigint, 'dead_letters' FROM dead_letters WHERE args ? 'item_id' AND ` + in(strings("args")) + `
			UNION SELECT (args->>'item_id')::bigint, 'river_job' FROM river_job WHERE args ? 'item_id' AND ` + in(strings("args")) + `
		)
		SELECT h.item_id, coalesce(i.board_id, 0), coalesce(i.name, ''), i.deleted_at, i.suppressed_at IS NOT NULL,
		       coalesce((SELECT array_agg(l.object || ' ' || l.salesforce_id ORDER BY l.record) FROM links l
		                 WHERE l.item_id = h.item_id AND l.salesforce_id IS NOT NULL), '{}'),
		       array_agg(h.name ORDER BY h.name)
		FROM   hits h LEFT JOIN items i USING (item_id)
		GROUP  BY h.item_id, i.item_id
		ORDER  BY h.item_id`
	rows, err := s.pool.Query(ctx, query, text, digits)
	if err != nil {
		return nil, doing("looking for a person", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[PersonItem])
	return found, doing("looking for a person", err)
}
