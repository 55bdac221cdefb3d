package mondayclient

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"crmsync/mondayclient/column"
)

// settings are the settings of a column. Their form depends on the column's type and age; what is not understood is
// left out.
//
// https://developer.monday.com/api-reference/reference/columns
type settings object

// readSettings reads the settings from JSON, or from a string that holds JSON.
func readSettings(raw json.RawMessage) settings {
	if text := textOf(raw); text != "" {
		raw = json.RawMessage(text)
	}
	return settings(objectOf(raw))
}

// labels returns the labels that can be chosen: a list of objects, or for a status an object of index and text.
func (s settings) labels() (labels []string) {
	if bytes.HasPrefix(bytes.TrimSpace(s["labels"]), []byte("{")) {
		return s.labelsByIndex()
	}
	var list []struct {
		Label       string `json:"label"`
		Name        string `json:"name"`
		Deactivated bool   `json:"is_deactivated"`
	}
	_ = json.Unmarshal(s["labels"], &list)
	for _, l := range list {
		if text := cmp.Or(l.Label, l.Name); text != "" && !l.Deactivated {
			labels = append(labels, text)
		}
	}
	return labels
}

func (s settings) labelsByIndex() (labels []string) {
	texts := map[int]string{}
	for index, raw := range objectOf(s["labels"]) {
		if n, err := strconv.Atoi(index); err == nil {
			texts[n] = textOf(raw)
		}
	}
	for _, index := range slices.Sorted(maps.Keys(texts)) {
		if texts[index] != "" {
			labels = append(labels, texts[index])
		}
	}
	return labels
}

// boards returns the boards that a connect-boards column links.
func (s settings) boards() (boards []int64) {
	var list []column.ID
	if json.Unmarshal(s["boardIds"], &list) != nil {
		return nil
	}
	for _, id := range list {
		if id > 0 {
			boards = append(boards, int64(id))
		}
	}
	return boards
}
