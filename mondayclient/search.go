package mondayclient

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"crmsync/mondayclient/column"
)

// maxTexts is how many texts one call searches for, with one page for each hundred of them.
const maxTexts = 10 * maxItems

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

// searchDocument requests n pages, each with the items that have one of its own texts.
func searchDocument(n int) string {
	var variables, pages strings.Builder
	for i := range n {
		fmt.Fprintf(&variables, ", $texts%d: [String]!", i)
		const page = "\tp%[1]d: items_page_by_column_values(" +
			"board_id: $board, columns: [{column_id: $column, column_values: $texts%[1]d}], limit: 100) {%[2]s\n"
		fmt.Fprintf(&pages, page, i, searchPage)
	}
	return "query ($board: ID!, $column: String!, $columns: [String!]" + variables.String() + ") {\n" +
		pages.String() + "\tcomplexity { after }\n}"
}

// ItemsBy finds the active items of a board whose column has one of up to 1,000 texts: one call, and another for each
// further hundred found. The items come with that column alone.
//
// Monday answers from an index that lags behind: a value written seconds ago may not be found yet, and an item may be
// found by a value that it no longer has.
//
// https://developer.monday.com/api-reference/reference/items-page-by-column-values
func (c *Client) ItemsBy(ctx context.Context, board int64, columnID string, texts []string) ([]Item, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	if len(texts) > maxTexts {
		return nil, fmt.Errorf("searching for %d texts: at most %d per call", len(texts), maxTexts)
	}
	q := question{operation: "search", scopes: onBoards(board)}
	columns := []string{columnID}
	vars := map[string]any{"board": fmt.Sprint(board), "column": columnID, "columns": columns}
	pages := 0
	for some := range slices.Chunk(texts, maxItems) {
		vars[fmt.Sprintf("texts%d", pages)] = some
		pages++
	}
	q.document, q.vars = searchDocument(pages), vars
	found := pagesReply{pages: make([]*itemsPage, pages)}
	err := c.ask(ctx, q, &found)
	items, cursors := found.items, found.cursors
	for err == nil && len(cursors) > 0 {
		next := pagesReply{pages: make([]*itemsPage, 1)}
		q.document, q.vars = searchNextDocument, map[string]any{"cursor": cursors[0], "columns": columns}
		err = c.ask(ctx, q, &next)
		items, cursors = append(items, next.items...), append(cursors[1:], next.cursors...)
	}
	if err != nil {
		return nil, fmt.Errorf("searching for %d texts: %w", len(texts), err)
	}
	return items, nil
}

// pagesReply holds the pages p0, p1 and so on, their items and the cursors of those that have more.
type pagesReply struct {
	pages   []*itemsPage
	items   []Item
	cursors []string
}

type itemsPage struct {
	Cursor string        `json:"cursor"`
	Items  []*itemAnswer `json:"items"`
}

func (r *pagesReply) UnmarshalJSON(text []byte) error {
	data := objectOf(text)
	for n := range r.pages {
		if raw, ok := data[fmt.Sprintf("p%d", n)]; ok {
			if err := json.Unmarshal(raw, &r.pages[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// rows returns false if a page or an item is missing, so that a gap does not count as absence.
func (r *pagesReply) rows() (int, bool) {
	for _, page := range r.pages {
		if page == nil {
			return 0, false
		}
		items, err := itemsOf(page.Items)
		if err != nil {
			return 0, false
		}
		r.items = append(r.items, items...)
		if page.Cursor != "" {
			r.cursors = append(r.cursors, page.Cursor)
		}
	}
	return len(r.items), true
}
