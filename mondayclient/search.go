package mondayclient

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"crmsync/mondayclient/column"
)

const (
	searchDocument = `query ($board: ID!, $column: String!, $texts: [String]!, $columns: [String!]) {
	page: items_page_by_column_values(board_id: $board, columns: [{column_id: $column, column_values: $texts}], limit: 100) {` + searchPage

	searchNextDocument = `query ($cursor: String!, $columns: [String!]) {
	page: next_items_page(cursor: $cursor, limit: 100) {` + searchPage

	searchPage = `
		cursor
		items {
			id name state updated_at
			board { id }
			column_values(ids: $columns) {
			` + column.Selection + `
			}
		}
	}
	complexity { after }
}`
)

// ItemsBy finds the active items of a board whose column has one of up to 100 texts: one call, and another for each further
// hundred found. The items come with that column alone.
//
// Monday answers from an index: a value that was written seconds ago may not be found yet.
//
// https://developer.monday.com/api-reference/reference/items-page-by-column-values
func (c *Client) ItemsBy(ctx context.Context, board int64, columnID string, texts []string) ([]Item, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	if len(texts) > maxItems {
		return nil, fmt.Errorf("searching for %d texts: at most %d to a call", len(texts), maxItems)
	}
	var found []Item
	document, vars := searchDocument, map[string]any{"board": fmt.Sprint(board), "column": columnID, "texts": texts}
	for {
		vars["columns"] = []string{columnID}
		start := time.Now()
		items, cursor, err := c.search(ctx, document, vars)
		c.observe("search", start, len(items), 0, err)
		if err != nil {
			return nil, fmt.Errorf("searching for %d texts: %w", len(texts), err)
		}
		if found = append(found, items...); cursor == "" {
			return found, nil
		}
		document, vars = searchNextDocument, map[string]any{"cursor": cursor}
	}
}

// search reads one page. A part that failed fails the whole: what is absent must be known to be absent.
func (c *Client) search(ctx context.Context, document string, vars map[string]any) ([]Item, string, error) {
	var data struct {
		Page *struct {
			Cursor string        `json:"cursor"`
			Items  []*itemAnswer `json:"items"`
		} `json:"page"`
	}
	failures, err := c.run(ctx, &call{}, document, vars, &data)
	if err != nil {
		return nil, "", err
	}
	for _, f := range failures {
		if f.field() != "complexity" {
			return nil, "", f.err
		}
	}
	if data.Page == nil {
		return nil, "", &Error{Status: http.StatusOK, Code: codeUnexpected}
	}
	items, err := itemsOf(data.Page.Items)
	return items, data.Page.Cursor, err
}
