package mondayclient

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// TestDocuments: every document is valid by our own short schema, and by Monday's if it is available.
func TestDocuments(t *testing.T) {
	t.Parallel()
	documents := map[string]string{
		"items, all columns":  itemsDocument(nil),
		"items, no columns":   itemsDocument([]string{}),
		"items, columns":      itemsDocument([]string{"a", "b"}),
		"one write":           writeDocument(make([]Write, 1)),
		"archive":             writeDocument([]Write{{}, {Archive: true}}),
		"fifty writes":        writeDocument(make([]Write, maxWrites)),
		"existences":          existenceDocument,
		"first page":          firstPageDocument,
		"next page":           nextPageDocument,
		"recent":              recentDocument,
		"me, by an older API": meDocument,
		"users":               usersDocument,
		"one create":          createDocument(1),
		"fifty creates":       createDocument(maxWrites),
		"search":              searchDocument(1),
		"search, two pages":   searchDocument(2),
		"next of search":      searchNextDocument,
		"boards":              boardsDocument,
		"board names":         boardNamesDocument,
		"dates":               sampleDocument,
		"webhooks":            webhooksDocument,
		"create webhook":      createWebhookDocument,
		"who am I":            whoAmIDocument,
	}
	for _, file := range append(published(t), filepath.Join("testdata", "subset.graphql")) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			schema := load(t, file)
			for name, document := range documents {
				if _, err := gqlparser.LoadQueryWithRules(schema, document, rules.NewDefaultRules()); err != nil {
					t.Errorf("%s: %v\n%s", name, err, document)
				}
			}
			for name, document := range map[string]string{
				"a field that is not there": strings.Replace(usersDocument, "email", "e_mail", 1),
				"a nullable id":             strings.Replace(writeDocument(make([]Write, 1)), "$b0: ID!", "$b0: ID", 1),
				"a string for JSON":         strings.Replace(writeDocument(make([]Write, 1)), "$v0: JSON!", "$v0: String!", 1),
			} {
				if _, err := gqlparser.LoadQueryWithRules(schema, document, rules.NewDefaultRules()); err == nil {
					t.Errorf("%s is accepted: the check checks nothing", name)
				}
			}
		})
	}
}

// published are Monday's own schemas, which may lie beside the repository.
func published(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("MONDAY_SCHEMA_DIR")
	if dir == "" {
		root, err := filepath.Abs(".")
		for ; err == nil; root = filepath.Dir(root) {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil || root == filepath.Dir(root) {
				break
			}
		}
		dir = filepath.Join(root, "..", "shared", "monday")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// load reads a schema that may declare GraphQL's own types, as Monday's does: they are taken from the prelude.
func load(t *testing.T, file string) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := parser.ParseSchema(validator.Prelude)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := parser.ParseSchema(&ast.Source{Name: file, Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range doc.Definitions {
		if whole.Definitions.ForName(d.Name) == nil {
			whole.Definitions = append(whole.Definitions, d)
		}
	}
	for _, d := range doc.Directives {
		if whole.Directives.ForName(d.Name) == nil {
			whole.Directives = append(whole.Directives, d)
		}
	}
	whole.Schema = append(whole.Schema, doc.Schema...)
	whole.Extensions = append(whole.Extensions, doc.Extensions...)
	schema, err := validator.ValidateSchemaDocument(whole)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
