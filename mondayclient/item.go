package mondayclient

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"crmsync/mondayclient/column"
)

// maxItems is how many items Monday hands out at once.
const maxItems = 100

// State is what Monday says of whether an item still is.
type State string

// The states of an item.
const (
	Active   State = "active"
	Archived State = "archived" // can be restored
	Deleted  State = "deleted"  // in the bin, from which it can be restored for 30 days
)

func (s State) isKnown() bool { return s == Active || s.IsEnded() }

// IsEnded reports whether Monday has said that the item is archived or deleted.
func (s State) IsEnded() bool { return s == Archived || s == Deleted }

// Item is an item as Monday has it.
type Item struct {
	ID        int64
	BoardID   int64 // where it is now, since items move between boards; 0: a board that the token may not see
	Name      string
	State     State
	UpdatedAt time.Time // of the item as a whole, in whole seconds

	Columns   map[string]column.Value // by column id
	ChangedAt map[string]time.Time    // by column id, where the value tells its time
}

// Items reads up to 100 items in one call, with the columns of these ids, or with all where columns is nil. Archived and
// deleted items are among them, and say so. Columns that the item's board does not have are absent.
//
// An item that is absent is one of which Monday says nothing: there never was one of this id, it has left the bin, or the
// token may not see its board. Where single items failed, the others are returned beside the *Error: then absence
// does not even mean that.
//
// https://developer.monday.com/api-reference/reference/items
func (c *Client) Items(ctx context.Context, ids []int64, columns []string) ([]Item, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > maxItems {
		return nil, fmt.Errorf("reading %d items: at most %d to a call", len(ids), maxItems)
	}
	start := time.Now()
	items, err := c.readItems(ctx, ids, columns)
	c.observe("items", start, len(items), failed(err, len(ids)-len(items)), err)
	if err != nil {
		return items, fmt.Errorf("reading %d items: %w", len(ids), err)
	}
	return items, nil
}

// failed is how many rows an error cost.
func failed(err error, missing int) int {
	if err == nil {
		return 0
	}
	return max(missing, 0)
}

func (c *Client) readItems(ctx context.Context, ids []int64, columns []string) ([]Item, error) {
	vars := map[string]any{"ids": texts(ids)}
	if len(columns) > 0 {
		vars["columns"] = columns
	}
	var data struct {
		Items []*itemAnswer `json:"items"`
	}
	failures, err := c.run(ctx, &call{scopes: onNamed(ctx)}, itemsDocument(columns), vars, &data)
	if err != nil {
		return nil, err
	}
	items, err := itemsOf(data.Items)
	for _, f := range failures {
		switch {
		case f.field() == "complexity":
		case len(f.path) > 1:
			return items, f.single()
		default:
			return nil, f.err
		}
	}
	return items, err
}

// Existence is where an item is, and whether it still is.
type Existence struct {
	BoardID int64 // 0: a board that the token may not see
	State   State
}

const existenceDocument = `query ($ids: [ID!]) {
	items(ids: $ids, limit: 100) { id state board { id } }
	complexity { after }
}`

// Existences asks for nothing but the state and the board of items, 100 to a call. What it means that an item is absent is
// told at Items.
func (c *Client) Existences(ctx context.Context, ids []int64) (map[int64]Existence, error) {
	known := make(map[int64]Existence, len(ids))
	for group := range slices.Chunk(ids, maxItems) {
		var found existenceReply
		err := c.ask(ctx, question{
			operation: "existences", document: existenceDocument, vars: map[string]any{"ids": texts(group)}, scopes: onNamed(ctx), asked: len(group),
		}, &found)
		if err != nil {
			return nil, fmt.Errorf("reading whether %d items exist: %w", len(group), err)
		}
		for _, item := range found.Items {
			known[int64(item.ID)] = Existence{BoardID: int64(item.Board.ID), State: item.State}
		}
	}
	return known, nil
}

type existenceReply struct {
	Items []*struct {
		ID    column.ID `json:"id"`
		State State     `json:"state"`
		Board struct {
			ID column.ID `json:"id"`
		} `json:"board"`
	} `json:"items"`
}

func (r *existenceReply) rows() (int, bool) {
	for _, item := range r.Items {
		if item == nil || item.ID <= 0 || !item.State.isKnown() {
			return 0, false
		}
	}
	return len(r.Items), r.Items != nil
}

// itemsOf leaves out the items that cannot be read. The error says so: else they would pass for unknown to Monday.
func itemsOf(answers []*itemAnswer) (items []Item, err error) {
	if answers == nil {
		return nil, &Error{Status: http.StatusOK, Code: codeUnexpected}
	}
	for _, a := range answers {
		item, ok := a.item()
		if !ok {
			err = &Error{Status: http.StatusOK, Code: codeUnexpected, Single: true}
			continue
		}
		items = append(items, item)
	}
	return items, err
}

// itemsDocument asks for nothing that is not used: what is asked counts against the complexity budget.
func itemsDocument(columns []string) string {
	const document = `query ($ids: [ID!]${variables}) {
	items(ids: $ids, limit: 100) {
		id name state updated_at
		board { id }${columns}
	}
	complexity { after }
}`
	variables, values := "", "\n\t\tcolumn_values${ids} {\n\t\t\t"+column.Selection+"\n\t\t}"
	switch {
	case columns == nil:
		values = strings.Replace(values, "${ids}", "", 1)
	case len(columns) == 0:
		values = ""
	default:
		variables = ", $columns: [String!]"
		values = strings.Replace(values, "${ids}", "(ids: $columns)", 1)
	}
	return strings.NewReplacer("${variables}", variables, "${columns}", values).Replace(document)
}

type itemAnswer struct {
	ID        column.ID `json:"id"`
	Name      string    `json:"name"`
	State     State     `json:"state"`
	UpdatedAt string    `json:"updated_at"`
	Board     struct {
		ID column.ID `json:"id"`
	} `json:"board"`
	ColumnValues []column.Answer `json:"column_values"`
}

// item refuses an answer that leaves open whether the item still is, or how old it is.
func (a *itemAnswer) item() (Item, bool) {
	if a == nil {
		return Item{}, false
	}
	updatedAt, err := time.Parse(time.RFC3339, a.UpdatedAt)
	if err != nil || a.ID <= 0 || !a.State.isKnown() {
		return Item{}, false
	}
	item := Item{
		ID: int64(a.ID), BoardID: int64(a.Board.ID), Name: a.Name, State: a.State, UpdatedAt: updatedAt.UTC(),
		Columns: make(map[string]column.Value, len(a.ColumnValues)), ChangedAt: map[string]time.Time{},
	}
	for _, one := range a.ColumnValues {
		value, changedAt := column.FromAPI(one)
		item.Columns[one.ID] = value
		if !changedAt.IsZero() {
			item.ChangedAt[one.ID] = changedAt
		}
	}
	return item, true
}

// texts are ids as GraphQL wants them: a JSON number of their size may be read as a float on the way.
func texts(ids []int64) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = fmt.Sprint(id)
	}
	return list
}
