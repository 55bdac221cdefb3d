package monday

import (
	"cmp"
	"fmt"
	"slices"
)

// MoveItem moves an item to the first group of another board, as a person does. Values move to the columns that match
// best; values without such a column are lost. Monday has no webhook for it: the item's next event names the new board.
func (s *Sim) MoveItem(id, board int64) {
	s.actOn(id, func(c *change, it *item) error {
		b := s.boards[board]
		if b == nil {
			return fmt.Errorf("no board %d", board)
		}
		return c.moveToBoard(it, b, "", it.board.bestMatch(b))
	})
}

// PurgeItem removes an item for good, as Monday does after 30 days in the recycle bin.
func (s *Sim) PurgeItem(id int64) {
	s.actOn(id, func(c *change, it *item) error {
		it.board.leave(it)
		delete(s.items, id)
		return nil
	})
}

// bestMatch pairs columns with those of another board: by id if the type is the same, else by title and type.
func (b *board) bestMatch(to *board) map[string]string {
	pairs := map[string]string{}
	for _, c := range b.columns {
		if same := to.byID[c.ID]; same != nil && same.Type == c.Type {
			pairs[c.ID] = c.ID
			continue
		}
		n := slices.IndexFunc(to.columns, func(other *column) bool {
			return other.Type == c.Type && other.Title == c.Title &&
				c.Title != ""
		})
		if n >= 0 {
			pairs[c.ID] = to.columns[n].ID
		}
	}
	return pairs
}

func (s *Sim) moveItemToBoard(a args) (any, error) {
	return s.mutateItem(args{"item_id": a["item_id"]}, func(c *change, it *item) error {
		to, err := s.board(a)
		if err != nil {
			return err
		}
		if err := s.mayWrite(c.user, to, noBoard(to.ID)); err != nil {
			return err
		}
		pairs := it.board.bestMatch(to)
		if a["columns_mapping"] != nil {
			pairs = map[string]string{}
			for _, raw := range a.list("columns_mapping") {
				pair := args(raw.(object))
				if target := pair.text("target"); target != "" {
					pairs[pair.text("source")] = target
				}
			}
		}
		return c.moveToBoard(it, to, a.text("group_id"), pairs)
	})
}

// moveToBoard moves an item and its values by pairs of columns.
func (c *change) moveToBoard(it *item, to *board, groupID string, pairs map[string]string) error {
	if it.state != stateActive {
		return notFound(it.id)
	}
	group, ok := to.group(groupID)
	if !ok {
		return &apiError{code: "ResourceNotFoundException", message: "Group not found",
			data: object{"resource_type": "group", "resource_id": groupID}}
	}
	if to == it.board {
		return c.move(it, group.ID)
	}
	slots := make([]slot, len(to.columns))
	for source, target := range pairs {
		from, into := it.board.byID[source], to.byID[target]
		if from == nil || into == nil || from.Type != into.Type {
			return &apiError{code: "InvalidColumnIdException", message: "This column ID doesn't exist for the board",
				data: object{"column_id": target}}
		}
		slots[into.pos] = it.slots[from.pos].of(into)
	}
	from := it.board
	c.stamp(it)
	from.leave(it)
	if len(it.past) > 0 {
		from.gone = append(from.gone, it)
	}
	it.board, it.group, it.slots = to, group.ID, slots
	to.add(it)
	return nil
}

// of returns the slot for another column of the same type. A label that the column does not have is lost.
func (sl slot) of(c *column) slot {
	known := func(l label) (label, bool) {
		n := slices.IndexFunc(c.labels, func(other label) bool { return other.text == l.text })
		if n < 0 {
			return label{}, false
		}
		return c.labels[n], true
	}
	switch content := sl.content.(type) {
	case status:
		l, ok := known(content.label)
		if !ok {
			return slot{}
		}
		sl.content = status{l}
	case choices:
		var kept choices
		for _, l := range content {
			if l, ok := known(l); ok {
				kept = append(kept, l)
			}
		}
		if len(kept) == 0 {
			return slot{}
		}
		sl.content = kept
	}
	return sl
}

// leave removes an item from the board and its index.
func (b *board) leave(it *item) {
	for columnID, byText := range b.index {
		drop(byText, it.textOf(columnID), it)
	}
	b.items = slices.DeleteFunc(b.items, func(other *item) bool { return other == it })
}

// add adds an item to the board, in the order of ids, and to its index.
func (b *board) add(it *item) {
	n, _ := slices.BinarySearchFunc(b.items, it.id, func(other *item, id int64) int { return cmp.Compare(other.id, id) })
	b.items = slices.Insert(b.items, n, it)
	for columnID, byText := range b.index {
		put(byText, it.textOf(columnID), it)
	}
}
