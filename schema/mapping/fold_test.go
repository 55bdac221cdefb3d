package mapping

import (
	"slices"
	"testing"

	"crmsync/mondayclient/column"
)

func TestFold(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		field string
		typ   column.Type
		a, b  any
		equal bool
	}{
		"text":                {"c", column.Text, "Ada", "Ada", true},
		"text in spaces":      {"c", column.Text, " Ada ", "Ada", true},
		"text in two cases":   {"c", column.Text, "ada", "Ada", false},
		"spaces and null":     {"c", column.Text, "  ", nil, true},
		"number":              {"c", column.Numbers, 1.0, 1.0, true},
		"number and text":     {"c", column.Numbers, 1.0, "1", false},
		"choices":             {"c", column.Dropdown, "b;a", "a;b", true},
		"text with semicolon": {"c", column.Text, "b;a", "a;b", false},
		"name":                {"name", column.Text, "Ada  Lovelace", "Ada Lovelace", true},
		"e-mail":              {"{ from: c, as: email }", column.Email, "Ada@Example.org", "ada@example.org", true},
		"e-mail as it is":     {"c", column.Email, "Ada@Example.org", "ada@example.org", true},
		"time":                {"{ from: c, as: datetime }", column.Date, "2026-07-01T01:00:00.000+0000", "2026-06-30T21:00:00-04:00", true},
		"time, another":       {"{ from: c, as: datetime }", column.Date, "2026-07-01T01:00:00Z", "2026-07-01T01:00:01Z", false},
		"phone":               {"{ from: c, as: phone }", column.Phone, "(212) 555-0100", "+12125550100", true},
		"phone and extension": {"{ from: c, as: phone }", column.Phone, "(212) 555-0100 x12", "+12125550100 ext. 12", true},
		"phone, other":        {"{ from: c, as: phone }", column.Phone, "+12125550100 ext. 12", "+12125550100", false},
		"phone as it is":      {"c", column.Phone, "(212) 555-0100", "+12125550100", false},
		"no phone":            {"{ from: c, as: phone }", column.Phone, "call me", "call me ", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mustParse(t, "version: 1\ndefaults: { phone_country: US }\nboards: { b: { board: 1, migrate: { record: r, name: F }, records: { r: { object: Lead, id_column: id, fields: { F: "+tt.field+" } } } } }\n")
			targets := m.Boards[0].Migration.Targets
			target := targets[len(targets)-1]
			if got := target.FoldIn(tt.a, tt.typ) == target.FoldIn(tt.b, tt.typ); got != tt.equal {
				t.Errorf("%v and %v fold to equal values = %v, want %v", tt.a, tt.b, got, tt.equal)
			}
		})
	}
}

// TestOutside checks that a label outside the map is found with and without a default, and only if there is a map.
func TestOutside(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fields string
		want   []string
	}{
		"mapped":            {"F: { from: status, labels: { Quote: x } }", nil},
		"mapped to nothing": {"F: { from: status, labels: { Quote: null } }", nil},
		"unmapped":          {"F: { from: status, labels: { x: y } }", []string{"status"}},
		"defaulted":         {"F: { from: status, labels: { x: y }, default: z }", []string{"status"}},
		"not translated":    {"F: status", nil},
		"empty":             {"F: { from: no_status, labels: { x: y } }", nil},
		"unknown":           {"F: { from: missing, labels: { x: y } }", nil},
		"dropdown":          {"F: { from: dropdown, labels: { A: x, B: y } }", nil},
		"dropdown, in part": {"F: { from: dropdown, labels: { A: x } }", []string{"dropdown"}},
		"people":            {"F: { from: people, labels: { A: x } }", nil},
		"name":              {"F: { from: name, labels: { A: x } }", nil},
		"several":           {"F: { from: status, labels: { x: y } }, G: { from: dropdown, labels: { A: x } }, H: { from: status, labels: { z: y } }", []string{"dropdown", "status"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := mustParse(t, head+tt.fields+" } }\n").Boards[0].Records[0]
			if got := r.Outside(sample()); !slices.Equal(got, tt.want) {
				t.Errorf("Outside() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRecordColumns(t *testing.T) {
	t.Parallel()
	m := mustParse(t, `version: 1
boards:
  b:
    board: 1
    records:
      r: { object: A, id_column: sfid, create_when: { status: x }, fields: { F: name, G: { template: "{a} {b} {name}" }, H: { from: a } } }
      s: { object: B, fields: { F: { value: x }, G: { record: r }, H: { from: connect, link: b.r } } }
`)
	r, s := m.Boards[0].Named("r"), m.Boards[0].Named("s")
	if got, want := r.Columns(), []string{"a", "b", "sfid", "status"}; !slices.Equal(got, want) {
		t.Errorf("Columns() = %q, want %q", got, want)
	}
	if got, want := s.Columns(), []string{"connect"}; !slices.Equal(got, want) {
		t.Errorf("Columns() = %q, want %q", got, want)
	}
}
