package mapping

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"crmsync/mondayclient/column"
)

// Value is what a field should hold: Literal, unless Record, Link, Person or Err is set.
type Value struct {
	// Literal is a string, a float64, a bool, or nil for null: the column is empty and has no default.
	Literal any

	// Record requests the Id of this record of the same item.
	Record *Record

	// Link requests the Id of this record of the connected item Item. If several items are connected, the first one
	// counts.
	Link *Record
	Item int64

	// Person requests the active Salesforce user of this Monday person. If there are several people, the first one
	// counts.
	Person int64

	// Since is the day (YYYY-MM-DD, UTC) on which a default such as +90d was first applied, if Literal comes from
	// one. The caller stores it and passes it back, so that the value does not change.
	Since string

	// Err is a *ValueError: the column's value cannot be converted for the field. Nothing is to be written.
	Err error
}

// Desired returns what every field of the record should hold for the item, by field name, without fields that go only
// to Monday. Since holds the days returned by earlier calls, by field; for a field without one, a relative default
// starts today, in UTC. Desired is a pure function of the mapping and its arguments.
func (r *Record) Desired(it Item, since map[string]string, today time.Time) map[string]Value {
	values := make(map[string]Value, len(r.Fields))
	for _, f := range r.Fields {
		if f.Sync == ToMonday {
			continue
		}
		start := today.UTC()
		if day := since[f.Name]; day != "" {
			if parsed, err := time.Parse(time.DateOnly, day); err == nil {
				start = parsed
			}
		}
		values[f.Name] = f.desired(it, start)
	}
	return values
}

func (f *Field) desired(it Item, start time.Time) Value {
	switch f.form {
	case fixed:
		return Value{Literal: f.literal}
	case sibling:
		return Value{Record: f.record}
	case template:
		return f.joined(it, start)
	}
	v := it.value(f.from)
	if f.as != "datetime" {
		v = f.locale.day(v)
	}
	switch {
	case f.link != nil:
		return f.linked(v)
	case f.labels != nil:
		return f.labeled(v, start)
	default:
		return f.converted(v, start)
	}
}

// converted returns the value in the form that `as` names, or else that of its column's type.
func (f *Field) converted(v column.Value, start time.Time) Value {
	if v.Type == "" {
		return f.empty(start)
	}
	convert, ok := conversions[f.as]
	if !ok {
		convert = plain
	}
	converted, code := convert(v, f.locale.region)
	switch {
	case code != "":
		return f.invalid(code, "")
	case converted == Value{}:
		return f.empty(start)
	default:
		return converted
	}
}

// joined returns the template with the texts of its columns.
func (f *Field) joined(it Item, start time.Time) Value {
	var s strings.Builder
	empty := true
	for _, p := range f.template {
		s.WriteString(p.text)
		if p.column == "" {
			continue
		}
		v := f.locale.day(it.value(p.column))
		if refers(v) {
			return f.invalid(WrongColumnType, "")
		}
		s.WriteString(text(v))
		empty = empty && blank(text(v))
	}
	if empty && f.fallback != nil {
		return f.empty(start)
	}
	return f.converted(column.Value{Type: column.Text, Text: s.String()}, start)
}

// linkedRecord returns the record of the first connected item.
func (f *Field) linked(v column.Value) Value {
	switch {
	case v.Type != "" && v.Type != column.BoardRelation:
		return f.invalid(WrongColumnType, "")
	case len(v.IDs) == 0:
		return Value{}
	default:
		return Value{Link: f.link, Item: v.IDs[0]}
	}
}

// labeled returns the value of the label; the labels of a dropdown are mapped one by one.
func (f *Field) labeled(v column.Value, start time.Time) Value {
	if refers(v) {
		return f.invalid(WrongColumnType, "")
	}
	var values []any
	since := ""
	for _, label := range labelsIn(v) {
		mapped, ok := f.labels[label]
		if !ok {
			if f.fallback == nil {
				return f.unmapped(v, label)
			}
			fallback := f.empty(start)
			mapped, since = fallback.Literal, fallback.Since
		}
		values = append(values, mapped)
	}
	if len(values) == 0 {
		return f.empty(start)
	}
	return Value{Literal: joinedLabels(values), Since: since}
}

// labelsIn returns the labels in a column: those of a dropdown, or the only text of any other type.
func labelsIn(v column.Value) []string {
	labels := []string{text(v)}
	if v.Type == column.Dropdown {
		labels = slices.Clone(v.Labels)
	}
	return slices.DeleteFunc(labels, blank)
}

// Outside returns the columns of the item, sorted, that contain a label missing from a field's `labels`, whether or
// not a default replaces it. If the label is only stored and does not come from the current event, it may have been
// renamed on the board and in the mapping since. The column must then be read before anything is decided by it.
func (r *Record) Outside(it Item) []string {
	var ids []string
	for _, f := range r.Fields {
		if f.Outside(it) != nil {
			ids = append(ids, f.from)
		}
	}
	return columnIDs(ids)
}

// Outside returns the error for the first label in the item's column that is missing from the field's `labels`, whether
// or not a default replaces it; nil: none is missing.
func (f *Field) Outside(it Item) error {
	v, labels := f.labelsOf(it)
	for _, label := range labels {
		if _, mapped := f.labels[label]; !mapped {
			return f.unmapped(v, label).Err
		}
	}
	return nil
}

// Unmapped returns the errors that the field had while labels in the item's column were missing from its `labels`.
func (f *Field) Unmapped(it Item) (errs []error) {
	v, labels := f.labelsOf(it)
	for _, label := range labels {
		errs = append(errs, f.unmapped(v, label).Err)
	}
	return errs
}

// labelsOf returns the value of the item's column and the labels in it; none if the field does not map labels.
func (f *Field) labelsOf(it Item) (v column.Value, labels []string) {
	v = f.locale.day(it.value(f.from))
	if f.form != fromColumn || f.labels == nil || refers(v) {
		return v, nil
	}
	return v, labelsIn(v)
}

// joinedLabels returns one value unchanged, and several as a multi-select picklist expects them: each once, without
// nulls.
func joinedLabels(values []any) any {
	if len(values) == 1 {
		return values[0]
	}
	var texts []string
	seen := map[any]bool{nil: true}
	for _, v := range values {
		if seen[v] {
			continue
		}
		seen[v] = true
		switch v := v.(type) {
		case string:
			texts = append(texts, v)
		case float64:
			texts = append(texts, strconv.FormatFloat(v, 'f', -1, 64))
		case bool:
			texts = append(texts, strconv.FormatBool(v))
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return strings.Join(texts, ";")
}

// empty returns what the field holds while its column is empty.
func (f *Field) empty(start time.Time) Value {
	switch {
	case f.fallback == nil:
		return Value{}
	case !f.fallback.relative:
		return Value{Literal: f.fallback.literal}
	}
	literal := start.AddDate(0, 0, f.fallback.days).Format(time.DateOnly)
	if f.as == "datetime" {
		literal += "T00:00:00Z"
	}
	return Value{Literal: literal, Since: start.Format(time.DateOnly)}
}

// IsDefault reports whether the field holds its default for the item, because its column is empty.
func (f *Field) IsDefault(it Item) bool {
	if f.fallback == nil {
		return false
	}
	bare := *f
	bare.fallback = nil
	return bare.desired(it, time.Time{}) == Value{}
}

// unmapped returns the error for a label outside the map. It names a label only if labels are configuration; a text
// may be a customer's.
func (f *Field) unmapped(v column.Value, label string) Value {
	if v.Type != column.Status && v.Type != column.Dropdown {
		label = ""
	}
	return f.invalid(UnmappedLabel, label)
}

func (f *Field) invalid(code, label string) Value {
	return Value{Err: &ValueError{Field: f.Name, Column: strings.Join(f.Columns(), ", "), Code: code, Label: label}}
}
