package monday

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// execution is the execution of one operation, which writes the answer as it goes.
type execution struct {
	sim     *Sim
	version string
	vars    map[string]any
	cost    spent
	out     []byte
	errors  []*apiError
	path    []any
}

// node is a value of a GraphQL object type. resolve returns a field's value: nil, a string, bool, int, int64 or
// float64, a json.RawMessage, a node, or a slice of strings, int64s or nodes.
type node interface {
	typeName() string
	resolve(x *execution, f *pick) (any, error)
}

// record is a node with given values for all its fields.
type record struct {
	name   string
	fields object
}

func (r record) typeName() string                           { return r.name }
func (r record) resolve(_ *execution, f *pick) (any, error) { return r.fields[f.name], nil }

// selection is a selection set with its picks, by the type it was applied to.
type selection struct {
	set    ast.SelectionSet
	byType map[string][]*pick
}

// pick is a selected field: its arguments with the variables filled in, and its own selection.
type pick struct {
	key  string
	name string
	args args
	def  *ast.FieldDefinition
	at   *ast.Position
	sub  *selection
}

// operation answers a whole operation. A query sees one state of the boards; mutations run one after another.
func (x *execution) operation(op *ast.OperationDefinition) {
	root := node(queryRoot{})
	if op.Operation == ast.Mutation {
		root = mutationRoot{}
	} else {
		x.sim.mu.RLock()
		defer x.sim.mu.RUnlock()
	}
	if !x.object(root, &selection{set: op.SelectionSet}) {
		x.out = append(x.out[:0], "null"...)
	}
}

// object writes an object, or returns false if a non-null field has failed.
func (x *execution) object(n node, sel *selection) bool {
	x.out = append(x.out, '{')
	for i, f := range x.picks(sel, n.typeName()) {
		if i > 0 {
			x.out = append(x.out, ',')
		}
		x.out = appendString(x.out, f.key)
		x.out = append(x.out, ':')
		x.path = append(x.path, f.key)
		ok := x.field(n, f)
		x.path = x.path[:len(x.path)-1]
		if !ok {
			return false
		}
	}
	x.out = append(x.out, '}')
	return true
}

func (x *execution) field(n node, f *pick) bool {
	if f.name == "__typename" {
		x.out = appendString(x.out, n.typeName())
		return true
	}
	v, err := n.resolve(x, f)
	if err != nil {
		x.fail(f, err)
		return x.null(f.def.Type, len(x.out))
	}
	if _, ok := n.(mutationRoot); ok {
		x.sim.mu.RLock()
		defer x.sim.mu.RUnlock()
	}
	return x.value(f.def.Type, v, f)
}

func (x *execution) fail(f *pick, err error) {
	found := &apiError{message: "Internal server error", code: "INTERNAL_SERVER_ERROR", status: 500}
	errors.As(err, &found)
	e := *found
	if e.code == codeDenied && x.version < deniedSince {
		e.code = codeDeniedBefore
	}
	e.path = slices.Clone(x.path)
	e.locations = []gqlerror.Location{{Line: f.at.Line, Column: f.at.Column}}
	x.errors = append(x.errors, &e)
}

// null replaces what was written since start by null if that is allowed.
func (x *execution) null(t *ast.Type, start int) bool {
	if t.NonNull {
		return false
	}
	x.out = append(x.out[:start], "null"...)
	return true
}

// value writes a value of a type. If a non-null field in it fails, this value becomes null if it may, or else the
// nearest value above it that may.
func (x *execution) value(t *ast.Type, v any, f *pick) bool {
	start := len(x.out)
	switch v := v.(type) {
	case nil:
		if t.NonNull {
			x.fail(f, errors.New("no value"))
		}
		return x.null(t, start)
	case node:
		return x.object(v, f.sub) || x.null(t, start)
	case []node:
		return list(x, t, v, f)
	case []string:
		return list(x, t, v, f)
	case []int64:
		return list(x, t, v, f)
	default:
		x.scalar(t, v)
		return true
	}
}

func list[T any](x *execution, t *ast.Type, values []T, f *pick) bool {
	start := len(x.out)
	x.out = append(x.out, '[')
	for i, v := range values {
		if i > 0 {
			x.out = append(x.out, ',')
		}
		x.path = append(x.path, i)
		ok := x.value(t.Elem, v, f)
		x.path = x.path[:len(x.path)-1]
		if !ok {
			return x.null(t, start)
		}
	}
	x.out = append(x.out, ']')
	return true
}

func (x *execution) scalar(t *ast.Type, v any) {
	switch v := v.(type) {
	case string:
		x.out = appendString(x.out, v)
	case bool:
		x.out = strconv.AppendBool(x.out, v)
	case float64:
		x.out = strconv.AppendFloat(x.out, v, 'g', -1, 64)
	case json.RawMessage:
		x.out = append(x.out, v...)
	case int:
		x.scalar(t, int64(v))
	case int64:
		if t.NamedType == "ID" || t.NamedType == "String" {
			x.out = append(strconv.AppendInt(append(x.out, '"'), v, 10), '"')
			return
		}
		x.out = strconv.AppendInt(x.out, v, 10)
	}
}

// picks returns the fields of a selection for a type, in order, with fields of the same key merged.
func (x *execution) picks(sel *selection, typeName string) []*pick {
	if found, ok := sel.byType[typeName]; ok {
		return found
	}
	var found []*pick
	x.collect(sel.set, typeName, &found)
	if sel.byType == nil {
		sel.byType = map[string][]*pick{}
	}
	sel.byType[typeName] = found
	return found
}

func (x *execution) collect(set ast.SelectionSet, typeName string, found *[]*pick) {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			if x.included(sel.Directives) {
				x.add(sel, found)
			}
		case *ast.InlineFragment:
			if x.included(sel.Directives) && x.applies(sel.TypeCondition, typeName) {
				x.collect(sel.SelectionSet, typeName, found)
			}
		case *ast.FragmentSpread:
			if x.included(sel.Directives) && x.applies(sel.Definition.TypeCondition, typeName) {
				x.collect(sel.Definition.SelectionSet, typeName, found)
			}
		}
	}
}

func (x *execution) add(f *ast.Field, found *[]*pick) {
	for _, p := range *found {
		if p.key == f.Alias {
			p.sub.set = slices.Concat(p.sub.set, f.SelectionSet)
			return
		}
	}
	*found = append(*found, &pick{
		key: f.Alias, name: f.Name, args: f.ArgumentMap(x.vars), def: f.Definition, at: f.Position,
		sub: &selection{set: f.SelectionSet},
	})
}

// included applies @include and @skip.
func (x *execution) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		if condition, ok := d.ArgumentMap(x.vars)["if"].(bool); ok && condition == (d.Name == "skip") {
			return false
		}
	}
	return true
}

// applies reports whether a fragment on a type or interface applies to a type.
func (x *execution) applies(condition, typeName string) bool {
	if condition == "" || condition == typeName {
		return true
	}
	def := x.sim.schema.Types[condition]
	return slices.ContainsFunc(x.sim.schema.GetPossibleTypes(def),
		func(d *ast.Definition) bool { return d.Name == typeName })
}

// appendString appends a JSON string.
func appendString(out []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(s)
			return append(out, quoted...)
		}
	}
	out = append(out, '"')
	out = append(out, s...)
	return append(out, '"')
}

// plainNumbers converts the numbers of decoded variables to int64 or float64: a json.Number would pass for a string.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for key := range maps.Keys(v) {
			v[key] = plainNumbers(v[key])
		}
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	}
	return v
}
