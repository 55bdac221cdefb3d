package migration

import (
	"testing"

	"crmsync/mondayclient/column"
)

func TestBoardCheck(t *testing.T) {
	t.Parallel()
	const lacks = "board contacts (1002) has no "
	tests := map[string]struct {
		types  map[string]column.Type
		groups []string
		want   string
	}{
		"whole":             {contactTypes(), []string{"topics", "imported"}, ""},
		"groups unknown":    {contactTypes(), nil, ""},
		"no group":          {contactTypes(), []string{"topics"}, lacks + `group "imported", where new items go: correct the board or the mapping`},
		"no id column":      {map[string]column.Type{"email": column.Email}, []string{"imported"}, lacks + `column "text_sfid", which shows the Id of an item's record: correct the board or the mapping`},
		"no other column":   {map[string]column.Type{"text_sfid": column.Text}, []string{"imported"}, ""},
		"both missing: the": {nil, nil, lacks + `column "text_sfid", which shows the Id of an item's record: correct the board or the mapping`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := (board{types: tt.types}).check(migrationOf(t, contactsBoard), tt.groups); err != nil {
				got = err.Error()
			}
			same(t, "error", tt.want, got)
		})
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	b := board{labels: map[string][]string{"status": {"Boss", "Clerk"}, "tags": {"a", "b"}}}
	dropdown := func(labels ...string) column.Value { return column.Value{Type: column.Dropdown, Labels: labels} }
	tests := map[string]struct {
		column string
		value  column.Value
		want   string
	}{
		"there":             {"status", statusValue("Boss"), ""},
		"another case":      {"status", statusValue("boss"), "boss"},
		"not there":         {"status", statusValue("Intern"), "Intern"},
		"empty":             {"status", statusValue(""), ""},
		"all there":         {"tags", dropdown("b", "a"), ""},
		"one not there":     {"tags", dropdown("a", "c"), "c"},
		"labels not known":  {"other", statusValue("Intern"), ""},
		"no labels at all":  {"email", emailValue("a@x.org"), ""},
		"nothing is chosen": {"tags", dropdown(), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			label, missing := b.missing(tt.column, tt.value)
			if label != tt.want || missing != (tt.want != "") {
				t.Errorf("missing() = %q, %t, want %q", label, missing, tt.want)
			}
		})
	}
}
