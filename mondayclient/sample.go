package mondayclient

import (
	"context"
	"fmt"
	"slices"

	"crmsync/mondayclient/column"
)

const sampleDocument = `query ($ids: [ID!], $columns: [String!]) {
	boards(ids: $ids, limit: 1) {
		page: items_page(limit: 100) {
			items { column_values(ids: $columns) { ... on DateValue { id time } } }
		}
	}
	complexity { after }
}`

// DatesWithTime returns those of the date columns in which at least one of a hundred items of the board has a time of
// day. The column's settings do not show it, since each item may have a time or not.
//
// https://developer.monday.com/api-reference/reference/items-page
func (c *Client) DatesWithTime(ctx context.Context, board int64, columns []string) ([]string, error) {
	var data sampleReply
	err := c.ask(ctx, question{
		operation: "sample", document: sampleDocument,
		vars: map[string]any{"ids": texts([]int64{board}), "columns": columns}, scopes: onBoards(board),
	}, &data)
	if err != nil {
		return nil, fmt.Errorf("reading dates of board %d: %w", board, err)
	}
	return data.timedColumns(), nil
}

type sampleReply struct {
	Boards []*struct {
		Page *struct {
			Items []*struct {
				Values []*column.Answer `json:"column_values"`
			} `json:"items"`
		} `json:"page"`
	} `json:"boards"`
}

func (r *sampleReply) rows() (int, bool) {
	if len(r.Boards) == 0 || r.Boards[0] == nil || r.Boards[0].Page == nil {
		return 0, false
	}
	return present(r.Boards[0].Page.Items), true
}

// timedColumns returns the columns in which an item has a time of day.
func (r *sampleReply) timedColumns() []string {
	var found []string
	for _, item := range r.Boards[0].Page.Items {
		if item == nil {
			continue
		}
		for _, v := range item.Values {
			if v != nil && v.Time != "" {
				found = append(found, v.ID)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
