package mondayclient

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"crmsync/mondayclient/column"
)

// maxTexts is how many texts one call asks for: a page of the answer for each hundred of them.
const maxTexts = 2 * maxItems

const (
	searchNextDocument = `query ($cursor: String!, $columns: [String!]) {
	p0: next_items_page(cursor: $cursor, limit: 100) {` + searchPage + `
	complexity { after }
}`

	searchPage = `
		cursor
		items {
			id name state updated_at
			board { id }
			column_values(ids: $columns) {
			` + column.Selection + `
			}
		}
	}`
)

// searchDocument asks for n pages, each with the items that have one of its own texts.
func searchDocument(n int) string {
	var variables, pages strings.Builder
	for i := range n {
		fmt.Fprintf(&variables, ", $texts%d: [String]!", i)
		fmt.Fprintf(&pages, "\tp%[1]d: items_page_by_column_values(board_id: $board, columns: [{column_id: $column, column_values: $texts%[1]d}], limit: 100) {%[2]s\n",
			i, searchPage)
	}
	return "query ($board: ID!, $column: String!, $columns: [String!]" + variables.String() + ") {\n" + pages.String() + "\tcomplexity { after }\n}"
}

// ItemsBy finds the active items of a board whose column has one of up to 200 texts: one call, and another for each further
// hundred found. The items come with that column alone.
//
// Monday answers from an index: a value that was written seconds ago may not be found yet, and an item may be found by a
// value that it no longer has.
//
// https://developer.monday.com/api-reference/reference/items-page-by-column-values
func (c *Client) ItemsBy(ctx context.Context, board int64, columnID string, texts []string) ([]Item, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	if len(texts) > maxTexts {
		return nil, fmt.Errorf("searching for %d texts: at most %d to a call", len(texts), maxTexts)
	}
	ctx = OnBoards(ctx, board)
	columns := []string{columnID}
	vars := map[string]any{"board": fmt.Sprint(board), "column": columnID, "columns": columns}
	pages := 0
	for some := range slices.Chunk(texts, maxItems) {
		vars[fmt.Sprintf("texts%d", pages)] = some
		pages++
	}
	found, cursors, err := c.search(ctx, searchDocument(pages), vars, pages)
	for err == nil && len(cursors) > 0 {
		var items []Item
		var more []string
		items, more, err = c.search(ctx, searchNextDocument, map[string]any{"cursor": cursors[0], "columns": columns}, 1)
		found, cursors = append(found, items...), append(cursors[1:], more...)
	}
	if err != nil {
		return nil, fmt.Errorf("searching for %d texts: %w", len(texts), err)
	}
	return found, nil
}

// search makes one call. It returns the items of its pages, and the cursors of those that have more. A part that failed
// fails the whole: what is absent must be known to be absent.
func (c *Client) search(ctx context.Context, document string, vars map[string]any, pages int) (items []Item, cursors []string, err error) {
	start := time.Now()
	defer func() { c.observe("search", start, len(items), 0, err) }()
	var data map[string]json.RawMessage
	failures, err := c.run(ctx, &call{scopes: onNamed(ctx)}, document, vars, &data)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range failures {
		if f.field() != "complexity" {
			return nil, nil, f.err
		}
	}
	for n := range pages {
		var page *struct {
			Cursor string        `json:"cursor"`
			Items  []*itemAnswer `json:"items"`
		}
		if json.Unmarshal(data[fmt.Sprintf("p%d", n)], &page) != nil || page == nil {
			return nil, nil, &Error{Status: http.StatusOK, Code: codeUnexpected}
		}
		some, err := itemsOf(page.Items)
		if err != nil {
			return nil, nil, err
		}
		items = append(items, some...)
		if page.Cursor != "" {
			cursors = append(cursors, page.Cursor)
		}
	}
	return items, cursors, nil
}
