package mapping

import "slices"

// Place is a place in the mapping file: line and column, both from 1.
type Place struct{ Line, Column int }

// Label is a label that `create_when` names.
type Label struct {
	Column string // column id
	Text   string
	At     Place
}

// Choice is what a label becomes: a text, a float64, a bool, or nil for nothing.
type Choice struct {
	Label string
	Value any
	At    Place
}

// At is where a key of the board stands, or the board itself where it has no such key.
func (b *Board) At(key string) Place { return keyPlace(b.at, key, b.place) }

// At is where a key of the record stands, or the record itself where it has no such key.
func (r *Record) At(key string) Place { return keyPlace(r.at, key, r.place) }

// At is where a key of the field stands, or the field itself where it has no such key.
func (f *Field) At(key string) Place { return keyPlace(f.at, key, place{f.Line, f.Col}) }

// At is where the migration stands.
func (g *Migration) At() Place { return g.at.public() }

// OwnerAt is where the default owner stands.
func (m *Mapping) OwnerAt() Place { return m.ownerAt.public() }

// Gates are the labels of the condition under which the record is created, in the file's order.
func (r *Record) Gates() []Label { return slices.Clone(r.gates) }

// As is the conversion that the field names, or empty.
func (f *Field) As() string { return f.as }

// IsTemplate says that the field puts columns together.
func (f *Field) IsTemplate() bool { return f.form == template }

// Labels are what the labels of the field's column become, in the file's order; none: the label itself is taken.
func (f *Field) Labels() []Choice {
	var all []Choice
	for _, label := range f.order {
		all = append(all, Choice{Label: label, Value: f.labels[label], At: f.labelAt[label].public()})
	}
	return all
}

// Fixed is the value that the field has for every item; it is not ok where the field is read from the item.
func (f *Field) Fixed() (value any, ok bool) { return f.literal, f.form == fixed }

// Default is the field's value while the column is empty; it is not ok where there is none. A default that counts days
// is relative and has no value.
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

// Suggestion names the known word that a misspelled one is nearest to, such as `, did you mean "email"?`, or is empty.
func Suggestion(got string, known []string) string { return suggestion(got, known) }
