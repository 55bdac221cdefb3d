package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// KeyOf returns a key for the match values among the fields of a record, or "" if all of them are empty. It ignores
// what Salesforce ignores: case and surrounding white space.
func KeyOf(rec *mapping.Record, fields map[string]any) string {
	values := MatchValues(rec, fields)
	if len(values) == 0 {
		return ""
	}
	key := []string{rec.Object}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key = append(key, name+"="+strings.ToLower(strings.TrimSpace(fmt.Sprint(values[name]))))
	}
	return strings.Join(key, "\x1f")
}

// MatchValues returns the values by which a record is looked up: those that are not empty.
func MatchValues(rec *mapping.Record, fields map[string]any) map[string]any {
	values := map[string]any{}
	for _, name := range rec.Match {
		if v := fields[name]; v != nil && strings.TrimSpace(fmt.Sprint(v)) != "" {
			values[name] = v
		}
	}
	return values
}

// matchWritten returns the match key of the record that an item is linked to.
func matchWritten(rec *mapping.Record, link *ledger.Link) string {
	held := map[string]any{}
	for field := range link.Written {
		held[field], _ = link.Agreed(field)
	}
	return KeyOf(rec, held)
}

// matchOf returns the match key of what a record should hold.
func matchOf(rec *mapping.Record, values map[string]mapping.Value) string {
	literals := map[string]any{}
	for _, name := range rec.Match {
		if v := values[name]; v.Err == nil {
			literals[name] = v.Literal
		}
	}
	return KeyOf(rec, literals)
}
