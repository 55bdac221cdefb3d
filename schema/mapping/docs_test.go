package mapping

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient/column"
)

func manual(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReferenceMappings checks that every mapping in the reference can be copied as it is.
func TestReferenceMappings(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(manual(t), -1)
	if len(blocks) < 5 {
		t.Errorf("found only %d mappings in the reference", len(blocks))
	}
	for n, block := range blocks {
		t.Run(fmt.Sprint(n+1), func(t *testing.T) {
			t.Parallel()
			if got := faults(t, block[1]); got != "" {
				t.Errorf("faults:\n%s\nin\n%s", got, block[1])
			}
			if err := schema.Validate(document(t, []byte(block[1]))); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReferenceIsComplete checks that every key in the schema has a row in the reference, with all words of a
// setting.
func TestReferenceIsComplete(t *testing.T) {
	t.Parallel()
	var s struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Enum       []string
				Properties map[string]any
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	text, keys := manual(t), map[string]bool{}
	for _, def := range s.Defs {
		for key, property := range def.Properties {
			keys[key] = true
			for inner := range property.Properties {
				keys[inner] = true
			}
			for _, word := range property.Enum {
				if !strings.Contains(text, "`"+word+"`") {
					t.Errorf("%s: the reference does not mention %q", key, word)
				}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !regexp.MustCompile("(?m)^\\|.*`" + key + "`").MatchString(text) {
			t.Errorf("the reference does not explain %q", key)
		}
	}
	for as := range conversions {
		if as != "user" && !strings.Contains(text, "\n| `"+as+"` | ") {
			t.Errorf("the reference shows no example of %q", as)
		}
	}
}

// TestReferenceConversions checks that the tables of conversions match what the program does.
func TestReferenceConversions(t *testing.T) {
	t.Parallel()
	rows := regexp.MustCompile("(?m)^\\| (?:`([a-z_]+)` \\| )?([a-z_]+) \\| (`.*`) \\| (.+) \\|$").FindAllStringSubmatch(manual(t), -1)
	if len(rows) < 25 {
		t.Errorf("only %d rows found", len(rows))
	}
	for _, row := range rows {
		as, typ, holds, gets := row[1], row[2], row[3], row[4]
		t.Run(as+" "+typ+" "+holds, func(t *testing.T) {
			t.Parallel()
			field := "c"
			if as != "" {
				field = "{ from: c, as: " + as + " }"
			}
			m := mustParse(t, head+"F: "+field+"\n } }\ndefaults: { phone_country: US, time_zone: America/New_York }\n")
			it := Item{Columns: map[string]column.Value{"c": held(column.Type(typ), holds)}}
			if diff := cmp.Diff(Value{Literal: literalOf(t, gets)}, m.Boards[0].Records[0].Desired(it, nil, noon)["F"], sameValue); diff != "" {
				t.Errorf("Desired (-reference +got):\n%s", diff)
			}
		})
	}
}

// held returns the value of a column of the type, as written in the reference.
func held(typ column.Type, holds string) column.Value {
	v := column.Value{Type: typ, Text: strings.Trim(holds, "`")}
	switch typ {
	case column.Dropdown:
		v.Text = ""
		for part := range strings.SplitSeq(holds, ", ") {
			v.Labels = append(v.Labels, strings.Trim(part, "`"))
		}
	case column.Checkbox:
		v.Checked = v.Text == "true"
	case column.Country:
		v.Code = map[string]string{"France": "FR"}[v.Text]
	case column.Date:
		v.Text, v.Time, _ = strings.Cut(v.Text, " ")
	}
	return v
}

// literalOf returns a value as written in the reference: text between backticks, a number, true, or nothing.
func literalOf(t *testing.T, gets string) any {
	t.Helper()
	if text, ok := strings.CutPrefix(gets, "`"); ok {
		return strings.TrimSuffix(text, "`")
	}
	if gets == "nothing" {
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(gets), &v); err != nil {
		t.Fatalf("%q is not a value", gets)
	}
	return v
}
