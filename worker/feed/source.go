package feed

import (
	"maps"
	"slices"
	"strings"
	"time"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// source is an object whose changes are written to Monday.
type source struct {
	object string
	fields []string // requested fields, sorted
	ways   []store.FeedWay
	back   map[way][]*mapping.Field // fields that are written to Monday
}

// way is a record in the mapping of a board.
type way struct {
	board  int64
	record string
}

// sourcesOf returns the objects whose changes affect Monday, in the mapping's order. A record whose values only go to
// Salesforce is among them if its item is archived when the record is deleted.
func sourcesOf(m *mapping.Mapping) []*source {
	var all []*source
	byObject := map[string]*source{}
	for _, board := range m.Boards {
		for _, rec := range board.Records {
			back := rec.Back()
			if rec.Shared || len(back) == 0 && rec.OnRecordDelete != mapping.Archive {
				continue
			}
			s := byObject[rec.Object]
			if s == nil {
				s = &source{object: rec.Object, back: map[way][]*mapping.Field{}}
				all, byObject[rec.Object] = append(all, s), s
			}
			one := store.FeedWay{BoardID: board.ID, Record: rec.Name}
			for _, f := range back {
				one.Fields = append(one.Fields, f.Name)
			}
			s.ways, s.back[way{board.ID, rec.Name}] = append(s.ways, one), back
			s.fields = append(s.fields, one.Fields...)
		}
	}
	for _, s := range all {
		slices.Sort(s.fields)
		s.fields = slices.Compact(s.fields)
	}
	return all
}

// agrees reports whether a record that still exists holds what its item's link says, but for what Salesforce writes in
// another form.
func (s *source) agrees(told map[string]any, d store.FeedDifference) bool {
	fields := s.back[way{d.BoardID, d.Record}]
	for _, f := range fields {
		value, isTold := told[f.Name]
		known := d.Written[f.Name].Value
		if held, ok := d.Held[f.Name]; ok {
			known = held.Value
		}
		if isTold && f.Fold(value) != f.Fold(known) {
			return false
		}
	}
	return len(fields) > 0
}

// Uses reports whether the mapping needs the feed.
func Uses(m *mapping.Mapping) bool { return len(sourcesOf(m)) > 0 }

const (
	stampField = "SystemModstamp"

	// soqlTime is how SOQL writes a time; stamps have milliseconds.
	soqlTime = "2006-01-02T15:04:05.000Z"

	// pageSize is how many records are asked for at once: as many as Salesforce puts on a page.
	pageSize = 2000
)

// selectNewest is the query for the newest record.
func (s *source) selectNewest() string {
	return "SELECT Id, " + stampField + " FROM " + s.object + " ORDER BY " + stampField + " DESC, Id DESC LIMIT 1"
}

// selectChanged returns the query for the next page of a reading, without the hidden fields. Pages continue by stamp
// and Id. That works whatever happened since the last page, where a query locator would expire.
func (s *source) selectChanged(p span, hidden map[string]bool) string {
	fields := slices.DeleteFunc(slices.Clone(s.fields), func(f string) bool { return hidden[f] })
	for _, own := range []string{stampField, "IsDeleted", "Id"} {
		if !slices.Contains(fields, own) {
			fields = slices.Insert(fields, 0, own)
		}
	}
	var where []string
	switch {
	case !p.after.At.IsZero() && p.after.ID != "":
		at := p.after.At.UTC().Format(soqlTime)
		where = append(where, "(("+stampField+" = "+at+" AND Id > '"+p.after.ID+"') OR "+stampField+" > "+at+")")
	case !p.after.At.IsZero():
		where = append(where, stampField+" >= "+p.after.At.UTC().Format(soqlTime))
	}
	if !p.until.IsZero() {
		where = append(where, stampField+" <= "+p.until.UTC().Format(soqlTime))
	}
	query := "SELECT " + strings.Join(fields, ", ") + " FROM " + s.object
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	return query + " ORDER BY " + stampField + ", Id LIMIT 2000"
}

// span is what a reading still has to read: records after a position (from a time on, if it has no Id), up to a time.
// Zero: no limit.
type span struct {
	after store.FeedPosition
	until time.Time
}

// objectsOf returns the names of the sources' objects.
func objectsOf(sources map[string]*source) []string { return slices.Sorted(maps.Keys(sources)) }
