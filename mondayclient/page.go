package mondayclient

import (
	"context"
	"encoding/json"
	"fmt"

	"crmsync/mondayclient/column"
)

// pageSize is the maximum number of items in a page of a board.
const pageSize = 500

// recentSize is how many items a page of the newest has: most looks need no more.
const recentSize = 100

const (
	pageItems = `
			cursor
			items {
				id name state updated_at
				board { id }
				column_values(ids: $columns) {
				` + column.Selection + `
				}
			}`

	firstPageDocument = `query ($board: [ID!], $columns: [String!], $limit: Int!) {
	boards(ids: $board) {
		items_page(limit: $limit) {` + pageItems + `
		}
	}
	complexity { after }
}`

	recentDocument = `query ($board: [ID!], $columns: [String!], $limit: Int!) {
	boards(ids: $board) {
		items_page(limit: $limit, query_params: {order_by: [{column_id: "__last_updated__", direction: desc}]}) {` + pageItems + `
		}
	}
	complexity { after }
}`

	nextPageDocument = `query ($cursor: String!, $columns: [String!], $limit: Int!) {
	next_items_page(cursor: $cursor, limit: $limit) {` + pageItems + `
	}
	complexity { after }
}`
)

// Page reads up to 500 active items of a board with the columns of these ids, in one call, and returns the cursor of
// the next page: empty for the first page, and after the last one. A cursor lives for 60 minutes from the first page.
//
// Monday's pages lag behind its writes by some seconds.
//
// https://developer.monday.com/api-reference/reference/items-page
func (c *Client) Page(ctx context.Context, board int64, cursor string,
	columns []string) (items []Item, next string, err error) {
	return c.page(ctx, board, cursor, columns, firstPageDocument, pageSize)
}

// Recent is Page for up to 100 items, latest changes first.
//
// https://developer.monday.com/api-reference/changelog/ability-to-sort-items_page-results-by-creation-or-last-updated-date
func (c *Client) Recent(ctx context.Context, board int64, cursor string,
	columns []string) (items []Item, next string, err error) {
	return c.page(ctx, board, cursor, columns, recentDocument, recentSize)
}

func (c *Client) page(
	ctx context.Context, board int64, cursor string, columns []string, first string, size int,
) (items []Item, next string, err error) {
	q := question{operation: "page", scopes: onBoards(board)}
	q.vars = map[string]any{"columns": columns, "limit": size}
	if len(columns) == 0 {
		q.vars["columns"] = []string{""} // an empty list requests all columns
	}
	if cursor == "" {
		q.document, q.vars["board"] = first, []string{fmt.Sprint(board)}
	} else {
		q.document, q.vars["cursor"] = nextPageDocument, cursor
	}
	var reply pageReply
	if err := c.ask(ctx, q, &reply); err != nil {
		return nil, "", fmt.Errorf("reading a page of board %d: %w", board, err)
	}
	return reply.items, reply.page.Cursor, nil
}

// pageReply is a page, at either place in the answer.
type pageReply struct {
	page  *itemsPage
	items []Item
}

func (r *pageReply) UnmarshalJSON(text []byte) error {
	var data struct {
		Boards []struct {
			Page *itemsPage `json:"items_page"`
		} `json:"boards"`
		Next *itemsPage `json:"next_items_page"`
	}
	err := json.Unmarshal(text, &data)
	if r.page = data.Next; len(data.Boards) == 1 {
		r.page = data.Boards[0].Page
	}
	return err
}

// rows returns false if the page or one of its items is missing, so that a gap does not count as absence.
func (r *pageReply) rows() (int, bool) {
	if r.page == nil || r.page.Items == nil {
		return 0, false
	}
	items, err := itemsOf(r.page.Items)
	r.items = items
	return len(items), err == nil
}
