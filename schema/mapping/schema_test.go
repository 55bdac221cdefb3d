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

// beyond lists the faults that Parse finds and a JSON Schema cannot express, with the reason. The keys are the files
// in the folder.
var beyond = map[string]string{
	"anchor":                 "a schema sees values, not their notation",
	"boolean-in-another-way": "a schema sees values, not their notation",
	"number-in-another-way":  "a schema sees values, not their notation",
	"version-one-point-oh":   "in JSON 1.0 is a whole number",
	"country-unknown":        "the list of countries is long and changes",
	"text-with-nul":          "every text would need a pattern",
	"field-is-the-key":       "two values are compared",
	"field-in-two-cases":     "two keys are compared",
	"board-twice":            "two boards are compared",
	"object-twice":           "two records are compared",
	"id-column-twice":        "two records are compared",
	"match-without-field":    "a value refers to a key",
	"match-of-a-reference":   "a value refers to a key",
	"record-unknown":         "a value refers to a key",
	"record-itself":          "a value refers to a key",
	"records-in-a-circle":    "a value refers to a key",
	"link-unknown":           "a value refers to a key",
	"link-to-shared":         "a value refers to a key",
	"migrate-record-unknown": "a value refers to a key",
	"migrate-column-twice":   "two values are compared",
	"migrate-id-column":      "two values are compared",
	"migrate-where-open":     "parentheses are counted",
	"migrate-schedule":       "cron is a language of its own",
	"time-zone-unknown":      "the list of zones is long and changes",
	"brake-within-a-second":  "a duration is text",
	"reconcile-cron":         "cron is a language of its own",
	"wins-of-one-way":        "a key is compared with another record or field",
	"sync-column-twice":      "two fields are compared",
	"items-and-migrate":      "two keys are compared",
	"items-twice":            "two records are compared",
}

// TestSchema checks that Schema and Parse agree on every file in the folder, except for faults that a schema cannot
// express.
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
		t.Errorf("first line = %q, want %q", first, want)
	}
	if err := compile(t).Validate(document(t, src)); err != nil {
		t.Error(err)
	}
}

// TestSchemaBesideExample checks that the schema beside the example is the one the program prints.
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

// TestSchemaIsComplete checks that the schema contains every conversion and every word of a setting, and that each
// fault beyond it is explained.
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

// document returns a YAML file in the form in which an editor passes it to a validator.
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
