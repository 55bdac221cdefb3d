package mondayclient

import (
	"encoding/json"

	"crmsync/mondayclient/column"
)

// object is a JSON object whose members are read one by one, by their exact names.
type object map[string]json.RawMessage

func objectOf(raw json.RawMessage) object {
	var o object
	_ = json.Unmarshal(raw, &o) // anything else has no members
	return o
}

// textOf returns a string, or "" for anything else.
func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// numberOf returns a number, also one in a string, or 0 for anything else.
func numberOf(raw json.RawMessage) float64 {
	var n json.Number
	if json.Unmarshal(raw, &n) != nil {
		return 0
	}
	f, err := n.Float64()
	if err != nil {
		return 0
	}
	return f
}

// idOf returns an id, or 0 for anything else.
func idOf(raw json.RawMessage) int64 {
	var id column.ID
	if json.Unmarshal(raw, &id) != nil || id < 0 {
		return 0
	}
	return int64(id)
}
