package monday

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// samples are queries that clients send; all must be valid.
var samples = []string{
	`query ($ids: [ID!]!) { items(ids: $ids, limit: 100, exclude_nonactive: true) { id name state updated_at board { id } column_values { id type text value
		... on StatusValue { index label } ... on DateValue { date time } ... on BoardRelationValue { linked_item_ids display_value } ... on MirrorValue { display_value } } } }`,
	`query { boards(ids: [1001]) { columns { id title type settings } groups { id title } items_page(limit: 500, query_params: {rules: [{column_id: "status", compare_value: [1]}]}) { cursor items { id } } } }`,
	`query { boards(ids: [1001]) { items_page(query_params: {order_by: [{column_id: "__last_updated__", direction: desc}]}) { items { id } } } }`,
	`query ($c: String!) { next_items_page(cursor: $c, limit: 500) { cursor items { id } } complexity { before query after reset_in_x_seconds } }`,
	`mutation ($a: ID!, $av: JSON!) { m0: change_multiple_column_values(board_id: 1001, item_id: $a, column_values: $av) { id } complexity { query } }`,
	`mutation { create_webhook(board_id: 1001, event: item_deleted, url: "https://example.org", config: "{}") { id board_id event } }`,
}

// TestSchema: the simulator's schema is a part of each published one; if those are not available, it must still accept
// the sample queries.
func TestSchema(t *testing.T) {
	t.Parallel()
	for _, text := range samples {
		if doc := parseDocument(loadSchema(), text); doc.errors != nil {
			t.Errorf("%s: %v", text, doc.errors[0])
		}
	}
	files, err := filepath.Glob("../../../../shared/monday/*.graphql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		published, err := parser.ParseSchema(&ast.Source{Name: filepath.Base(file), Input: string(text)})
		if err != nil {
			t.Fatal(err)
		}
		own, err := parser.ParseSchema(&ast.Source{Name: "schema.graphql", Input: sdl + sdlValues})
		if err != nil {
			t.Fatal(err)
		}
		for _, def := range own.Definitions {
			checkDefinition(t, filepath.Base(file), def, published.Definitions.ForName(def.Name))
		}
	}
}

func checkDefinition(t *testing.T, file string, own, published *ast.Definition) {
	if published == nil || own.Kind != published.Kind {
		t.Errorf("%s: %s %s is missing", file, own.Kind, own.Name)
		return
	}
	for _, v := range own.EnumValues {
		if published.EnumValues.ForName(v.Name) == nil {
			t.Errorf("%s: %s has no value %s", file, own.Name, v.Name)
		}
	}
	for _, f := range own.Fields {
		found := published.Fields.ForName(f.Name)
		if found == nil {
			if f.Directives.ForName("deprecated") == nil {
				t.Errorf("%s: %s has no field %s", file, own.Name, f.Name)
			}
			continue
		}
		if got, want := f.Type.String(), found.Type.String(); got != want {
			t.Errorf("%s: %s.%s is %s, want %s", file, own.Name, f.Name, got, want)
		}
		for _, a := range f.Arguments {
			other := found.Arguments.ForName(a.Name)
			if other == nil || a.Type.String() != other.Type.String() || a.DefaultValue.String() != other.DefaultValue.String() {
				t.Errorf("%s: argument %s of %s.%s is not the same", file, a.Name, own.Name, f.Name)
			}
		}
		for _, a := range found.Arguments {
			if a.Type.NonNull && a.DefaultValue == nil && f.Arguments.ForName(a.Name) == nil {
				t.Errorf("%s: argument %s of %s.%s is missing", file, a.Name, own.Name, f.Name)
			}
		}
		if own.Kind == ast.InputObject && f.DefaultValue.String() != found.DefaultValue.String() {
			t.Errorf("%s: default of %s.%s is not the same", file, own.Name, f.Name)
		}
	}
}
