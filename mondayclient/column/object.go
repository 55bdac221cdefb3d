package column

import (
	"encoding/json"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"crmsync/internal/nulchar"
)

// object is a JSON object whose members are read one by one, by their exact names.
type object map[string]json.RawMessage

func objectOf(raw json.RawMessage) (object, bool) {
	var o object
	err := jsonv2.Unmarshal(raw, &o)
	return o, err == nil && o != nil
}

func unquote(raw json.RawMessage) (string, bool) {
	var text *string
	if jsonv2.Unmarshal(raw, &text) != nil || text == nil {
		return "", false
	}
	return nulchar.InText(*text), true
}

// text returns a member that must be a string.
func (o object) text(key string) (string, bool) {
	return unquote(o[key])
}

// textOrNull returns a member that must be present, and be a string or null.
func (o object) textOrNull(key string) (string, bool) {
	if string(o[key]) == "null" {
		return "", true
	}
	return o.text(key)
}

func (o object) id(key string) (int64, bool) {
	var id ID
	err := json.Unmarshal(o[key], &id)
	return int64(id), err == nil && id > 0
}

// each calls f for every object of a list until one does not fit.
func (o object) each(key string, read func(object) bool) bool {
	var list []json.RawMessage
	if json.Unmarshal(o[key], &list) != nil || list == nil {
		return false
	}
	for _, raw := range list {
		if one, ok := objectOf(raw); !ok || !read(one) {
			return false
		}
	}
	return true
}

// changedAt returns the time inside the value: zero if there is none, not ok if it cannot be read.
func (o object) changedAt() (time.Time, bool) {
	raw, present := o["changed_at"]
	if !present || string(raw) == "null" {
		return time.Time{}, true
	}
	text, ok := unquote(raw)
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, text)
	at = at.UTC()
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return time.Time{}, false
	}
	return at, true
}
