package migration

import (
	"context"
	"fmt"
	"slices"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// board holds what a migration needs to know about the board.
type board struct {
	types  map[string]column.Type // by column id
	labels map[string][]string    // of the status and dropdown columns whose labels are known
}

// readBoard reads the board. It fails if the board lacks something that every item needs.
func (s *session) readBoard(ctx context.Context) error {
	read, err := repeat(ctx, s, "reading the board", func() (mondayclient.Board, error) {
		return s.config.Monday.Board(ctx, s.migration.Board.ID)
	})
	if err != nil {
		return err
	}
	s.board = board{types: map[string]column.Type{}, labels: map[string][]string{}}
	for _, c := range read.Columns {
		s.board.types[c.ID] = c.Type
		if len(c.Labels) > 0 {
			s.board.labels[c.ID] = c.Labels
		}
	}
	for _, t := range s.migration.Targets {
		if _, ok := s.board.types[t.Column]; !ok && t.Column != ledger.NameColumn {
			s.config.Log.Warn("the board has no such column: its field is left out",
				"board", s.migration.Board.ID, "column", t.Column, "field", t.Field)
		}
	}
	return s.board.check(s.migration, read.Groups)
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
