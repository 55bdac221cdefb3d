package mapping

import "slices"

// Place is a line and a column in the mapping file, both from 1.
type Place struct{ Line, Column int }

// Label is a label in `create_when`.
type Label struct {
	Column string // column id
	Text   string
	At     Place
}

// Choice is the value of a label: a string, a float64, a bool, or nil for nothing.
type Choice struct {
	Label string
	Value any
	At    Place
}

// At returns the place of a key of the board, or of the board itself if the key is missing.
func (b *Board) At(key string) Place { return keyPlace(b.at, key, b.place) }

// At returns the place of a key of the record, or of the record itself if the key is missing.
func (r *Record) At(key string) Place { return keyPlace(r.at, key, r.place) }

// At returns the place of a key of the field, or of the field itself if the key is missing.
func (f *Field) At(key string) Place { return keyPlace(f.at, key, place{f.Line, f.Col}) }

// At returns the place of the migration.
func (g *Migration) At() Place { return g.at.public() }

// OwnerAt returns the place of the default owner.
func (m *Mapping) OwnerAt() Place { return m.ownerAt.public() }

// Gates returns the labels of the condition for creating the record, in the file's order.
func (r *Record) Gates() []Label { return slices.Clone(r.gates) }

// As returns the conversion that the field names, or "".
func (f *Field) As() string { return f.as }

// IsTemplate reports whether the field combines columns in a template.
func (f *Field) IsTemplate() bool { return f.form == template }

// Labels returns the values of the column's labels, in the file's order; none: the label itself is the value.
func (f *Field) Labels() []Choice {
	var all []Choice
	for _, label := range f.order {
		all = append(all, Choice{Label: label, Value: f.labels[label], At: f.labelAt[label].public()})
	}
	return all
}

// Fixed returns the value that the field has for every item; it is not ok if the field is read from the item.
func (f *Field) Fixed() (value any, ok bool) { return f.literal, f.form == fixed }

// Default returns the field's value while the column is empty; it is not ok if there is none. A default that counts
// days is relative and has no value.
func (f *Field) Default() (value any, relative, ok bool) {
	if f.fallback == nil {
		return nil, false, false
	}
	return f.fallback.literal, f.fallback.relative, true
}

func keyPlace(at map[string]place, key string, whole place) Place {
	if p, ok := at[key]; ok {
		return p.public()
	}
	return whole.public()
}

func (p place) public() Place { return Place{Line: p.line, Column: p.column} }

// Suggestion suggests the known word nearest to a misspelled one, such as `, did you mean "email"?`, or returns "".
func Suggestion(got string, known []string) string { return suggestion(got, known) }
