package monday

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// args are the arguments of a field by name; absent ones are missing or nil.
type args map[string]any

// text returns a string or an enum value.
func (a args) text(name string) string {
	s, _ := a[name].(string)
	return s
}

func (a args) flag(name string) bool {
	b, _ := a[name].(bool)
	return b
}

// number returns an Int. Variables may hold it as a string of digits or as a float.
func (a args) number(name string) int {
	switch v := a[name].(type) {
	case int64:
		return int(v)
	case float64:
		return int(v)
	case string:
		n, _ := strconv.Atoi(v)
		return n
	}
	return 0
}

// id returns an ID. Monday has no object whose ID is not a number.
func (a args) id(name string) (int64, error) { return parseID(a[name]) }

// ids returns a list of IDs; ok reports whether there is one.
func (a args) ids(name string) (ids []int64, ok bool, err error) {
	for _, raw := range a.list(name) {
		id, err := parseID(raw)
		if err != nil {
			return nil, true, err
		}
		ids = append(ids, id)
	}
	return ids, a[name] != nil, nil
}

// list returns a list; a single value counts as a list of one.
func (a args) list(name string) []any {
	switch v := a[name].(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// texts returns a list of strings.
func (a args) texts(name string) []string {
	var out []string
	for _, v := range a.list(name) {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}

// jsonObject returns an argument of the JSON scalar that holds an object. Monday expects it as a string of JSON.
func (a args) jsonObject(name string) (object, error) {
	if a[name] == nil {
		return nil, nil
	}
	text, ok := a[name].(string)
	if !ok {
		return nil, jsonError(name)
	}
	out, err := decodeObject([]byte(text))
	if err != nil {
		return nil, jsonError(name)
	}
	return out, nil
}

// jsonValue returns an argument of the JSON scalar, as jsonObject does, but with any value.
func (a args) jsonValue(name string) (any, error) {
	text, ok := a[name].(string)
	if !ok || !json.Valid([]byte(text)) {
		return nil, jsonError(name)
	}
	out, err := decodeObject([]byte(`{"value":` + text + `}`))
	return out["value"], err
}

func jsonError(name string) error {
	return &apiError{code: "InvalidArgumentException",
		message: "invalid json in argument " + name + ": a string of JSON is expected"}
}

func parseID(raw any) (int64, error) {
	if raw == nil {
		return 0, invalidArgument("an ID is missing")
	}
	id, err := strconv.ParseInt(fmt.Sprint(raw), 10, 64)
	if err != nil {
		return 0, invalidArgument("an ID is not a number")
	}
	return id, nil
}
