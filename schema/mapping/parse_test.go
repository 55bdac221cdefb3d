package mapping

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	minimal = "version: 1\nboards:\n  b:\n    board: 1\n    records:\n      r: { object: Lead, fields: { Email: email } }\n"

	// head precedes the fields of a record on line 7 and what follows.
	head = "version: 1\nboards:\n  b:\n    board: 1\n    records:\n      r: { object: Lead, fields: {\n"
)

// mustParse parses a mapping without faults.
func mustParse(t testing.TB, src string) *Mapping {
	t.Helper()
	m, err := Parse("mapping.yaml", []byte(src))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return m
}

// faults returns the faults of a mapping, one per line, without the file's name.
func faults(t testing.TB, src string) string {
	t.Helper()
	_, err := Parse("m", []byte(src))
	if err == nil {
		return ""
	}
	if _, ok := errors.AsType[Faults](err); !ok {
		t.Fatalf("Parse: error is %T, want Faults", err)
	}
	return strings.ReplaceAll("\n"+err.Error(), "\nm:", "\n")[1:]
}

func TestParseFile(t *testing.T) {
	t.Parallel()
	nested := func(indent int) string { return minimal[:len(minimal)-1] + strings.Repeat(" ", indent) }
	tests := map[string]struct{ src, want string }{
		"minimal":          {minimal, ""},
		"byte order mark":  {"\ufeff" + minimal, ""},
		"windows lines":    {strings.ReplaceAll(minimal, "\n", "\r\n"), ""},
		"document markers": {"---\n" + minimal + "...\n", ""},
		"trailing spaces":  {nested(3) + "\n", ""},
		"JSON":             {`{"version": 1, "boards": {"b": {"board": 1, "records": {"r": {"object": "Lead", "fields": {"Email": "email"}}}}}}`, ""},
		"empty":            {"", "1:1: the file is empty"},
		"comment only":     {"# nothing\n", "1:1: the file is empty"},
		"list":             {"- a\n", "1:1: expected a mapping, found a list"},
		"text":             {"mapping", "1:1: expected a mapping, found text"},
		"nothing in it":    {"{}", "1:1: \"version\" is missing\n1:1: \"boards\" is missing"},
		"two documents":    {minimal + "---\na: 1\n", "8:1: a mapping file contains only one YAML document; this is another one"},
		"not UTF-8":        {"version: 1\na\xff: 1\n", "2:2: the file is not UTF-8 text"},
		"NUL":              {"version: \x00", "1:10: the file is not UTF-8 text"},
		"NUL escaped":      {head + `Email: { value: "a\0" } } }`, "7:17: the text contains a character that cannot be stored"},
		"syntax":           {"version: 1\nboards: [\n", "2:9: sequence end token ']' not found"},
		"tab":              {"version: 1\nboards:\n\tb: 1\n", "3:1: found character '\t' that cannot start any token"},
		"too large":        {strings.Repeat("#", maxSize+1), "1:1: the file has 262145 bytes; the maximum is 262144"},
		"brackets":         {strings.Repeat("[", 100000), "1:33: nested deeper than 32"},
		"braces":           {strings.Repeat("{a: ", 50000), "1:129: nested deeper than 32"},
		"dashes":           {strings.Repeat("- ", 100000) + "a", "1:65: nested deeper than 32"},
		"questions":        {"? ? a", "1:1: YAML's MappingKey is not allowed in a mapping file; write it out\n1:3: YAML's MappingKey is not allowed in a mapping file; write it out"},
		"anchor and alias": {"a: &x 1\nb: *x\n", "1:4: YAML's Anchor is not allowed in a mapping file; write it out\n2:4: YAML's Alias is not allowed in a mapping file; write it out"},
		"merge key":        {"<<: {}\n", "1:1: YAML's MergeKey is not allowed in a mapping file; write it out"},
		"tag":              {"version: !!int 1\n", "1:10: YAML's Tag is not allowed in a mapping file; write it out"},
		"unknown keys":     {minimal + "bords: 1\nzebra: 2\n", "7:1: unknown key \"bords\", did you mean \"boards\"?\n8:1: unknown key \"zebra\""},
		"duplicate key":    {minimal + "version: 1\n", "7:1: key \"version\" is already set on line 1"},
		"null key":         {minimal + "~: 1\n", "7:1: expected text, found null"},
		"version 2":        {strings.Replace(minimal, "1", "2", 1), "1:10: version 2 is not supported; this program reads version 1"},
		"version as text":  {strings.Replace(minimal, "1", `"1"`, 1), "1:10: expected a whole number, found text"},
		"no version":       {strings.Replace(minimal, "version: 1\n", "", 1), "1:1: \"version\" is missing"},
		"no boards":        {"version: 1\nboards:\n", "2:8: expected a mapping, found null"},
		"empty boards":     {"version: 1\nboards: {}\n", "2:9: expected at least one board"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, faults(t, tt.src)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseBombs(t *testing.T) {
	t.Parallel()
	var steps strings.Builder
	for i := range 700 {
		steps.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	bombs := map[string]string{
		"steps":   steps.String(),
		"aliases": "a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
		"list":    "boards:\n" + strings.Repeat("- a: b\n", 30000),
		"colons":  strings.Repeat("a: ", 80000),
		"unknown": strings.Repeat("a", 1<<17) + ": 1\n",
	}
	for name, src := range bombs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if faults(t, src) == "" {
				t.Error("Parse found no fault")
			}
		})
	}
}

func TestParseFindsAllFaults(t *testing.T) {
	t.Parallel()
	src := `version: 1
defaults: { key: 1, phone_country: us, owner: 005000000000001, x: 1 }
boards:
  a b:
    board: -1
    records:
      r.s:
        object: 9
        feilds: {}
  c:
    board: 7
    records: {}
`
	want := `2:18: expected text (in quotes), found a number
2:36: "us" is not a country code such as US
2:47: expected text (in quotes), found a number
2:64: unknown key "x"
4:3: "a b" is not a valid name: use only letters, digits, _ and -
5:12: -1 is not a valid board id
7:7: "r.s" is not a valid name: use only letters, digits, _ and -
7:7: "fields" is missing
8:17: expected text (in quotes), found a number
9:9: unknown key "feilds", did you mean "fields"?
12:14: expected at least one record`
	if diff := cmp.Diff(want, faults(t, src)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestFaultError(t *testing.T) {
	t.Parallel()
	_, err := Parse("/etc/mapping.yaml", []byte(strings.Replace(minimal, "fields", "feilds", 1)))
	want := "/etc/mapping.yaml:6:7: \"fields\" is missing\n/etc/mapping.yaml:6:26: unknown key \"feilds\", did you mean \"fields\"?"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestMappingDefaults(t *testing.T) {
	t.Parallel()
	m := mustParse(t, minimal)
	if m.Key != DefaultKey || m.PhoneCountry != "" || m.Owner != "" {
		t.Errorf("defaults = %q, %q, %q", m.Key, m.PhoneCountry, m.Owner)
	}
	m = mustParse(t, minimal+"defaults: { key: Ext__c, phone_country: NO, owner: 005000000000000AAA }\n")
	if m.Key != "Ext__c" || m.PhoneCountry != "NO" || m.Owner != "005000000000000AAA" {
		t.Errorf("defaults = %q, %q, %q", m.Key, m.PhoneCountry, m.Owner)
	}
	if m.Board(1) != m.Boards[0] || m.Board(2) != nil {
		t.Error("Board() returned a board with another id")
	}
}

func TestConditionIsInherited(t *testing.T) {
	t.Parallel()
	m := mustParse(t, `
version: 1
boards:
  b:
    board: 1
    records:
      of_board: { object: A, fields: { Name: name } }
      own: { object: B, create_when: { text: one, check: true, name: [a, 7] }, fields: { Name: name } }
      always: { object: C, create_when: {}, fields: { Name: name } }
    create_when: { status: [Qualified, Quote] }
`)
	want := []Condition{
		{"status": {"Qualified", "Quote"}},
		{"text": {"one"}, "check": {"true"}, "name": {"a", "7"}},
		{},
	}
	for i, r := range m.Boards[0].Records {
		if diff := cmp.Diff(want[i], r.When); diff != "" {
			t.Errorf("condition of %s (-want +got):\n%s", r.Name, diff)
		}
	}
	if diff := cmp.Diff([]string{"check", "status", "text"}, m.Boards[0].Columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

// FuzzParse checks that no file makes Parse panic, and that faults are located inside the file.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("../../deploy/mapping.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, seed := range []string{
		minimal, "", "a", "? a", "a: &x\n", "[]", "{", "\"", "a: |\n", "- - -", "\xff", "\ufeff", "a:\n\tb", "--- \n---\n", "!!x {a: *y}",
		head + "Email: { from: a, as: b, labels: {1: 2, ~: .inf}, default: +9d, link: x.y }, A: 0x1F, A: }}", "%YAML 1.2\n---\na: 1",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := Parse("m", src)
		if err == nil {
			for _, b := range m.Boards {
				for _, r := range b.Records {
					r.Desired(Item{Name: "a b"}, nil, time.Unix(0, 0))
				}
			}
			return
		}
		found, ok := errors.AsType[Faults](err)
		if !ok || len(found) == 0 {
			t.Fatalf("error is %T, want Faults", err)
		}
		lines := strings.SplitAfter(string(src), "\n")
		for _, fault := range found {
			if fault.Line < 1 || fault.Line > len(lines) || fault.Column < 1 || fault.Column > len([]rune(lines[fault.Line-1]))+1 {
				t.Errorf("fault outside the file of %d lines: %v", len(lines), fault)
			}
		}
	})
}
