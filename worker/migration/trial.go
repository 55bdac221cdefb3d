package migration

import "slices"

// trial finds the columns of one item that Monday refuses, with as few calls as it takes. A refusal that names a column
// leaves that column out. One that names none is narrowed down by halves; where an item is to be created, it is created
// without any of them first.
type trial struct {
	pending  [][]string // groups of columns to send, one group a call, the next first
	sent     []string   // columns that Monday took
	refused  []refusal
	required string // column that is sent with the rest and without which the item must not be; empty: none
	creating bool   // the next group goes with the call that creates the item
}

// refusal is a column that Monday refuses.
type refusal struct {
	column string
	err    error
}

// isOver reports whether there is nothing left to send.
func (t *trial) isOver() bool { return len(t.pending) == 0 }

// next returns the columns to send.
func (t *trial) next() []string { return t.pending[0] }

// accept records that Monday took the columns.
func (t *trial) accept() {
	t.sent = append(t.sent, t.pending[0]...)
	t.pending, t.creating = t.pending[1:], false
}

// refuse records that Monday refused the columns, because of the one that it names or, where it names none, because of
// any of them. It reports whether there is something left to try: else it is the item as a whole that is refused.
func (t *trial) refuse(named string, err error) bool {
	group := t.pending[0]
	if !t.creating && named == "" && len(group) == 1 {
		named = group[0]
	}
	switch {
	case named != "" && named == t.required:
		return false
	case slices.Contains(group, named):
		t.refused = append(t.refused, refusal{named, err})
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

// halves parts columns in two; one alone stays one.
func halves(columns []string) [][]string {
	if len(columns) == 1 {
		return [][]string{columns}
	}
	n := len(columns) / 2
	return [][]string{columns[:n:n], columns[n:]}
}
