package operate_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentedKinds compares the job kinds that docs/compatibility.md promises with those of package jobs, both ways.
func TestDocumentedKinds(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../../../jobs/jobs.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	ast.Inspect(file, func(node ast.Node) bool {
		if c, ok := node.(*ast.ValueSpec); ok && strings.HasPrefix(c.Names[0].Name, "Kind") {
			kinds = append(kinds, strings.Trim(c.Values[0].(*ast.BasicLit).Value, `"`))
		}
		return true
	})
	row := regexp.MustCompile(`(?m)^\| job kinds \| (.*)\|$`).FindStringSubmatch(document(t, "docs/compatibility.md"))
	if row == nil || len(kinds) < 10 {
		t.Fatalf("kinds %v, documented %v", kinds, row)
	}
	var documented []string
	for _, span := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
		documented = append(documented, span[1])
	}
	slices.Sort(kinds)
	slices.Sort(documented)
	if diff := cmp.Diff(kinds, documented); diff != "" {
		t.Errorf("job kinds of the program (-) and of docs/compatibility.md (+):\n%s", diff)
	}
}
