package migration

import (
	"fmt"
	"slices"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// board holds what a migration needs to know about the board.
type board struct {
	types  map[string]column.Type // by column id
	labels map[string][]string    // of the status and dropdown columns whose labels are known
}

// typeOf returns the type of a column, or of the items' name; empty: the board has no such column.
func (b board) typeOf(id string) column.Type {
	if id == ledger.NameColumn {
		return column.Text
	}
	return b.types[id]
}

// check returns an error for what the board lacks.
func (b board) check(m *mapping.Migration, groups []string) error {
	lacks := &BoardError{Board: m.Board.Name, BoardID: m.Board.ID}
	if _, ok := b.types[m.Record.IDColumn]; !ok {
		lacks.What, lacks.For = fmt.Sprintf("column %q", m.Record.IDColumn), "which shows the Id of an item's record"
		return lacks
	}
	if m.Group != "" && len(groups) > 0 && !slices.Contains(groups, m.Group) {
		lacks.What, lacks.For = fmt.Sprintf("group %q", m.Group), "where new items go"
		return lacks
	}
	return nil
}

// missing returns the label of a value if the column does not have it.
func (b board) missing(id string, v column.Value) (label string, missing bool) {
	known, has := b.labels[id]
	if !has {
		return "", false
	}
	wanted := v.Labels
	if v.Type == column.Status && v.Text != "" {
		wanted = []string{v.Text}
	}
	for _, label := range wanted {
		if !slices.Contains(known, label) {
			return label, true
		}
	}
	return "", false
}
