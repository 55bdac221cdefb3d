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

// maxItems is how many items Monday returns in one call.
const maxItems = 100

// State is Monday's word for whether an item still exists.
type State string

// The states of an item.
const (
	Active   State = "active"
	Archived State = "archived" // can be restored
	Deleted  State = "deleted"  // in the recycle bin: can be restored for 30 days
)

func (s State) isKnown() bool { return s == Active || s.IsEnded() }

// IsEnded reports whether the item is archived or deleted.
func (s State) IsEnded() bool { return s == Archived || s == Deleted }

// Item is an item as Monday has it.
type Item struct {
	ID        int64
	BoardID   int64 // where it is now, since items move between boards; 0: a board hidden from the token
	Name      string
	State     State
	UpdatedAt time.Time // of the item as a whole, in whole seconds; the beginning of 1970 if Monday does not say

	Columns   map[string]column.Value // by column id
	ChangedAt map[string]time.Time    // by column id, if the value carries its time
}

// Items reads up to 100 items in one call, with the columns of these ids, or all if columns is nil. Archived and
// deleted items are included and have that state. Columns that the item's board does not have are absent.
//
// An item is absent if Monday does not return it: it never existed, it was purged from the recycle bin, or the token
// cannot see its board. If single items failed, the others are returned together with the *Error; absence then means
// nothing.
//
// https://developer.monday.com/api-reference/reference/items
func (c *Client) Items(ctx context.Context, ids []int64, columns []string) ([]Item, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > maxItems {
		return nil, fmt.Errorf("reading items (%d): at most %d per call", len(ids), maxItems)
	}
	start := time.Now()
	items, err := c.readItems(ctx, ids, columns)
	c.observe("items", start, len(items), failed(err, len(ids)-len(items)), err)
	if err != nil {
		return items, fmt.Errorf("reading items (%d): %w", len(ids), err)
	}
	return items, nil
}

// failed returns how many rows an error cost.
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

// Existence is where an item is, and whether it still exists.
type Existence struct {
	BoardID int64 // 0: a board hidden from the token
	State   State
}

const existenceDocument = `query ($ids: [ID!]) {
	items(ids: $ids, limit: 100) { id state board { id } }
	complexity { after }
}`

// Existences reads only the state and the board of items, 100 per call. See Items for what the absence of an item
// means.
func (c *Client) Existences(ctx context.Context, ids []int64) (map[int64]Existence, error) {
	known := make(map[int64]Existence, len(ids))
	for group := range slices.Chunk(ids, maxItems) {
		var found existenceReply
		err := c.ask(ctx, question{
			operation: "existences", document: existenceDocument, vars: map[string]any{"ids": texts(group)},
			scopes: onNamed(ctx), asked: len(group),
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

// itemsOf leaves out the items that cannot be read. In that case it returns an error, because an absent item would
// count as unknown to Monday.
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

// itemsDocument requests only what is used: every field costs complexity.
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
	UpdatedAt *string   `json:"updated_at"`
	Board     struct {
		ID column.ID `json:"id"`
	} `json:"board"`
	ColumnValues []column.Answer `json:"column_values"`
}

// item rejects an answer that leaves open whether the item still exists, or how old the answer is.
func (a *itemAnswer) item() (Item, bool) {
	if a == nil {
		return Item{}, false
	}
	updatedAt, err := time.Unix(0, 0), error(nil)
	if a.UpdatedAt != nil {
		updatedAt, err = time.Parse(time.RFC3339, *a.UpdatedAt)
	}
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

// texts returns ids as strings: as JSON numbers of their size they might be read as floats on the way.
func texts(ids []int64) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = fmt.Sprint(id)
	}
	return list
}
