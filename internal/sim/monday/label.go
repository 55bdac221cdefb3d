package monday

import (
	"fmt"
	"slices"
)

// RenameLabel changes the text of a label of a status or a dropdown, as the board's owner can. The items that have it
// show the new text at once, without a webhook and with their old times.
func (s *Sim) RenameLabel(board int64, column, from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boards[board]
	if b == nil || b.byID[column] == nil {
		panic(fmt.Sprintf("mondaysim: no column %s of board %d", column, board))
	}
	col := b.byID[column]
	at := slices.IndexFunc(col.labels, func(l label) bool { return l.text == from })
	if at < 0 {
		panic("mondaysim: no label " + from)
	}
	col.labels = slices.Clone(col.labels)
	col.labels[at].text = to
	s.revision.Add(1)
	for _, it := range b.items {
		b.reindex(it, column, func() {
			held := &it.slots[col.pos]
			held.content = relabelled(held.content, col.labels[at])
		})
	}
}

// relabelled returns a content with the label's new text if it has the label.
func relabelled(c content, l label) content {
	switch c := c.(type) {
	case status:
		if c.id == l.id {
			return status{l}
		}
	case choices:
		chosen := slices.Clone(c)
		for i := range chosen {
			if chosen[i].id == l.id {
				chosen[i] = l
			}
		}
		return chosen
	}
	return c
}
