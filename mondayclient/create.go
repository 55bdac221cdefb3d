package mondayclient

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"crmsync/mondayclient/column"
)

// Create is an item to create.
type Create struct {
	BoardID int64  `json:"board"`
	Group   string `json:"group,omitempty"` // id; empty: the board's first
	Name    string `json:"name"`            // 1 to 255 characters

	// Columns holds values in Monday's write form, by column id.
	// https://developer.monday.com/api-reference/reference/column-types-reference
	Columns map[string]any `json:"columns"`
}

// Created is the result of a Create: the new item's id, or an error.
type Created struct {
	ID  int64
	Err error
}

// CreateKey returns an idempotency key for creating these items within a scope, such as a run: the same items of the
// same scope have the same key.
func CreateKey(scope string, creates []Create) (string, error) {
	content, err := json.Marshal(creates)
	if err != nil {
		return "", fmt.Errorf("column values of %d items: not JSON", len(creates))
	}
	sum := sha256.Sum256(append([]byte(scope+"\n"), content...))
	return hex.EncodeToString(sum[:]), nil
}

// Create creates up to 50 items in one call and returns their results in the same order. A call is not atomic: after an
// error, some of its items may exist. Repeating the call with the same key is safe: for 30 minutes after the first
// call, Monday answers from memory.
//
// https://developer.monday.com/api-reference/reference/items#create-an-item
// https://developer.monday.com/api-reference/docs/idempotency
func (c *Client) Create(ctx context.Context, creates []Create, key string) ([]Created, error) {
	if len(creates) == 0 {
		return nil, nil
	}
	if len(creates) > maxWrites {
		return nil, fmt.Errorf("creating %d items: at most %d per call", len(creates), maxWrites)
	}
	start := time.Now()
	created, err := c.create(ctx, creates, key)
	if err != nil {
		c.observe("create", start, 0, len(creates), err)
		return nil, fmt.Errorf("creating %d items: %w", len(creates), err)
	}
	failed := 0
	for _, m := range created {
		if m.Err != nil {
			failed++
		}
	}
	c.observe("create", start, len(created)-failed, failed, nil)
	return created, nil
}

// create sends one document with up to 50 mutations.
func (c *Client) create(ctx context.Context, creates []Create, key string) ([]Created, error) {
	vars, boards := make(map[string]any, 4*len(creates)), make([]int64, len(creates))
	for i, one := range creates {
		values, err := json.Marshal(one.Columns)
		if err != nil {
			return nil, fmt.Errorf("column values of a new item: not JSON")
		}
		n := strconv.Itoa(i)
		boards[i] = one.BoardID
		vars["b"+n], vars["n"+n], vars["v"+n] = strconv.FormatInt(one.BoardID, 10), one.Name, string(values)
		if one.Group != "" {
			vars["g"+n] = one.Group
		}
	}
	var data map[string]json.RawMessage
	failures, err := c.run(ctx, &call{key: key, scopes: onBoards(boards...)}, createDocument(len(creates)), vars, &data)
	if err != nil {
		return nil, err
	}
	created := make([]Created, len(creates))
	for i, fate := range fatesOf(len(creates), data, failures) {
		var item struct{ ID column.ID }
		switch {
		case fate != nil:
			created[i].Err = fate
		case json.Unmarshal(data["a"+strconv.Itoa(i)], &item) != nil || item.ID <= 0:
			created[i].Err = &Error{Status: http.StatusOK, Code: codeUnexpected, Single: true}
		default:
			created[i].ID = int64(item.ID)
		}
	}
	return created, nil
}

// createDocument returns a document with one mutation for each item. An alias for each identifies its part of the
// answer.
func createDocument(n int) string {
	var variables, mutations strings.Builder
	for i := range n {
		if i > 0 {
			variables.WriteString(", ")
		}
		fmt.Fprintf(&variables, "$b%[1]d: ID!, $g%[1]d: String, $n%[1]d: String!, $v%[1]d: JSON", i)
		fmt.Fprintf(&mutations, "\ta%[1]d: create_item(board_id: $b%[1]d, group_id: $g%[1]d, item_name: $n%[1]d, "+
			"column_values: $v%[1]d) { id }\n", i)
	}
	return "mutation (" + variables.String() + ") {\n" + mutations.String() + "\tcomplexity { after }\n}"
}
