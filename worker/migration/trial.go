package migration

import "slices"

// trial finds the columns of one item that Monday rejects, with as few calls as possible. If the rejection names a
// column, that column is left out. Otherwise the culprit is found by bisection; a new item is first created without any
// of the columns.
type trial struct {
	pending  [][]string // groups of columns to send, one group per call, the next first
	sent     []string   // columns that Monday accepted
	rejected []rejection
	required string // column that is sent with the others and that the item must have; may be empty
	creating bool   // the next group is sent in the call that creates the item
}

// rejection is a column that Monday rejects, and its error.
type rejection struct {
	column string
	err    error
}

// isOver reports whether there is nothing left to send.
func (t *trial) isOver() bool { return len(t.pending) == 0 }

// next returns the columns to send next.
func (t *trial) next() []string { return t.pending[0] }

// accept records that Monday accepted the columns.
func (t *trial) accept() {
	t.sent = append(t.sent, t.pending[0]...)
	t.pending, t.creating = t.pending[1:], false
}

// reject records that Monday rejected the columns, because of the one that it names or, if it names none, because of
// any of them. It returns false if nothing is left to attempt, so that the item is rejected as a whole.
func (t *trial) reject(named string, err error) bool {
	group := t.pending[0]
	if !t.creating && named == "" && len(group) == 1 {
		named = group[0]
	}
	switch {
	case named != "" && named == t.required:
		return false
	case slices.Contains(group, named):
		t.rejected = append(t.rejected, rejection{named, err})
		t.pending[0] = without(group, named)
		if len(t.pending[0]) == 0 && !t.creating {
			t.pending = t.pending[1:]
		}
	case len(group) == 0:
		return false
	case t.creating:
		t.pending = slices.Concat([][]string{{}}, halves(group), t.pending[1:])
	default:
		t.pending = slices.Concat(halves(group), t.pending[1:])
	}
	return true
}

// without returns the columns but one.
func without(columns []string, id string) []string {
	return slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return c == id })
}

// halves splits columns in two; a single one is not split.
func halves(columns []string) [][]string {
	if len(columns) == 1 {
		return [][]string{columns}
	}
	n := len(columns) / 2
	return [][]string{columns[:n:n], columns[n:]}
}
