package mondayclient

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"crmsync/mondayclient/column"
)

const columnsDocument = `query ($ids: [ID!]) {
	boards(ids: $ids, limit: 1) { columns { id type } }
	complexity { after }
}`

// ColumnTypes are the types of a board's columns, by column id.
//
// https://developer.monday.com/api-reference/reference/columns
func (c *Client) ColumnTypes(ctx context.Context, board int64) (map[string]column.Type, error) {
	start := time.Now()
	types, err := c.columnTypes(ctx, board)
	c.observe("columns", start, len(types), 0, err)
	if err != nil {
		return nil, fmt.Errorf("reading the columns of board %d: %w", board, err)
	}
	return types, nil
}

func (c *Client) columnTypes(ctx context.Context, board int64) (map[string]column.Type, error) {
	var data struct {
		Boards []*struct {
			Columns []struct {
				ID   string      `json:"id"`
				Type column.Type `json:"type"`
			} `json:"columns"`
		} `json:"boards"`
	}
	failures, err := c.run(ctx, &call{}, columnsDocument, map[string]any{"ids": texts([]int64{board})}, &data)
	if err != nil {
		return nil, err
	}
	for _, f := range failures {
		if f.field() != "complexity" {
			return nil, f.err
		}
	}
	if data.Boards == nil {
		return nil, &Error{Status: http.StatusOK, Code: codeUnexpected}
	}
	if len(data.Boards) == 0 || data.Boards[0] == nil {
		return nil, &Error{Status: http.StatusOK, Code: "InvalidBoardIdException"}
	}
	types := map[string]column.Type{}
	for _, c := range data.Boards[0].Columns {
		types[c.ID] = c.Type
	}
	return types, nil
}
