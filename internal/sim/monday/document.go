package monday

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

// The simulator's schema, in two parts.
var (
	//go:embed schema.graphql
	sdl string
	//go:embed columnvalues.graphql
	sdlValues string
)

// loadSchema parses the schema once for all simulators; nothing changes it afterwards.
var loadSchema = sync.OnceValue(func() *ast.Schema {
	return gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: sdl + sdlValues})
})

// document is a parsed query text. Its errors are those of the text itself, whatever the variables.
type document struct {
	query  *ast.QueryDocument
	errors []*apiError
}

// documents caches parsed queries by their text: clients send few different texts.
type documents struct {
	mu     sync.Mutex
	byText map[string]*document
}

// maxDocuments limits the memory used for a client that writes its values into the text.
const maxDocuments = 500

func (d *documents) parse(schema *ast.Schema, text string) *document {
	d.mu.Lock()
	doc, ok := d.byText[text]
	d.mu.Unlock()
	if ok {
		return doc
	}
	doc = parseDocument(schema, text)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byText == nil || len(d.byText) >= maxDocuments {
		d.byText = map[string]*document{}
	}
	d.byText[text] = doc
	return doc
}

func parseDocument(schema *ast.Schema, text string) *document {
	query, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		found, _ := errors.AsType[*gqlerror.Error](err)
		return &document{errors: []*apiError{{message: "Parse error on " + found.Message, locations: found.Locations}}}
	}
	doc := &document{query: query}
	for _, err := range validator.ValidateWithRules(schema, query, nil) {
		doc.errors = append(doc.errors, &apiError{message: err.Message, locations: err.Locations, code: ruleCode(err.Rule)})
	}
	return doc
}

// ruleCode returns Monday's code for a violated validation rule.
func ruleCode(rule string) string {
	switch rule {
	case "FieldsOnCorrectType":
		return "undefinedField"
	case "KnownArgumentNames":
		return "argumentNotAccepted"
	case "ProvidedRequiredArguments":
		return "missingRequiredArguments"
	case "ValuesOfCorrectType":
		return "argumentLiteralsIncompatible"
	case "VariablesInAllowedPosition":
		return "variableMismatch"
	default:
		return "GRAPHQL_VALIDATION_FAILED"
	}
}

// operation returns the operation to execute: the only one, or the named one.
func (d *document) operation(name string) *ast.OperationDefinition {
	if name == "" && len(d.query.Operations) != 1 {
		return nil
	}
	return d.query.Operations.ForName(name)
}

// rootFields returns the root fields of an operation, each once, sorted and joined by "+". Complexity is left out if
// there is another field.
func (d *document) rootFields(op *ast.OperationDefinition) string {
	var names []string
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.Field:
				names = append(names, sel.Name)
			case *ast.InlineFragment:
				walk(sel.SelectionSet)
			case *ast.FragmentSpread:
				walk(sel.Definition.SelectionSet)
			}
		}
	}
	walk(op.SelectionSet)
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > 1 {
		names = slices.DeleteFunc(names, func(n string) bool { return n == "complexity" })
	}
	return strings.Join(names, "+")
}
