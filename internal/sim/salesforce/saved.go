package salesforce

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Saved is the content of an org, to be stored as JSON: the records of all objects, deleted ones too, and the counters
// of ids and stamps. What configures the org (rules, access, faults, fields added at run time) is not part of it, nor
// are sessions, cursors and the calls counted against the daily limit.
type Saved struct {
	User    string                   `json:"user"` // Id of the integration user
	IDs     int                      `json:"ids"`
	Last    time.Time                `json:"last_stamp"`
	Records map[string][]savedRecord `json:"records"` // by object
}

// savedRecord holds all values that are not null, in the form of Get.
type savedRecord map[string]any

// Revision returns a number that grows with every change of what Save returns.
func (s *Sim) Revision() int64 { return s.revision.Load() }

// Save returns the content of the org.
func (s *Sim) Save() Saved {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Saved{User: s.user, IDs: s.ids, Last: s.last, Records: map[string][]savedRecord{}}
	for _, t := range s.tables {
		list := make([]savedRecord, len(t.rows))
		for i, rec := range t.rows {
			list[i] = rec.fields()
		}
		out.Records[t.Name] = list
	}
	return out
}

// Load replaces the content of a new org, which serves nothing yet, by saved content. After an error, which names the
// place, the org must not be used.
func (s *Sim) Load(saved Saved) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user, s.ids, s.last = saved.User, saved.IDs, saved.Last
	for _, t := range s.tables {
		t.rows, t.byID, t.indexes, t.log = nil, map[string]*record{}, map[int]index{}, nil
	}
	for name, records := range saved.Records {
		t, ok := s.table(name)
		if !ok {
			return badSaved("there is no object %q", name)
		}
		for i, fields := range records {
			if err := t.load(fields); err != nil {
				return badSaved("%s, record %d: %w", name, i+1, err)
			}
		}
	}
	for _, t := range s.tables {
		if err := t.loaded(s); err != nil {
			return err
		}
	}
	if t, ok := s.table("User"); ok && t.byID[s.user] == nil {
		return badSaved("the integration user is not one of the users")
	}
	return nil
}

// load adds a record.
func (t *table) load(fields savedRecord) error {
	rec := &record{table: t, values: make([]any, len(t.columns))}
	for name, v := range fields {
		c, ok := t.column(name)
		if !ok {
			return fmt.Errorf("there is no field %q", name)
		}
		value, failed := c.parse(v)
		if failed != nil || value == nil {
			return fmt.Errorf("the value of %s is not a %s", c.Name, c.Type)
		}
		rec.values[c.index] = value
	}
	id, _ := rec.values[colID].(string)
	full, ok := parseID(id)
	switch {
	case !ok || full != id || !strings.HasPrefix(id, t.Prefix):
		return fmt.Errorf("%q is not an Id of this object", id)
	case t.byID[id] != nil:
		return fmt.Errorf("%s occurs twice", id)
	}
	for _, i := range []int{colDeleted, colCreated, colModified, colStamp} {
		if rec.values[i] == nil {
			return fmt.Errorf("%s has no %s", id, t.columns[i].Name)
		}
	}
	rec.id = id
	t.rows = append(t.rows, rec)
	t.byID[id] = rec
	return nil
}

// loaded checks the order of the loaded records, and rebuilds the log and the indexes that every table has.
func (t *table) loaded(s *Sim) error {
	byID := func(a, b *record) int { return strings.Compare(a.id, b.id) }
	next := mintID(t.Prefix, s.ids+1)
	if !slices.IsSortedFunc(t.rows, byID) || len(t.rows) > 0 && t.rows[len(t.rows)-1].id >= next {
		return badSaved("%s: the records are not in the order of their Ids, or the next Id is taken", t.Name)
	}
	for _, rec := range t.rows {
		t.log = append(t.log, stamped{rec.values[colStamp].(string), rec})
	}
	slices.SortStableFunc(t.log, func(a, b stamped) int { return cmp.Compare(a.stamp, b.stamp) })
	for i := range t.columns {
		if c := &t.columns[i]; c.Unique || c.ExternalID {
			t.indexOf(c)
		}
	}
	return nil
}

// badSaved returns the error of a place in Saved.
func badSaved(format string, args ...any) error { return fmt.Errorf("salesforce: "+format, args...) }
