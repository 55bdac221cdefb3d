package salesforce

import (
	"fmt"
	"maps"
	"time"

	"crmsync/internal/sim/salesforce/soql"
)

// Revoke ends all sessions.
func (s *Sim) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

// Reject adds a rule: rows that give the field a value for which the rule returns a code are rejected with that code,
// such as FIELD_CUSTOM_VALIDATION_EXCEPTION, and the field's name. The rule must not use the simulator.
func (s *Sim) Reject(object, field string, rule func(value any) (code string)) {
	t := s.mustTable(object)
	c := t.mustColumn(field)
	s.mu.Lock()
	defer s.mu.Unlock()
	t.rules[c.index] = append(t.rules[c.index], rule)
}

// Insert adds a record as a person would and returns its id. It panics if Salesforce would reject the record.
func (s *Sim) Insert(object string, fields map[string]any) string {
	r := mustBind(s.mustTable(object), fields)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &tx{sim: s}
	defer t.commit()
	rec, failures := t.create(r)
	if failures != nil {
		panic(fmt.Sprintf("sfsim: inserting %s: %s", object, failures[0].message))
	}
	return rec.id
}

// Update changes fields of a record as a person would. It panics if Salesforce would reject the change.
func (s *Sim) Update(object, id string, fields map[string]any) {
	r := mustBind(s.mustTable(object), fields)
	s.change(object, id, func(t *tx, rec *record) {
		if failures := t.update(rec, r); failures != nil {
			panic(fmt.Sprintf("sfsim: updating %s: %s", object, failures[0].message))
		}
	})
}

// UpdateLate changes fields of a record in a transaction that wrote them some time ago and is committed only now: the
// record appears with a SystemModstamp below those that others have read. A record's own stamps never go back.
func (s *Sim) UpdateLate(object, id string, fields map[string]any, late time.Duration) {
	r := mustBind(s.mustTable(object), fields)
	s.change(object, id, func(t *tx, rec *record) {
		before, err := time.Parse(soql.DateTimeLayout, rec.values[colStamp].(string))
		if err != nil {
			panic(fmt.Sprintf("sfsim: %s %s: %v", object, id, err))
		}
		at := s.config.Now().UTC().Add(-late).Truncate(time.Millisecond)
		if !at.After(before) {
			at = before.Add(time.Millisecond)
		}
		if at.After(s.last) {
			s.last = at // no later write gets the same stamp
		}
		t.stamp = at.Format(soql.DateTimeLayout)
		if failures := t.update(rec, r); failures != nil {
			panic(fmt.Sprintf("sfsim: updating %s: %s", object, failures[0].message))
		}
	})
}

// Delete moves a record to the recycle bin as a person would. It panics if there is no such record.
func (s *Sim) Delete(object, id string) {
	s.change(object, id, func(t *tx, rec *record) { t.bin(rec) })
}

func (s *Sim) change(object, id string, do func(*tx, *record)) {
	table := s.mustTable(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	full, _ := parseID(id)
	rec, ok := table.live(full)
	if !ok {
		panic(fmt.Sprintf("sfsim: no %s %s", object, id))
	}
	t := &tx{sim: s}
	defer t.commit()
	do(t, rec)
}

// Get returns a copy of a record that is not deleted, or nil. Numbers are float64; dates and times are the strings
// that the API shows; fields that are null are omitted.
func (s *Sim) Get(object, id string) map[string]any {
	t := s.mustTable(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	full, _ := parseID(id)
	if rec, ok := t.live(full); ok {
		return rec.fields()
	}
	return nil
}

// Records returns copies of an object's records that are not deleted, in order of creation, in the form of Get.
func (s *Sim) Records(object string) []map[string]any {
	t := s.mustTable(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []map[string]any
	for _, rec := range t.rows {
		if !rec.deleted() {
			list = append(list, rec.fields())
		}
	}
	return list
}

// Calls returns the number of authenticated calls so far by operation, with the names used in Call.
func (s *Sim) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// TotalCalls returns the number of API calls so far: all of Calls except token requests.
func (s *Sim) TotalCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for name, n := range s.calls {
		if name != opToken {
			total += n
		}
	}
	return total
}

// InFlightViolations returns how many rows were written while the handler was processing another call that writes the
// same record, by id or by external ID. A call no longer counts as being processed once it has taken effect and its
// client has hung up.
func (s *Sim) InFlightViolations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.violations
}

func (s *Sim) mustTable(object string) *table {
	t, ok := s.table(object)
	if !ok {
		panic("sfsim: no object " + object)
	}
	return t
}

func mustBind(t *table, fields map[string]any) row {
	plain := make(map[string]any, len(fields))
	for name, v := range fields {
		switch n := v.(type) {
		case int:
			v = float64(n)
		case int64:
			v = float64(n)
		case time.Time:
			v = n.Format(time.RFC3339Nano)
		}
		plain[name] = v
	}
	r, f := bind(t, plain)
	if f != nil {
		panic(fmt.Sprintf("sfsim: %s: %s", t.Name, f.message))
	}
	return r
}

func (r *record) fields() map[string]any { return r.table.fieldsOf(r.values) }

func (t *table) fieldsOf(values []any) map[string]any {
	m := make(map[string]any, len(values))
	for i, v := range values {
		if v != nil {
			m[t.columns[i].Name] = v
		}
	}
	return m
}
