package mondayclient

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"

	"crmsync/mondayclient/column"
)

// object is a JSON object whose members are read one by one, by their exact names.
type object map[string]json.RawMessage

func objectOf(raw json.RawMessage) object {
	var o object
	_ = json.Unmarshal(raw, &o) // anything else has no members
	return o
}

// member is one member of an object, as written.
type member struct{ name, value string }

// members are the members of an object, in the order of the text.
type members []member

// membersOf reads an object in valid JSON, as objectOf does, and appends its members to list; ok is false for anything
// but an object. Webhooks are read this way because it takes a fraction of the time.
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

// get finds a member by its name. If there are several, the last counts.
func (m members) get(name string) (value string, ok bool) {
	for i := len(m) - 1; i >= 0; i-- {
		if m[i].name == name {
			return m[i].value, true
		}
	}
	return "", false
}

// unquote reads a JSON string. Few strings contain escapes.
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

// manyBrackets is the number of brackets from which encoding/json validates a body: gjson needs a fraction of the
// time, but recurses at each bracket.
const manyBrackets = 1000

// isJSON reports whether a body is JSON.
func isJSON(body []byte) bool {
	if bytes.Count(body, []byte{'['})+bytes.Count(body, []byte{'{'}) > manyBrackets {
		return json.Valid(body)
	}
	return gjson.ValidBytes(body)
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
