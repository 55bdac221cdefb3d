package salesforce

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"crmsync/internal/sim/salesforce/soql"
)

// row is a record of a request with names resolved and JSON types checked.
type row struct {
	table   *table
	values  []any
	set     []bool // which values are given
	parents []parentKey
}

// parentKey refers to a parent by its external ID.
type parentKey struct {
	reference, key *column
	value          any
}

// bind resolves the names and types of a record's JSON. Salesforce reports these faults while reading the request, so
// they fail the whole call.
func bind(t *table, fields map[string]any) (row, *failure) {
	r := row{table: t, values: make([]any, len(t.columns)), set: make([]bool, len(t.columns))}
	var first string
	var failed *failure
	for name, v := range fields {
		if name == "attributes" {
			continue
		}
		if f := r.bind(name, v); f != nil && (failed == nil || name < first) {
			first, failed = name, f
		}
	}
	return r, failed
}

func (r *row) bind(name string, v any) *failure {
	c, ok := r.table.column(name)
	if !ok {
		return r.bindParent(name, v)
	}
	v, f := c.parse(v)
	if f != nil {
		return f
	}
	r.values[c.index], r.set[c.index] = v, true
	return nil
}

func (r *row) bindParent(name string, v any) *failure {
	i, ok := r.table.relations[strings.ToLower(name)]
	if !ok {
		return fail("INVALID_FIELD", "No such column '%s' on sobject of type %s", name, r.table.Name)
	}
	c := &r.table.columns[i]
	fields, ok := v.(map[string]any)
	if !ok || c.parent == nil {
		return cannotDeserialize(c.ReferenceTo, v)
	}
	for name, v := range fields {
		if name == "attributes" {
			continue
		}
		key, ok := c.parent.column(name)
		if !ok || !key.ExternalID {
			return fail("INVALID_FIELD", "Field name provided, %s is not an External ID or indexed field for %s", name,
				c.parent.Name)
		}
		v, f := key.parse(v)
		if f != nil {
			return f
		}
		r.parents = append(r.parents, parentKey{c, key, v})
	}
	return nil
}

// takeID removes the record's own id from the row and returns it.
func (r *row) takeID() string {
	id, _ := r.values[colID].(string)
	r.values[colID], r.set[colID] = nil, false
	return id
}

// parse converts a JSON value to the column's type.
func (c *column) parse(v any) (any, *failure) {
	if v == nil {
		return nil, nil
	}
	s, isString := v.(string)
	switch c.Type {
	case Double, Currency, Int:
		n, ok := v.(float64)
		if isString {
			parsed, err := strconv.ParseFloat(s, 64)
			n, ok = parsed, err == nil
		}
		if ok && !(c.Type == Int && n != math.Trunc(n)) && !math.IsNaN(n) {
			return n, nil
		}
	case Boolean:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		if s == "true" || s == "false" {
			return s == "true", nil
		}
	case Date:
		if _, err := time.Parse(time.DateOnly, s); err == nil {
			return v, nil
		}
	case DateTime:
		if stamp, ok := soql.ParseDateTime(s); ok {
			return stamp, nil
		}
	default:
		if isString {
			return trimmed(s, v), nil
		}
	}
	return nil, cannotDeserialize(c.jsonType(), v)
}

// trimmed returns text as Salesforce stores it: without surrounding space, and null instead of empty.
func trimmed(s string, boxed any) any {
	switch t := strings.TrimSpace(s); {
	case t == "":
		return nil
	case len(t) < len(s):
		return t
	}
	return boxed
}

func (c *column) jsonType() string {
	if c.text() || c.Type == ID || c.Type == Reference {
		return "string"
	}
	return string(c.Type)
}

func cannotDeserialize(as string, v any) *failure {
	var token string
	switch v := v.(type) {
	case string:
		token = "VALUE_STRING value " + v
	case float64:
		token = fmt.Sprintf("VALUE_NUMBER_INT value %v", v)
	case bool:
		token = fmt.Sprintf("VALUE_%s value %v", strings.ToUpper(strconv.FormatBool(v)), v)
	case []any:
		token = "START_ARRAY value ["
	case nil:
		token = "VALUE_NULL value null"
	default:
		token = "START_OBJECT value {"
	}
	return fail("JSON_PARSER_ERROR",
		"Cannot deserialize instance of %s from %s or request may be missing a required field at [line:1, column:1]", as,
		token)
}

// decode decodes the JSON body of a request.
func decode(body []byte, into any) *failure {
	if err := json.Unmarshal(body, into); err != nil {
		return malformedJSON(err)
	}
	return nil
}
