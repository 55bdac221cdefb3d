package mondayclient

import (
	"encoding/json"

	"github.com/tidwall/gjson"

	"crmsync/mondayclient/column"
)

// object is a JSON object whose members are looked at one by one, under their exact names.
type object map[string]json.RawMessage

func objectOf(raw json.RawMessage) object {
	var o object
	_ = json.Unmarshal(raw, &o) // anything else has no members
	return o
}

// membersOf is objectOf for valid JSON, of which each webhook's delivery is: it takes a third of the time.
func membersOf(text string) object {
	parsed := gjson.Parse(text)
	if !parsed.IsObject() {
		return nil
	}
	o := make(object, 24)
	parsed.ForEach(func(name, value gjson.Result) bool {
		o[name.Str] = json.RawMessage(value.Raw)
		return true
	})
	return o
}

// textOf is a string, or empty where something else stands.
func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// numberOf is a number, also one in a string, or 0 where something else stands.
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

// idOf is an id, or 0 where something else stands.
func idOf(raw json.RawMessage) int64 {
	var id column.ID
	if json.Unmarshal(raw, &id) != nil || id < 0 {
		return 0
	}
	return int64(id)
}
