package monday

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// status is the chosen label of a status column. Without a label, the grey one is chosen.
type status struct{ label }

// statusColors are the colors of labels in payloads, used in turn.
var statusColors = []object{
	{"color": "#fdab3d", "border": "#e99729", "var_name": "orange"},
	{"color": "#00c875", "border": "#00b461", "var_name": "green-shadow"},
	{"color": "#df2f4a", "border": "#ce3048", "var_name": "red-shadow"},
	{"color": "#007eb5", "border": "#3db0df", "var_name": "blue-links"},
	{"color": "#9d50dd", "border": "#9238af", "var_name": "purple"},
	{"color": "#c4c4c4", "border": "#b0b0b0", "var_name": "grey"},
}

func parseStatus(w *write, raw object) (content, error) {
	if only(raw, "label") {
		text, err := str(raw, "label")
		if err != nil || text == "" {
			return nil, err
		}
		return w.labelled(text)
	}
	if !only(raw, "index") {
		return nil, errForm
	}
	index, err := strconv.ParseInt(fmt.Sprint(raw["index"]), 10, 64)
	if err != nil {
		return nil, errForm
	}
	for _, l := range w.column.labels {
		if l.id == index {
			return status{l}, nil
		}
	}
	if index == emptyStatus {
		return nil, nil
	}
	return nil, w.noLabel()
}

// plainStatus parses a label or the index of one.
func plainStatus(w *write, text string) (content, error) {
	if _, err := strconv.Atoi(text); err == nil {
		return parseStatus(w, object{"index": text})
	}
	return w.labelled(text)
}

func (w *write) labelled(text string) (content, error) {
	l, err := w.label(text)
	if err != nil {
		return nil, err
	}
	return status{l}, nil
}

// label finds a label of the column, or creates it if the caller asked for that. Labels are case-sensitive.
func (w *write) label(text string) (label, error) {
	for _, l := range w.column.labels {
		if l.text == text {
			return l, nil
		}
	}
	if !w.createLabels {
		return label{}, w.noLabel()
	}
	return w.column.add(text), nil
}

func (w *write) noLabel() error {
	var known []string
	for _, l := range w.column.labels {
		known = append(known, fmt.Sprintf("%d: %s", l.id, l.text))
	}
	noun := "status"
	if w.column.Type == "dropdown" {
		noun = "dropdown"
	}
	return &labelError{fmt.Sprintf("This %s label doesn't exist, possible statuses are: {%s}", noun,
		strings.Join(known, ", "))}
}

func (c status) text() string { return c.label.text }
func (c status) stored(at string) any {
	return object{"index": c.id, "post_id": nil, "changed_at": at}
}

func (c status) hooked(string) any {
	return object{"post_id": nil, "label": object{"index": c.id, "text": orNil(c.label.text), "style": c.style(),
		"is_done": false}}
}

func (c status) style() object {
	if c.id == emptyStatus {
		return statusColors[emptyStatus]
	}
	return statusColors[int(c.id)%emptyStatus]
}

func (c status) field(name string) any {
	switch name {
	case "index":
		return c.id
	case "label":
		return c.label.text
	case "is_done":
		return false
	case "label_style":
		return record{name: "StatusLabelStyle", fields: c.style()}
	}
	return nil
}

// choices are the chosen labels of a dropdown, in the column's order.
type choices []label

func parseDropdown(w *write, raw object) (content, error) {
	switch {
	case only(raw, "labels"):
		list, ok := raw["labels"].([]any)
		if !ok {
			return nil, errForm
		}
		return w.choose(list, w.label)
	case only(raw, "ids"):
		list, ok := raw["ids"].([]any)
		if !ok {
			return nil, errForm
		}
		return w.choose(list, w.labelByID)
	}
	return nil, errForm
}

// plainDropdown parses labels or ids, separated by commas.
func plainDropdown(w *write, text string) (content, error) {
	var list []any
	find := w.labelByID
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if _, err := strconv.Atoi(part); err != nil {
			find = w.label
		}
		list = append(list, part)
	}
	return w.choose(list, find)
}

func (w *write) choose(list []any, find func(string) (label, error)) (content, error) {
	var c choices
	for _, raw := range list {
		switch raw.(type) {
		case string, json.Number:
		default:
			return nil, errForm
		}
		l, err := find(fmt.Sprint(raw))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(c, l) {
			c = append(c, l)
		}
	}
	if len(c) == 0 {
		return nil, nil
	}
	slices.SortFunc(c, func(a, b label) int { return int(a.id - b.id) })
	return c, nil
}

func (w *write) labelByID(id string) (label, error) {
	for _, l := range w.column.labels {
		if strconv.FormatInt(l.id, 10) == id {
			return l, nil
		}
	}
	return label{}, w.noLabel()
}

func (c choices) text() string {
	texts := make([]string, len(c))
	for i, l := range c {
		texts[i] = l.text
	}
	return strings.Join(texts, ", ")
}

func (c choices) stored(string) any {
	ids := make([]int64, len(c))
	for i, l := range c {
		ids[i] = l.id
	}
	return object{"ids": ids}
}

func (c choices) hooked(string) any {
	chosen := make([]object, len(c))
	for i, l := range c {
		chosen[i] = object{"id": l.id, "name": l.text}
	}
	return object{"chosenValues": chosen}
}

func (c choices) field(name string) any {
	if name != "values" {
		return nil
	}
	values := make([]node, len(c))
	for i, l := range c {
		values[i] = record{name: "DropdownValueOption", fields: object{"id": l.id, "label": l.text}}
	}
	return values
}
