package mondayclient

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxWrites is how many mutations go into one document.
const maxWrites = 50

// Write is a change of some columns of an item.
type Write struct {
	BoardID int64
	ItemID  int64

	// Columns holds values in Monday's write form, by column id: "x" for a text, nil to clear.
	// https://developer.monday.com/api-reference/reference/column-types-reference
	Columns map[string]any

	// Archive archives the item instead.
	Archive bool
}

// Write sends the writes, up to 50 in one call, and returns their results in the same order: nil for success.
//
// The second result is the error of a call that failed as a whole. It is also the result of that call's writes and of
// those after it, which are not sent.
//
// https://developer.monday.com/api-reference/reference/columns#change-multiple-column-values
func (c *Client) Write(ctx context.Context, writes []Write) ([]error, error) {
	fates := make([]error, 0, len(writes))
	for group := range slices.Chunk(writes, maxWrites) {
		start := time.Now()
		some, err := c.write(ctx, group)
		if err != nil {
			c.observe("write", start, 0, len(group), err)
			err = fmt.Errorf("writing %d items: %w", len(group), err)
			for len(fates) < len(writes) {
				fates = append(fates, err)
			}
			return fates, err
		}
		done := count(some)
		c.observe("write", start, done, len(group)-done, nil)
		fates = append(fates, some...)
	}
	return fates, nil
}

func count(fates []error) (done int) {
	for _, err := range fates {
		if err == nil {
			done++
		}
	}
	return done
}

// write sends one document with up to 50 mutations.
func (c *Client) write(ctx context.Context, writes []Write) ([]error, error) {
	vars, boards := make(map[string]any, 3*len(writes)), make([]int64, len(writes))
	for i, w := range writes {
		values, err := json.Marshal(w.Columns)
		if err != nil {
			return nil, fmt.Errorf("column values of item %d: not JSON", w.ItemID)
		}
		n := strconv.Itoa(i)
		boards[i], vars["i"+n] = w.BoardID, strconv.FormatInt(w.ItemID, 10)
		if !w.Archive {
			vars["b"+n], vars["v"+n] = strconv.FormatInt(w.BoardID, 10), string(values)
		}
	}
	var data map[string]json.RawMessage
	document := writeDocument(writes)
	failures, err := c.run(ctx, &call{key: idempotencyKey(document, vars), scopes: onBoards(boards...)}, document, vars,
		&data)
	if err != nil {
		return nil, err
	}
	return fatesOf(len(writes), data, failures), nil
}

// writeDocument returns a document with one mutation for each write. An alias for each identifies its part of the
// answer. Every value is a variable.
func writeDocument(writes []Write) string {
	var variables, mutations strings.Builder
	for i, w := range writes {
		if i > 0 {
			variables.WriteString(", ")
		}
		if w.Archive {
			fmt.Fprintf(&variables, "$i%d: ID!", i)
			fmt.Fprintf(&mutations, "\ta%[1]d: archive_item(item_id: $i%[1]d) { id }\n", i)
			continue
		}
		fmt.Fprintf(&variables, "$b%[1]d: ID!, $i%[1]d: ID!, $v%[1]d: JSON!", i)
		fmt.Fprintf(&mutations, "\ta%[1]d: change_multiple_column_values(board_id: $b%[1]d, item_id: $i%[1]d, "+
			"column_values: $v%[1]d) { id }\n", i)
	}
	return "mutation (" + variables.String() + ") {\n" + mutations.String() + "\tcomplexity { after }\n}"
}

// idempotencyKey protects repetitions of one request by the layers below this client. Its random part keeps Monday
// from answering a later request with the same content from memory, since that request may restore a value.
//
// https://developer.monday.com/api-reference/docs/idempotency
func idempotencyKey(document string, vars map[string]any) string {
	content, _ := json.Marshal(vars) // strings only
	sum := sha256.Sum256(append([]byte(document), content...))
	return hex.EncodeToString(sum[:12]) + "-" + rand.Text()
}

// fatesOf returns the result of each write by its alias: its own error, else success if it has data, else the error
// that names no alias.
func fatesOf(n int, data map[string]json.RawMessage, failures []failure) []error {
	fates := make([]error, n)
	var unless error = &Error{Status: http.StatusOK, Code: codeNoFate, Single: true}
	own := map[string]error{}
	for _, f := range failures {
		switch name := f.field(); {
		case name == "":
			unless = f.err
		case own[name] == nil:
			own[name] = f.single()
		}
	}
	for i := range fates {
		alias := "a" + strconv.Itoa(i)
		written := data[alias] != nil && string(data[alias]) != "null"
		switch {
		case own[alias] != nil:
			fates[i] = own[alias]
		case !written:
			fates[i] = unless
		}
	}
	return fates
}
