package monday

import (
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"
)

// change is an action of one user on the locked boards, and the webhooks that it causes.
type change struct {
	sim     *Sim
	user    int64
	now     time.Time
	trigger string // triggerUuid of all its webhooks
	out     []*webhookEvent
}

// change runs f with the boards locked, and sends the webhooks that f caused after unlocking them.
func (s *Sim) change(user int64, f func(*change) error) error {
	c := &change{sim: s, user: user, now: s.cfg.Now(), trigger: newTrigger()}
	err := func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		defer s.revision.Add(1) // also after an error, which may leave a label that was created
		return f(c)
	}()
	for _, e := range c.out {
		s.post.send(e)
	}
	return err
}

// create adds an item with values. If one value is rejected, no item is created.
func (c *change) create(b *board, groupID, name string, values map[string]any, labels bool) (*item, error) {
	group, ok := b.group(groupID)
	if !ok {
		return nil, &apiError{code: "ResourceNotFoundException", message: "Group not found",
			data: object{"resource_type": "group", "resource_id": groupID}}
	}
	if len(b.items) >= maxItems {
		return nil, &apiError{code: "ItemsLimitationException", message: "Board has reached its items limit"}
	}
	it := &item{
		id: c.sim.nextItem, board: b, name: name, group: group.ID, state: stateActive,
		creator: c.user, slots: make([]slot, len(b.columns)),
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	parsed, err := c.parse(b, values, labels)
	if err != nil {
		return nil, err
	}
	c.sim.nextItem++
	at := c.stamp(it)
	it.created, it.renamed = at, at
	for _, p := range parsed {
		if p.column == nil {
			it.name = p.name
		} else if p.content != nil {
			it.slots[p.column.pos] = slot{p.content, at}
		}
	}
	b.add(it)
	c.sim.items[it.id] = it
	c.emit("create_item", it, nil, createdFields(it, group))
	return it, nil
}

// maxItems is above Monday's own 10,000 items a board, for accounts with a raised limit.
const maxItems = 1_000_000

func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > 255 {
		return &apiError{code: "ItemNameTooLongException", message: "Item name must be between 1 and 255 characters",
			data: object{"item_name_length": n}}
	}
	return nil
}

// parsed is a value that is valid for its column.
type parsed struct {
	column  *column // nil: the name
	name    string
	content content
}

// parse reads values in the order of the board's columns.
func (c *change) parse(b *board, values map[string]any, labels bool) ([]parsed, error) {
	for id := range values {
		if id != "name" && b.byID[id] == nil {
			return nil, &apiError{code: "InvalidColumnIdException", message: "This column ID doesn't exist for the board",
				data: object{"column_id": id}}
		}
	}
	var out []parsed
	if raw, ok := values["name"]; ok {
		name, ok := raw.(string)
		if !ok {
			return nil, &apiError{code: "ColumnValueException", message: errForm.Error(),
				data: object{"column_id": "name", "column_type": "name"}}
		}
		if err := checkName(name); err != nil {
			return nil, err
		}
		out = append(out, parsed{name: name})
	}
	for _, col := range b.columns {
		raw, ok := values[col.ID]
		if !ok {
			continue
		}
		content, err := (&write{sim: c.sim, column: col, createLabels: labels}).read(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, parsed{column: col, content: content})
	}
	return out, nil
}

// setAll writes several columns of an active item. If one value is rejected, none is written.
func (c *change) setAll(it *item, values map[string]any, labels bool) error {
	if it.state != stateActive {
		return notFound(it.id)
	}
	parsed, err := c.parse(it.board, values, labels)
	if err != nil {
		return err
	}
	for _, p := range parsed {
		if p.column == nil {
			c.rename(it, p.name)
		} else {
			c.set(it, p.column, p.content)
		}
	}
	return nil
}

func (c *change) set(it *item, col *column, content content) {
	before := it.slots[col.pos]
	if reflect.DeepEqual(before.content, content) {
		return
	}
	after := slot{content, c.stamp(it)}
	it.board.reindex(it, col.ID, func() { it.slots[col.pos] = after })
	c.emit("change_column_value", it, col, updatedFields(it, col, before, after))
}

func (c *change) rename(it *item, name string) {
	before := it.name
	if before == name {
		return
	}
	at := c.stamp(it)
	it.board.reindex(it, "name", func() { it.name, it.renamed = name, at })
	c.emit("change_name", it, nil, renamedFields(it, before))
}

// remove archives or deletes an item. An archived item can still be deleted.
func (c *change) remove(it *item, state string) error {
	if it.state == state || it.state == stateDeleted {
		return notFound(it.id)
	}
	c.stamp(it)
	it.state = state
	event := "item_archived"
	if state == stateDeleted {
		event = "item_deleted"
	}
	c.emit(event, it, nil, goneFields(it))
	return nil
}

func (c *change) restore(it *item) error {
	if it.state == stateActive {
		return fmt.Errorf("item %d is active", it.id)
	}
	was := it.state
	c.stamp(it)
	it.state = stateActive
	c.emit("item_restored", it, nil, restoredFields(it, was))
	return nil
}

func (c *change) move(it *item, groupID string) error {
	group, ok := it.board.group(groupID)
	if !ok || groupID == "" {
		return &apiError{code: "ResourceNotFoundException", message: "Group not found",
			data: object{"resource_type": "group", "resource_id": groupID}}
	}
	before := it.group
	if before == group.ID {
		return nil
	}
	c.stamp(it)
	it.group = group.ID
	c.emit("item_moved_to_any_group", it, nil, movedFields(it, before, group))
	return nil
}

// stamp sets the time of an item's next change, which is later than the time of every earlier one. It is called before
// the change.
func (c *change) stamp(it *item) time.Time {
	at := c.now.UTC().Truncate(time.Microsecond)
	if !at.After(it.changed) {
		at = it.changed.Add(time.Microsecond)
	}
	c.sim.remember(it, at)
	it.changed = at
	return at
}

// notFound returns Monday's error for an item that does not exist, or no longer.
func notFound(id int64) error {
	return &apiError{code: "ResourceNotFoundException", message: "The item ID(s) you entered is not valid",
		data: object{"resource_type": "item", "resource_id": id}}
}
