package cli

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"crmsync/worker/engine/plan"
)

// TestDocumentedJSON compares the members of plans and reports, and the kinds of difference, with docs/plan.md.
func TestDocumentedJSON(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/plan.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, span := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, span[1])
	}
	names := append(members(reflect.TypeFor[planFile]()), members(reflect.TypeFor[sweepListed]())...)
	for _, kind := range plan.Kinds() {
		names = append(names, string(kind))
		if kind.Words() == "" {
			t.Errorf("there are no words for %s", kind)
		}
	}
	if len(names) < 40 {
		t.Errorf("only %d members and kinds found", len(names))
	}
	for _, name := range names {
		if !slices.Contains(documented, name) {
			t.Errorf("docs/plan.md does not explain %q", name)
		}
		if strings.ToLower(name) != name {
			t.Errorf("%q is not in the form of the other members", name)
		}
	}
}

// members returns the names of a type's members in JSON, and those of its members' members.
func members(typ reflect.Type) (names []string) {
	switch typ.Kind() {
	case reflect.Slice, reflect.Pointer:
		return members(typ.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	if typ.PkgPath() == "time" {
		return nil
	}
	for n := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(n).Tag.Get("json"), ",")
		if name == "" {
			name = typ.Field(n).Name
		}
		names = append(append(names, name), members(typ.Field(n).Type)...)
	}
	return names
}
