package mondayclient

import (
	"bytes"
	"encoding/json"
	"strings"

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

// member is one member of an object, as it stands in the text.
type member struct{ name, value string }

// members are those of an object in the order in which they stand.
type members []member

// membersOf reads an object of valid JSON, as objectOf does, into what is there already; ok is false where something else
// stands. Each delivery of a webhook is read so: it takes a fraction of the time.
func membersOf(text string, into members) (found members, ok bool) {
	parsed := gjson.Parse(text)
	if !parsed.IsObject() {
		return nil, false
	}
	found = into
	parsed.ForEach(func(name, value gjson.Result) bool {
		found = append(found, member{name.Str, value.Raw})
		return true
	})
	return found, true
}

// get finds a member by its name. Of several, the last counts.
func (m members) get(name string) (value string, ok bool) {
	for i := len(m) - 1; i >= 0; i-- {
		if m[i].name == name {
			return m[i].value, true
		}
	}
	return "", false
}

// unquote reads a JSON string. Few hold anything that stands for something else.
func unquote(raw string) (text string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if inner := raw[1 : len(raw)-1]; strings.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	ok = json.Unmarshal([]byte(raw), &text) == nil
	return text, ok
}

// manyBrackets is from how many brackets on a body is validated by encoding/json: gjson needs a fraction of the time, but goes
// down the stack with each.
const manyBrackets = 1000

// isJSON reports whether a body is JSON.
func isJSON(body []byte) bool {
	if bytes.Count(body, []byte{'['})+bytes.Count(body, []byte{'{'}) > manyBrackets {
		return json.Valid(body)
	}
	return gjson.ValidBytes(body)
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
