package send

import (
	"maps"
	"slices"
	"strings"
)

// with returns the write with other fields.
func (w Write) with(fields map[string]any) Write {
	w.Fields = fields
	return w
}

// names returns the names of the fields, in order.
func names(fields map[string]any) []string { return slices.Sorted(maps.Keys(fields)) }

// pick returns the fields with these names.
func pick(fields map[string]any, names []string) map[string]any {
	picked := make(map[string]any, len(names))
	for _, name := range names {
		picked[name] = fields[name]
	}
	return picked
}

// omit returns the fields without those with these names.
func omit(fields map[string]any, names []string) map[string]any {
	rest := maps.Clone(fields)
	if rest == nil {
		rest = map[string]any{}
	}
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// heldOf splits the names in an error into those among the fields, in their spelling, and others.
func heldOf(named []string, fields map[string]any) (held, others []string) {
	for _, name := range named {
		n := slices.IndexFunc(held, func(s string) bool { return strings.EqualFold(s, name) })
		field, ok := spelled(fields, name)
		switch {
		case !ok:
			others = append(others, name)
		case n < 0:
			held = append(held, field)
		}
	}
	return held, others
}

func spelled(fields map[string]any, name string) (string, bool) {
	if _, ok := fields[name]; ok {
		return name, true
	}
	for field := range fields {
		if strings.EqualFold(field, name) {
			return field, true
		}
	}
	return "", false
}

// halves splits a list in two; a single element is not split.
func halves[T any](all []T) [][]T {
	switch len(all) {
	case 0:
		return nil
	case 1:
		return [][]T{all}
	}
	return [][]T{all[:len(all)/2], all[len(all)/2:]}
}

// less returns the names that are not in others.
func less(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}
