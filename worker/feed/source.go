package feed

import (
	"maps"
	"slices"
	"strings"
	"time"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// source is an object whose changes come back to Monday.
type source struct {
	object string
	fields []string // that are asked for, sorted
	ways   []store.FeedWay
}

// sourcesOf returns the objects that the mapping reads back, in its order. A record whose values only go to Salesforce has
// a way back if its item is archived when the record is deleted.
func sourcesOf(m *mapping.Mapping) []*source {
	var all []*source
	byObject := map[string]*source{}
	for _, board := range m.Boards {
		for _, rec := range board.Records {
			way := store.FeedWay{BoardID: board.ID, Record: rec.Name, Fields: backFields(rec)}
			if rec.Shared || len(way.Fields) == 0 && rec.OnRecordDelete != mapping.Archive {
				continue
			}
			s := byObject[rec.Object]
			if s == nil {
				s = &source{object: rec.Object}
				all, byObject[rec.Object] = append(all, s), s
			}
			s.ways = append(s.ways, way)
			s.fields = append(s.fields, way.Fields...)
		}
	}
	for _, s := range all {
		slices.Sort(s.fields)
		s.fields = slices.Compact(s.fields)
	}
	return all
}

// backFields returns the fields of a record whose values come back.
func backFields(rec *mapping.Record) (fields []string) {
	for _, f := range rec.Fields {
		if f.Sync != mapping.ToSalesforce {
			fields = append(fields, f.Name)
		}
	}
	return fields
}

// Uses reports whether the mapping has a way back, without which there is no feed.
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

// selectChanged is the query for the next page of a reading, without the hidden fields. The page goes on by stamp and Id,
// so that it is found whatever happened since the last one: a locator would expire.
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
