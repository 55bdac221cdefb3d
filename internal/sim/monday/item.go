package monday

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Item is a copy of an item at one moment.
type Item struct {
	ID      int64
	Board   int64
	Name    string
	Group   string
	State   string             // "active", "archived" or "deleted"
	Text    map[string]string  // each column's text; for a board_relation or a mirror, the names it links to
	Linked  map[string][]int64 // the linked items of each board_relation
	Created time.Time
	Updated time.Time // time of the last change of any kind, in microseconds
}

// The states of an item.
const (
	stateActive   = "active"
	stateArchived = "archived"
	stateDeleted  = "deleted"
)

// item is an item of a board.
type item struct {
	id      int64
	board   *board
	name    string
	renamed time.Time
	group   string
	state   string
	creator int64
	slots   []slot // in the order of the board's columns
	created time.Time
	changed time.Time  // strictly increasing with every change
	past    []snapshot // oldest first
}

// slot is one column of one item. A slot that was written and then cleared keeps its time.
type slot struct {
	content content
	at      time.Time
}

// textOf returns a column's text; the name counts as a column.
func (it *item) textOf(columnID string) string {
	if columnID == "name" {
		return it.name
	}
	c := it.board.byID[columnID]
	if c == nil || it.slots[c.pos].content == nil {
		return ""
	}
	return it.slots[c.pos].content.text()
}

// CreateItem adds an item to the top group, as a form does if there are values, and as a person does if there are none.
// Values are in Monday's write format. Like the other actions of people, it panics if the user interface would not
// allow the action: the caller's test is wrong.
func (s *Sim) CreateItem(board int64, name string, values map[string]any) int64 {
	user := personUser
	if len(values) > 0 {
		user = formUser
	}
	var id int64
	s.act(user, func(c *change) error {
		b := s.boards[board]
		if b == nil {
			return fmt.Errorf("no board %d", board)
		}
		it, err := c.create(b, "", name, plainJSON(values), false)
		if err == nil {
			id = it.id
		}
		return err
	})
	return id
}

// SetColumn changes a column of an item. The value is in Monday's write format; nil clears. Writing the present value
// changes nothing and causes no webhook.
func (s *Sim) SetColumn(id int64, column string, value any) {
	s.actOn(id, func(c *change, it *item) error {
		return c.setAll(it, plainJSON(map[string]any{column: value}), false)
	})
}

// SetColumns changes columns of several items in one action, like a person who has selected them: all its webhooks have
// one triggerUuid.
func (s *Sim) SetColumns(ids []int64, values map[string]any) {
	s.act(personUser, func(c *change) error {
		for _, id := range ids {
			it := s.items[id]
			if it == nil {
				return fmt.Errorf("no item %d", id)
			}
			if err := c.setAll(it, plainJSON(values), false); err != nil {
				return err
			}
		}
		return nil
	})
}

// Rename changes an item's name.
func (s *Sim) Rename(id int64, name string) {
	s.actOn(id, func(c *change, it *item) error {
		return c.setAll(it, map[string]any{"name": name}, false)
	})
}

// DeleteItem moves an item to the recycle bin.
func (s *Sim) DeleteItem(id int64) {
	s.actOn(id, func(c *change, it *item) error { return c.remove(it, stateDeleted) })
}

// ArchiveItem moves an item to the archive.
func (s *Sim) ArchiveItem(id int64) {
	s.actOn(id, func(c *change, it *item) error { return c.remove(it, stateArchived) })
}

// RestoreItem restores an item from the recycle bin or the archive, with the values it had.
func (s *Sim) RestoreItem(id int64) {
	s.actOn(id, func(c *change, it *item) error { return c.restore(it) })
}

// Item returns a copy of an item in any state.
func (s *Sim) Item(id int64) (Item, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	it, ok := s.items[id]
	if !ok {
		return Item{}, false
	}
	return s.copyOf(it), true
}

// Items returns copies of all items of a board in any state, in the order of their ids.
func (s *Sim) Items(board int64) []Item {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.boards[board]
	if b == nil {
		return nil
	}
	items := make([]Item, len(b.items))
	for i, it := range b.items {
		items[i] = s.copyOf(it)
	}
	return items
}

func (s *Sim) copyOf(it *item) Item {
	out := Item{
		ID: it.id, Board: it.board.ID, Name: it.name, Group: it.group, State: it.state,
		Text: map[string]string{}, Linked: map[string][]int64{},
		Created: it.created, Updated: it.changed,
	}
	for _, c := range it.board.columns {
		if ids, ok := it.slots[c.pos].content.(relation); ok {
			out.Linked[c.ID] = slices.Clone(ids)
		}
		switch c.Type {
		case "board_relation", "mirror":
			out.Text[c.ID] = s.display(it, c)
		default:
			out.Text[c.ID] = it.textOf(c.ID)
		}
	}
	return out
}

// actOn performs a person's change of an item.
func (s *Sim) actOn(id int64, f func(*change, *item) error) {
	s.act(personUser, func(c *change) error {
		it := s.items[id]
		if it == nil {
			return fmt.Errorf("no item %d", id)
		}
		return f(c, it)
	})
}

// act performs a user's change, and panics if it fails.
func (s *Sim) act(user int64, f func(*change) error) {
	if err := s.change(user, f); err != nil {
		panic("mondaysim: " + err.Error())
	}
}

// plainJSON converts values to the form that decoding JSON gives them.
func plainJSON(values map[string]any) map[string]any {
	text, err := json.Marshal(values)
	if err != nil {
		panic("mondaysim: " + err.Error())
	}
	out, err := decodeObject(text)
	if err != nil {
		panic("mondaysim: " + err.Error())
	}
	return out
}

// decodeObject decodes one JSON object, with numbers kept as written.
func decodeObject(text []byte) (map[string]any, error) {
	var out map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errForm
	}
	return out, nil
}
