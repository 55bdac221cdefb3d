package mondayclient

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"crmsync/mondayclient/column"
)

const boardsDocument = `query ($ids: [ID!], $limit: Int!) {
	boards(ids: $ids, limit: $limit) { id name items_count columns { id title type archived settings } groups { id } }
	complexity { after }
}`

const boardNamesDocument = `query {
	boards(limit: 100, order_by: used_at) { id name }
	complexity { after }
}`

// maxBoards is how many boards one call reads: their columns cost complexity.
const maxBoards = 25

// Board is the structure of a board.
type Board struct {
	ID      int64
	Name    string
	Columns []BoardColumn // without archived ones
	Groups  []string      // ids, in the board's order
	Items   int           // active ones, as counted by Monday; 0: unknown
}

// BoardColumn is a column of a board.
type BoardColumn struct {
	ID    string
	Title string
	Type  column.Type

	// Labels are the labels of a status or a dropdown that can be chosen now, in Monday's order.
	Labels []string

	// Boards are the boards whose items a connect-boards column can link; empty if Monday does not say.
	Boards []int64
}

// Boards reads boards and their columns, 25 per call. Boards that are archived or not visible to the token are absent.
//
// https://developer.monday.com/api-reference/reference/boards
func (c *Client) Boards(ctx context.Context, ids []int64) ([]Board, error) {
	var boards []Board
	for group := range slices.Chunk(ids, maxBoards) {
		var found boardsReply
		err := c.ask(ctx, question{
			operation: "boards", document: boardsDocument, vars: map[string]any{"ids": texts(group), "limit": len(group)},
			scopes: onBoards(group...), asked: len(group),
		}, &found)
		if err != nil {
			return nil, fmt.Errorf("reading %d boards: %w", len(group), err)
		}
		for _, b := range found.Boards {
			if b != nil {
				boards = append(boards, b.board())
			}
		}
	}
	return boards, nil
}

// BoardNames lists the hundred most recently used active boards that the token can see, without their columns.
//
// https://developer.monday.com/api-reference/reference/boards
func (c *Client) BoardNames(ctx context.Context) ([]Board, error) {
	var found boardsReply
	if err := c.ask(ctx, question{operation: "board names", document: boardNamesDocument}, &found); err != nil {
		return nil, fmt.Errorf("listing boards: %w", err)
	}
	var boards []Board
	for _, b := range found.Boards {
		if b != nil {
			boards = append(boards, b.board())
		}
	}
	return boards, nil
}

type boardsReply struct {
	Boards []*boardAnswer `json:"boards"`
}

func (r *boardsReply) rows() (int, bool) { return present(r.Boards), r.Boards != nil }

// present counts the elements that are not null.
func present[T any](list []*T) (n int) {
	for _, one := range list {
		if one != nil {
			n++
		}
	}
	return n
}

type boardAnswer struct {
	ID      column.ID `json:"id"`
	Name    string    `json:"name"`
	Items   int       `json:"items_count"`
	Columns []struct {
		ID       string          `json:"id"`
		Title    string          `json:"title"`
		Type     column.Type     `json:"type"`
		Archived bool            `json:"archived"`
		Settings json.RawMessage `json:"settings"`
	} `json:"columns"`
	Groups []*struct {
		ID string `json:"id"`
	} `json:"groups"`
}

func (a *boardAnswer) board() Board {
	b := Board{ID: int64(a.ID), Name: a.Name, Items: a.Items}
	for _, c := range a.Columns {
		if c.Archived {
			continue
		}
		s := readSettings(c.Settings)
		b.Columns = append(b.Columns, BoardColumn{ID: c.ID, Title: c.Title, Type: c.Type, Labels: s.labels(),
			Boards: s.boards()})
	}
	for _, g := range a.Groups {
		if g != nil {
			b.Groups = append(b.Groups, g.ID)
		}
	}
	return b
}

// Board reads one board. If it is archived or not visible to the token, Board returns an *Error.
func (c *Client) Board(ctx context.Context, id int64) (Board, error) {
	boards, err := c.Boards(ctx, []int64{id})
	if err != nil {
		return Board{}, err
	}
	if len(boards) == 0 {
		return Board{}, fmt.Errorf("reading board %d: %w", id, &Error{Status: http.StatusOK, Code: codeNoBoard})
	}
	return boards[0], nil
}
