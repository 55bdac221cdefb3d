package mapping

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// beyond are the faults that Parse finds and a JSON Schema cannot tell, and why. The files are those of the folder.
var beyond = map[string]string{
	"anchor":                 "how a value is written is not what it is",
	"boolean-in-another-way": "how a value is written is not what it is",
	"number-in-another-way":  "how a value is written is not what it is",
	"version-one-point-oh":   "to JSON 1.0 is a whole number",
	"country-unknown":        "the countries change, and are many",
	"text-with-nul":          "a pattern against it would stand everywhere",
	"field-is-the-key":       "one value is held against another",
	"field-in-two-cases":     "one key is held against another",
	"board-twice":            "one board is held against another",
	"object-twice":           "one record is held against another",
	"id-column-twice":        "one record is held against another",
	"match-without-field":    "a value names a key",
	"match-of-a-reference":   "a value names a key",
	"record-unknown":         "a value names a key",
	"record-itself":          "a value names a key",
	"records-in-a-circle":    "a value names a key",
	"link-unknown":           "a value names a key",
	"link-to-shared":         "a value names a key",
	"migrate-record-unknown": "a value names a key",
	"migrate-column-twice":   "one value is held against another",
	"migrate-id-column":      "one value is held against another",
	"migrate-where-open":     "brackets are counted",
	"migrate-schedule":       "it is a language of its own",
	"time-zone-unknown":      "the zones change, and are many",
	"brake-within-a-second":  "a duration is a text",
	"reconcile-cron":         "it is a language of its own",
	"sync-later":             "this version does not act on it yet",
	"wins-later":             "this version does not act on it yet",
	"record-gone-later":      "this version does not act on it yet",
	"wins-of-one-way":        "one key is held against another record or field",
	"sync-column-twice":      "one field is held against another",
	"items-and-migrate":      "one key is held against another",
	"items-twice":            "one record is held against another",
}

// Schema and Parse come to the same verdict on every file of the folder, but for the faults that are beyond a schema's reach.
func TestSchema(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	tests := map[string]struct{ parses, valid bool }{
		"good":   {true, true},
		"bad":    {false, false},
		"beyond": {false, true},
	}
	for folder, want := range tests {
		for _, path := range files(t, folder) {
			t.Run(folder+"/"+filepath.Base(path), func(t *testing.T) {
				t.Parallel()
				src, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				_, faults := Parse("m", src)
				if (faults == nil) != want.parses {
					t.Errorf("Parse: %v", faults)
				}
				invalid := schema.Validate(document(t, src))
				if (invalid == nil) != want.valid {
					t.Errorf("schema: %v", invalid)
				}
			})
		}
	}
}

func TestSchemaOfExample(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("../../deploy/mapping.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(src), "\n")
	if want := "# yaml-language-server: $schema=mapping.schema.json"; first != want {
		t.Errorf("first line %q, want %q", first, want)
	}
	if err := compile(t).Validate(document(t, src)); err != nil {
		t.Error(err)
	}
}

// What stands beside the example is what the program prints.
func TestSchemaBesideExample(t *testing.T) {
	t.Parallel()
	beside, err := os.ReadFile("../../deploy/mapping.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(beside, Schema()) {
		t.Error("deploy/mapping.schema.json is not what `crmsync mapping schema` prints")
	}
}

// Every conversion and every word of a setting is known to the schema, and each fault beyond it is explained.
func TestSchemaIsComplete(t *testing.T) {
	t.Parallel()
	var s struct {
		Defs struct {
			From struct {
				Properties struct {
					As struct{ Enum []string } `json:"as"`
				}
			} `json:"fromField"`
			Record struct {
				Properties map[string]struct{ Enum []string }
			}
			Sync, Wins struct{ Enum []string }
		} `json:"$defs"`
	}
	if err := yaml.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(conversions)), s.Defs.From.Properties.As.Enum); diff != "" {
		t.Errorf("conversions (-ours +schema):\n%s", diff)
	}
	record := s.Defs.Record.Properties
	for _, have := range []struct {
		setting setting
		words   []string
	}{
		{syncSetting, s.Defs.Sync.Enum}, {winsSetting, s.Defs.Wins.Enum}, {recordGoneSetting, record["on_record_delete"].Enum},
		{duplicateSetting, record["on_duplicate"].Enum}, {assignmentSetting, record["assignment"].Enum},
	} {
		if diff := cmp.Diff(have.setting.words, have.words); diff != "" {
			t.Errorf("words of %s (-ours +schema):\n%s", have.setting.key, diff)
		}
	}
	var named []string
	for _, path := range files(t, "beyond") {
		named = append(named, strings.TrimSuffix(filepath.Base(path), ".yaml"))
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(beyond)), named); diff != "" {
		t.Errorf("faults beyond the schema (-explained +files):\n%s", diff)
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mapping.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("mapping.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// document is a YAML file as an editor hands it to a validator.
func document(t *testing.T, src []byte) any {
	t.Helper()
	var plain any
	if err := yaml.Unmarshal(src, &plain); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func files(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "schema", folder, "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	return paths
}
