package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
)

// reversible lists the forms of a field that can be read backwards, with the column types that hold them and possible
// values of a record.
var reversible = []struct {
	field string // what follows `from: c`
	types []column.Type
	value func(*rapid.T) any
}{
	{"", []column.Type{column.Text, column.LongText, column.Email, column.Link, column.Status, column.Dropdown}, words},
	{"as: text", []column.Type{column.Text, column.LongText, column.Numbers}, digits},
	{"", []column.Type{column.Phone}, phones},
	{"as: phone", []column.Type{column.Phone, column.Text}, phones},
	{"as: phone", []column.Type{column.Phone, column.Text}, func(t *rapid.T) any {
		return phones(t).(string) + " ext. " + rapid.StringMatching(`[0-9]{1,7}`).Draw(t, "extension")
	}},
	{"as: email", []column.Type{column.Email, column.Text}, lower},
	{"as: lower", []column.Type{column.Text}, lower},
	{"as: trim", []column.Type{column.Text, column.LongText}, words},
	{"", []column.Type{column.Numbers}, numbers},
	{"as: number", []column.Type{column.Numbers, column.Text}, numbers},
	{"", []column.Type{column.Checkbox}, func(t *rapid.T) any { return rapid.Bool().Draw(t, "value") }},
	{"", []column.Type{column.Date}, dates},
	{"as: datetime", []column.Type{column.Date}, func(t *rapid.T) any { return dates(t).(string) + times(t) }},
	{"labels: { A: One, B: 2, C: true, D: One }", []column.Type{column.Status, column.Text, column.Dropdown}, func(t *rapid.T) any {
		return rapid.SampledFrom([]any{"One", 2.0, true}).Draw(t, "value")
	}},
	{"labels: { A: One, B: Two, C: Three }", []column.Type{column.Dropdown}, func(t *rapid.T) any {
		return strings.Join(rapid.Permutation([]string{"One", "Two", "Three"}).Draw(t, "values")[rapid.IntRange(0, 2).Draw(t, "from"):], ";")
	}},
	{"labels: { true: Yes, false: No }", []column.Type{column.Checkbox}, func(t *rapid.T) any {
		return rapid.SampledFrom([]any{"Yes", "No"}).Draw(t, "value")
	}},
	{"labels: { A: One }, default: Other", []column.Type{column.Status}, func(t *rapid.T) any {
		return rapid.SampledFrom([]any{"One", "Other"}).Draw(t, "value")
	}},
	{"default: Unknown", []column.Type{column.Text}, words},
}

func words(t *rapid.T) any {
	return rapid.StringMatching(`[A-Za-zéß][A-Za-z é.'&]{0,20}[a-z]`).Draw(t, "value")
}
func lower(t *rapid.T) any {
	return rapid.StringMatching(`[a-z]{1,9}@[a-z]{1,9}\.org`).Draw(t, "value")
}
func digits(t *rapid.T) any  { return rapid.StringMatching(`[1-9][0-9]{0,9}`).Draw(t, "value") }
func phones(t *rapid.T) any  { return rapid.StringMatching(`\+1212555[0-9]{4}`).Draw(t, "value") }
func numbers(t *rapid.T) any { return rapid.Float64Range(-1e15, 1e15).Draw(t, "value") }
func dates(t *rapid.T) any {
	return fmt.Sprintf("%04d-%02d-%02d", rapid.IntRange(1900, 2100).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 28).Draw(t, "day"))
}
func times(t *rapid.T) string {
	return fmt.Sprintf("T%02d:%02d:%02dZ", rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 59).Draw(t, "second"))
}

// TestRoundTrip checks that an item filled from a record yields the record's values again.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"UTC", "America/New_York", "Pacific/Kiritimati"} {
		roundTrip(t, zone)
	}
}

func roundTrip(t *testing.T, zone string) {
	for _, form := range reversible {
		m := mustParse(t, fmt.Sprintf(`
version: 1
defaults: { phone_country: US, time_zone: %s }
boards:
  b:
    board: 1
    migrate: { record: r }
    records: { r: { object: Lead, id_column: id, fields: { F: { from: c, %s } } } }
`, zone, form.field))
		g := m.Boards[0].Migration
		for _, typ := range form.types {
			t.Run(form.field+" in "+string(typ)+" in "+zone, func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(t *rapid.T) {
					want := form.value(t)
					v, ok := g.Targets[1].Back(want, column.Value{Type: typ}, 0)
					if !ok {
						t.Fatalf("Back(%v) is not ok", want)
					}
					got := g.Record.Desired(Item{Columns: map[string]column.Value{"c": v}}, nil, noon)["F"]
					if diff := cmp.Diff(Value{Literal: want}, got, sameValue); diff != "" {
						t.Fatalf("by way of %+v (-want +got):\n%s", v, diff)
					}
				})
			})
		}
	}
}

// TestRoundTripLink checks that a connected item refers to its record again.
func TestRoundTripLink(t *testing.T) {
	t.Parallel()
	m := mustParse(t, migrations)
	g := m.Boards[0].Migration
	target := g.Targets[2]
	v, ok := target.Back("001A", column.Value{Type: column.BoardRelation}, 7)
	if !ok || target.Link() != m.Boards[1].Records[0] {
		t.Fatalf("Link() = %v, Back() = %v, %v", target.Link(), v, ok)
	}
	got := g.Record.Desired(Item{Columns: map[string]column.Value{"connect": v}}, nil, noon)["AccountId"]
	if got.Item != 7 || got.Link != target.Link() {
		t.Errorf("Read() = %+v", got)
	}
	if _, ok := target.Back("001B", column.Value{Type: column.BoardRelation}, 0); ok {
		t.Error("Back() of a record without an item is ok")
	}
	if v, ok := target.Back(nil, column.Value{Type: column.BoardRelation}, 0); !ok || !v.Empty() {
		t.Errorf("Back() without a record = %v, %v", v, ok)
	}
}

// TestReadInTimeZone checks that a column filled only by the migration is read as a day in the time zone, like any
// other date.
func TestReadInTimeZone(t *testing.T) {
	t.Parallel()
	m := mustParse(t, "version: 1\ndefaults: { time_zone: America/New_York }\nboards: { b: { board: 1, migrate: { record: r, columns: { own: F } }, records: { r: { object: Lead, id_column: id, fields: { G: c } } } } }\n")
	for _, target := range m.Boards[0].Migration.Targets[1:] {
		evening, ok := target.Back("2026-07-01T01:00:00.000+0000", column.Value{Type: column.Date}, 0)
		if want := (column.Value{Type: column.Date, Text: "2026-07-01", Time: "01:00:00"}); !ok || !evening.Equal(want) {
			t.Errorf("Back() of %s = %+v, want %+v", target.Name, evening, want)
		}
		got := target.Read(Item{Columns: map[string]column.Value{target.Column(): evening}}, nil, noon)
		if got.Literal != "2026-06-30" {
			t.Errorf("Read() of %s = %v, want 30 June", target.Name, got.Literal)
		}
		day, ok := target.Back("2026-06-30", column.Value{Type: column.Date}, 0)
		if got := target.Read(Item{Columns: map[string]column.Value{target.Column(): day}}, nil, noon); !ok || got.Literal != "2026-06-30" {
			t.Errorf("Read() of %s for a date without time = %v", target.Name, got.Literal)
		}
	}
}

// TestBackWithoutAnswer checks that values without a unique column value are not guessed.
func TestBackWithoutAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		field string
		typ   column.Type
		value any
	}{
		"no label":        {"labels: { A: One }", column.Status, "Two"},
		"one label lacks": {"labels: { A: One }", column.Dropdown, "One;Two"},
		"people":          {"as: text", column.People, "Ada"},
		"country":         {"as: text", column.Country, "France"},
		"mirror":          {"as: text", "mirror", "x"},
		"no column":       {"as: text", "", "x"},
		"number":          {"as: number", column.Numbers, "a lot"},
		"date":            {"as: text", column.Date, "tomorrow"},
		"checkbox":        {"as: text", column.Checkbox, "maybe"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mustParse(t, "version: 1\nboards: { b: { board: 1, migrate: { record: r }, records: { r: { object: Lead, id_column: id, fields: { F: { from: c, "+tt.field+" } } } } } }\n")
			if v, ok := m.Boards[0].Migration.Targets[1].Back(tt.value, column.Value{Type: tt.typ}, 0); ok {
				t.Errorf("Back(%v) = %+v, want none", tt.value, v)
			}
		})
	}
}
