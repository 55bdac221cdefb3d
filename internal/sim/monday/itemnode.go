package monday

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

func (*item) typeName() string { return "Item" }

func (it *item) resolve(_ *execution, f *pick) (any, error) {
	switch f.name {
	case "id":
		return it.id, nil
	case "name":
		return it.name, nil
	case "state":
		return it.state, nil
	case "board":
		return boardNode{it.board}, nil
	case "column_values":
		return it.columnValues(f.args), nil
	case "created_at":
		return seconds(it.created), nil
	case "creator_id":
		return it.creator, nil
	case "group":
		i := slices.IndexFunc(it.board.Groups, func(g Group) bool { return g.ID == it.group })
		return groupNode(it.board.Groups[i], i), nil
	case "updated_at":
		return seconds(it.changed), nil
	case "url":
		return accountURL + "/boards/" + idText(it.board.ID) + "/pulses/" + idText(it.id), nil
	}
	return nil, nil
}

// columnValues returns all columns in the board's order, or the named ones. The name is not a column here.
func (it *item) columnValues(a args) []node {
	ids, types := a.texts("ids"), a.texts("types")
	values := make([]node, 0, len(it.board.columns))
	for _, c := range it.board.columns {
		if (ids == nil || slices.Contains(ids, c.ID)) && (types == nil || slices.Contains(types, c.Type)) {
			values = append(values, columnValue{it, c})
		}
	}
	return values
}

// columnValue is a column of an item. Its GraphQL type depends on the column's type.
type columnValue struct {
	item   *item
	column *column
}

func (v columnValue) typeName() string { return v.column.kind.object }

func (v columnValue) resolve(x *execution, f *pick) (any, error) {
	held := v.item.slots[v.column.pos]
	switch f.name {
	case "id":
		return v.column.ID, nil
	case "type":
		return v.column.Type, nil
	case "column":
		return v.column, nil
	case "is_leaf":
		return true, nil
	case "text":
		return v.text(held)
	case "value":
		return v.stored(held)
	case "updated_at":
		if held.content == nil {
			return nil, nil
		}
		return seconds(held.at), nil
	case "display_value":
		return x.sim.display(v.item, v.column), nil
	case "linked_items":
		found := []node{}
		for _, other := range x.sim.linked(v.item, v.column.ID) {
			found = append(found, other)
		}
		return found, nil
	}
	if held.content != nil {
		return held.content.field(f.name), nil
	}
	return emptyField(f.name), nil
}

// text of a board_relation and a mirror is always null.
func (v columnValue) text(held slot) (any, error) {
	switch {
	case v.column.Type == "board_relation" || v.column.Type == "mirror":
		return nil, nil
	case held.content != nil:
		return held.content.text(), nil
	case v.column.kind.nullText:
		return nil, nil
	default:
		return "", nil
	}
}

// stored returns a JSON string of JSON, the form of the JSON scalar everywhere in Monday's answers.
func (v columnValue) stored(held slot) (any, error) {
	if held.content == nil {
		return nil, nil
	}
	text, err := json.Marshal(held.content.stored(isoTime(held.at)))
	if err != nil {
		return nil, fmt.Errorf("encoding a column value: %w", err)
	}
	return string(text), nil
}

// emptyField returns a typed field of an empty column: null, unless its type forbids that.
func emptyField(name string) any {
	switch name {
	case "values":
		return []node{}
	case "linked_item_ids":
		return []int64{}
	case "checked", "is_done":
		return false
	}
	return nil
}

// seconds formats a time for the Date scalar: in whole seconds.
func seconds(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
