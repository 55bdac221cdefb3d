package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// Ids, as arguments and flags.
type (
	itemID      int64
	boardNumber int64
	jobID       int64
	conflictID  int64
)

// UnmarshalText reads an id.
func (id *itemID) UnmarshalText(text []byte) error { return readID(id, text, "an item's id") }

// UnmarshalText reads an id.
func (id *boardNumber) UnmarshalText(text []byte) error { return readID(id, text, "a board's id") }

// UnmarshalText reads an id.
func (id *jobID) UnmarshalText(text []byte) error { return readID(id, text, "a job's id") }

// UnmarshalText reads an id.
func (id *conflictID) UnmarshalText(text []byte) error { return readID(id, text, "a conflict's id") }

// itemList is a flag that names items, with commas between them or repeated. Naming none is an error: the command would
// work on all items.
type itemList []itemID

// Decode reads one occurrence of the flag.
func (l *itemList) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("id", &text); err != nil {
		return err
	}
	for one := range strings.SplitSeq(text, ",") {
		var id itemID
		if err := id.UnmarshalText([]byte(strings.TrimSpace(one))); err != nil {
			return err
		}
		*l = append(*l, id)
	}
	return nil
}

func readID[T ~int64](id *T, text []byte, what string) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n <= 0 {
		return fmt.Errorf("%q is not %s, which is a positive number", text, what)
	}
	*id = T(n)
	return nil
}

// numbers returns ids as numbers.
func numbers[T ~int64](ids []T) (all []int64) {
	for _, id := range ids {
		all = append(all, int64(id))
	}
	return all
}
