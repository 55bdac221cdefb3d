package salesforce

import "slices"

// target is a record that a call writes, by its id or by an external ID.
type target struct {
	column *column // Id or an external ID
	value  any
	table  *table
}

// writeKey identifies a record in flight.
type writeKey struct {
	table  *table
	column int
	value  string
}

// enter records that a call writes these records until leave is called.
func (s *Sim) enter(targets []target) (leave func()) {
	if len(targets) == 0 {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]writeKey, 0, len(targets))
	for _, t := range targets {
		known := len(keys)
		keys = t.appendKeys(keys)
		if slices.ContainsFunc(keys[known:], func(k writeKey) bool { return s.writing[k] > 0 }) {
			s.violations++
		}
	}
	for _, k := range keys {
		s.writing[k]++
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, k := range keys {
			if s.writing[k]--; s.writing[k] == 0 {
				delete(s.writing, k)
			}
		}
	}
}

// appendKeys appends the names of the record: an external ID, and the id of the record that has it.
func (t target) appendKeys(keys []writeKey) []writeKey {
	keys = append(keys, writeKey{t.table, t.column.index, t.column.fold(t.value)})
	if t.column.index != colID {
		for _, rec := range t.table.find(t.column, t.value) {
			keys = append(keys, writeKey{t.table, colID, rec.id})
		}
	}
	return keys
}

// appendTargets appends the record that the row names by id, and those it names by external ID.
func (r *row) appendTargets(list []target, id string) []target {
	if full, ok := parseID(id); ok {
		list = append(list, target{&r.table.columns[colID], full, r.table})
	}
	for i := range r.table.columns {
		if c := &r.table.columns[i]; c.ExternalID && r.values[i] != nil {
			list = append(list, target{c, r.values[i], r.table})
		}
	}
	return list
}
