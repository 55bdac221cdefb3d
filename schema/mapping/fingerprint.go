package mapping

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// generation is part of every fingerprint. Increase it when the same mapping yields different values.
const generation = 1

// Fingerprint is equal for mappings with the same effect, whatever the order, comments and spelling of their files,
// and different for others.
func (m *Mapping) Fingerprint() string {
	type migration struct {
		Record, Where, Group, Schedule string
		Targets                        [][2]string
	}
	type board struct {
		Name      string
		ID        int64
		Records   []string
		Migration *migration
	}
	var boards []board
	for _, b := range sorted(m.Boards, func(b *Board) string { return b.Name }) {
		next := board{Name: b.Name, ID: b.ID}
		for _, r := range sorted(b.Records, func(r *Record) string { return r.Name }) {
			next.Records = append(next.Records, r.whole())
		}
		if g := b.Migration; g != nil {
			next.Migration = &migration{Record: g.Record.Name, Where: g.Where, Group: g.Group, Schedule: g.Schedule}
			for _, t := range sorted(g.Targets, func(t *Field) string { return t.from }) {
				next.Migration.Targets = append(next.Migration.Targets, [2]string{t.from, t.Name})
			}
		}
		boards = append(boards, next)
	}
	return fingerprint(m.Key, m.PhoneCountry, m.Owner, zoneName(m.TimeZone), m.Reconcile, m.Brake, m.AdoptShown, boards)
}

// Fingerprint is equal for records that exist for the same items and hold the same values. Other settings, such as
// what happens on a deletion, do not count.
func (r *Record) Fingerprint() string {
	fields := map[string]string{}
	for _, f := range r.Fields {
		fields[f.Name] = f.Fingerprint()
	}
	when := Condition{}
	for id, labels := range r.When {
		when[id] = slices.Sorted(slices.Values(labels))
	}
	return fingerprint(r.Object, r.Shared, when, fields)
}

// Ways is equal for boards whose changes in Salesforce are written to the same columns, and empty if there are none. A
// set of such columns takes effect only after a plan was made with it.
func (b *Board) Ways() string {
	var ways [][]any
	for _, r := range sorted(b.Records, func(r *Record) string { return r.Name }) {
		for _, f := range sorted(r.Back(), func(f *Field) string { return f.Name }) {
			ways = append(ways, []any{r.Name, r.Object, f.Name, f.from, f.Sync})
		}
	}
	if ways == nil {
		return ""
	}
	return fingerprint(b.ID, ways)
}

// whole returns a fingerprint of everything the mapping says about the record.
func (r *Record) whole() string {
	ways := map[string][]any{}
	for _, f := range r.Fields {
		ways[f.Name] = []any{f.Sync, f.Wins, f.order} // of labels with the same value, the first is read backwards
	}
	return fingerprint(r.Fingerprint(), r.Name, r.IDColumn, r.Match, r.DeleteWithItem, r.Sync, r.Wins,
		r.OnRecordDelete, r.OnDuplicate, r.Assignment, ways)
}

// Fingerprint is equal for fields with the same values. If it changes, the items have to be compared again.
func (f *Field) Fingerprint() string {
	var parts [][2]string
	for _, p := range f.template {
		parts = append(parts, [2]string{p.text, p.column})
	}
	var standIn []any
	if f.fallback != nil {
		standIn = []any{f.fallback.literal, f.fallback.relative, f.fallback.days}
	}
	values := []any{
		f.Name, f.Sync == ToMonday, f.form, f.from, f.literal, parts, f.as, f.labels, standIn, f.record.path(),
		f.link.path(), f.defaults(),
	}
	if f.Sync == Both { // what both sides last agreed on does not cover earlier changes in Salesforce
		values = append(values, f.Sync)
	}
	return fingerprint(values...)
}

// madeSize is the length of a field's short fingerprint, which is stored with each value and only has to distinguish
// versions of one field.
const madeSize = 12

// Made returns, by name, a short fingerprint of each of the record's fields.
func (r *Record) Made() map[string]string { return r.made }

// Sent returns, by name, the short fingerprint that each of the record's fields would have if it were only synced to
// Salesforce: values with that fingerprint come from the same source.
func (r *Record) Sent() map[string]string { return r.sent }

// SameSource reports whether a value that was made by a version of the field with this short fingerprint comes from the
// source that the field has now, whatever its direction was then.
func (r *Record) SameSource(field, made string) bool { return slices.Contains(r.sources[field], made) }

// Made returns short fingerprints of what the mapping says about the board's items: under the name of a record, when
// the record is created and where its Id is shown; under "record.field", each field.
func (b *Board) Made() map[string]string {
	all := map[string]string{}
	for _, r := range b.Records {
		when := Condition{}
		for id, labels := range r.When {
			when[id] = slices.Sorted(slices.Values(labels))
		}
		all[r.Name] = fingerprint(r.Object, r.Shared, when, r.IDColumn)[:madeSize]
		for name, made := range r.made {
			all[r.Name+"."+name] = made
		}
	}
	return all
}

func setMade(m *Mapping) {
	for _, b := range m.Boards {
		for _, r := range b.Records {
			r.made, r.sent = make(map[string]string, len(r.Fields)), make(map[string]string, len(r.Fields))
			r.sources = make(map[string][]string, len(r.Fields))
			for _, f := range r.Fields {
				r.made[f.Name], r.sent[f.Name] = f.made(f.Sync), f.made(ToSalesforce)
				r.sources[f.Name] = []string{f.made(ToSalesforce), f.made(Both), f.made(ToMonday)}
			}
		}
	}
}

// made returns the short fingerprint that the field would have if it had this direction.
func (f *Field) made(sync Direction) string {
	other := *f
	other.Sync = sync
	return other.Fingerprint()[:madeSize]
}

// defaults returns those of the mapping's defaults that affect the field's value.
func (f *Field) defaults() []string {
	switch f.as {
	case "phone":
		return []string{f.locale.region}
	case "user":
		return []string{f.locale.owner}
	case "", "text", "trim", "lower", "upper":
		if (f.form == fromColumn && f.from != itemName && f.link == nil) || f.form == template {
			return []string{zoneName(f.locale.zone)}
		}
	}
	return nil
}

// path names a record within the whole mapping.
func (r *Record) path() string {
	if r == nil {
		return ""
	}
	return r.Board.Name + "." + r.Name
}

func zoneName(zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return zone.String()
}

// fingerprint returns a hash of values that have only one form in encoding/json.
func fingerprint(values ...any) string {
	text, err := json.Marshal(append([]any{generation}, values...))
	if err != nil {
		panic(err) // cannot happen: there are only strings, numbers and booleans
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// sorted returns a copy of a list, sorted by a name.
func sorted[T any](list []T, name func(T) string) []T {
	return slices.SortedFunc(slices.Values(list), func(a, b T) int { return cmp.Compare(name(a), name(b)) })
}
