package monday

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// people are persons and teams.
type people []person

// person is one of people, with its name in the account.
type person struct {
	id         int64
	kind, name string
}

func parsePeople(w *write, raw object) (content, error) {
	list, ok := raw["personsAndTeams"].([]any)
	if !ok || !only(raw, "personsAndTeams") {
		return nil, errForm
	}
	var c people
	for _, raw := range list {
		entry, ok := raw.(object)
		if !ok || !only(entry, "id", "kind") {
			return nil, errForm
		}
		kind, err := str(entry, "kind")
		if err != nil {
			return nil, err
		}
		if c, err = w.addPerson(c, fmt.Sprint(entry["id"]), kind); err != nil {
			return nil, err
		}
	}
	return c.orEmpty(), nil
}

// plainPeople parses ids of persons, separated by commas.
func plainPeople(w *write, text string) (content, error) {
	var c people
	for part := range strings.SplitSeq(text, ",") {
		var err error
		if c, err = w.addPerson(c, strings.TrimSpace(part), "person"); err != nil {
			return nil, err
		}
	}
	return c.orEmpty(), nil
}

func (w *write) addPerson(c people, id, kind string) (people, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || kind != "person" && kind != "team" {
		return nil, errForm
	}
	if kind == "team" {
		return append(c, person{n, kind, "Team " + id}), nil
	}
	for _, u := range w.sim.users {
		if u.id == n {
			return append(c, person{n, kind, u.name}), nil
		}
	}
	return nil, errors.New("user does not exist in this account")
}

// orEmpty returns nil instead of an empty list.
func (c people) orEmpty() content {
	if len(c) == 0 {
		return nil
	}
	return c
}

func (c people) text() string {
	names := make([]string, len(c))
	for i, p := range c {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

func (c people) stored(at string) any {
	list := make([]object, len(c))
	for i, p := range c {
		list[i] = object{"id": p.id, "kind": p.kind}
	}
	return object{"personsAndTeams": list, "changed_at": at}
}

func (c people) hooked(at string) any { return c.stored(at) }

func (c people) field(name string) any {
	if name != "persons_and_teams" {
		return nil
	}
	list := make([]node, len(c))
	for i, p := range c {
		list[i] = record{name: "PeopleEntity", fields: object{"id": p.id, "kind": p.kind}}
	}
	return list
}

// relation holds the items that a board_relation column connects to.
type relation []int64

// parseRelation accepts item_ids only, and not linkedPulseIds, the form of values that are read.
func parseRelation(w *write, raw object) (content, error) {
	list, ok := raw["item_ids"].([]any)
	if !ok || !only(raw, "item_ids") {
		return nil, errForm
	}
	var c relation
	for _, raw := range list {
		switch raw.(type) {
		case string, json.Number:
		default:
			return nil, errForm
		}
		id, err := strconv.ParseInt(fmt.Sprint(raw), 10, 64)
		if err != nil {
			return nil, errForm
		}
		it := w.sim.items[id]
		if !w.loading && (it == nil || it.state != stateActive || it.board.ID != w.column.LinkedBoard) {
			return nil, errors.New("link to item column value structure invalid: item is not on the connected boards")
		}
		if !slices.Contains(c, id) {
			c = append(c, id)
		}
	}
	if len(c) == 0 {
		return nil, nil
	}
	return c, nil
}

func (c relation) text() string { return "" }

func (c relation) stored(at string) any {
	list := make([]object, len(c))
	for i, id := range c {
		list[i] = object{"linkedPulseId": id}
	}
	return object{"linkedPulseIds": list, "changed_at": at}
}

func (c relation) hooked(at string) any { return c.stored(at) }

func (c relation) field(name string) any {
	if name != "linked_item_ids" {
		return nil
	}
	return []int64(c)
}

// linked returns the items that a board_relation column of an item shows, without deleted and archived ones.
func (s *Sim) linked(it *item, columnID string) []*item {
	c := it.board.byID[columnID]
	if c == nil {
		return nil
	}
	ids, _ := it.slots[c.pos].content.(relation)
	var items []*item
	for _, id := range ids {
		if other := s.items[id]; other != nil && other.state == stateActive {
			items = append(items, other)
		}
	}
	return items
}

// display returns the display_value of a board_relation or a mirror.
func (s *Sim) display(it *item, c *column) string {
	from, shows := c.ID, "name"
	if c.Type == "mirror" {
		from, shows = c.Through, c.Shows
	}
	var texts []string
	for _, other := range s.linked(it, from) {
		texts = append(texts, other.textOf(shows))
	}
	return strings.Join(texts, ", ")
}
