package monday

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
)

// accountURL is the address of the account's user interface.
const accountURL = "https://example.monday.com"

func idText(id int64) string { return strconv.FormatInt(id, 10) }

func accountNode() node {
	return record{"Account", object{"id": accountID, "name": "Example", "slug": "example"}}
}

func versionNode(value, kind string) node {
	return record{"Version", object{"display_name": value, "kind": kind, "value": value}}
}

// boardNode is the type Board.
type boardNode struct{ *board }

func (boardNode) typeName() string { return "Board" }

func (b boardNode) resolve(x *execution, f *pick) (any, error) {
	switch f.name {
	case "id":
		return b.ID, nil
	case "name":
		return b.Name, nil
	case "board_kind":
		return "public", nil
	case "permissions":
		return "everyone", nil
	case "state":
		return stateActive, nil
	case "type":
		return "board", nil
	case "url":
		return accountURL + "/boards/" + idText(b.ID), nil
	case "items_count":
		count := 0
		for _, it := range b.items {
			if it.state == stateActive {
				count++
			}
		}
		return count, nil
	case "columns":
		return b.columnNodes(f.args), nil
	case "groups":
		found := []node{}
		for i, g := range b.Groups {
			if ids := f.args.texts("ids"); ids == nil || slices.Contains(ids, g.ID) {
				found = append(found, groupNode(g, i))
			}
		}
		return found, nil
	case "items_page":
		return x.sim.queryPage(b.board, f.args)
	}
	return nil, nil
}

// columnNodes lists the name column first.
func (b boardNode) columnNodes(a args) []node {
	ids, types := a.texts("ids"), a.texts("types")
	found := []node{}
	for _, c := range append([]*column{{Column: Column{ID: "name", Title: "Name", Type: "name"}}}, b.columns...) {
		if (ids == nil || slices.Contains(ids, c.ID)) && (types == nil || slices.Contains(types, c.Type)) {
			found = append(found, c)
		}
	}
	return found
}

func groupNode(g Group, i int) node {
	return record{"Group", object{"id": g.ID, "title": g.Title, "color": g.Color, "position": idText(int64(i+1) << 16),
		"archived": false, "deleted": false}}
}

func (*column) typeName() string { return "Column" }

func (c *column) resolve(_ *execution, f *pick) (any, error) {
	switch f.name {
	case "id":
		return c.ID, nil
	case "title":
		return cmp.Or(c.Title, c.ID), nil
	case "type":
		return c.Type, nil
	case "archived":
		return false, nil
	case "settings":
		return c.settings(), nil
	case "settings_str":
		return string(c.settings()), nil
	}
	return nil, nil
}

// settings returns the settings that determine what can be written.
func (c *column) settings() json.RawMessage {
	settings := object{}
	labels := []object{}
	for _, l := range c.labels {
		labels = append(labels, object{"id": l.id, "label": l.text})
	}
	switch c.Type {
	case "status", "dropdown":
		settings["labels"] = labels
	case "board_relation":
		settings["boardIds"] = []int64{c.LinkedBoard}
	case "mirror":
		settings["relation_column"] = object{c.Through: true}
		settings["displayed_linked_columns"] = []string{c.Shows}
	}
	text, _ := json.Marshal(settings)
	return text
}

// userNode is the type User.
type userNode struct{ user }

func (userNode) typeName() string { return "User" }

func (u userNode) resolve(_ *execution, f *pick) (any, error) {
	switch f.name {
	case "id":
		return u.id, nil
	case "name":
		return u.name, nil
	case "email":
		return u.email, nil
	case "enabled":
		return true, nil
	case "title":
		return "", nil
	case "url":
		return accountURL + "/users/" + idText(u.id), nil
	}
	return accountNode(), nil
}

func (*webhook) typeName() string { return "Webhook" }

func (h *webhook) resolve(_ *execution, f *pick) (any, error) {
	switch f.name {
	case "id":
		return h.id, nil
	case "board_id":
		return h.board.ID, nil
	case "event":
		return h.event, nil
	}
	if h.config == nil {
		return nil, nil
	}
	config, err := json.Marshal(h.config)
	return string(config), err
}
