package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxCircle is how many files of a package in worker may all reach each other, directly or through others. A package
// of small functions whose files form one circle can only be understood as a whole.
const maxCircle = 5

// TestFileCircles checks that the files of the packages in worker build on each other, as packages do.
func TestFileCircles(t *testing.T) {
	t.Parallel()
	packages, exported := listExported(t, "./worker/...")
	for _, p := range packages {
		t.Run(strings.TrimPrefix(p.ImportPath, module), func(t *testing.T) {
			t.Parallel()
			if circle := largestCircle(uses(t, p, exported)); len(circle) > maxCircle {
				t.Errorf("%d files reach each other: %v; move what the others need from them", len(circle), circle)
			}
		})
	}
}

func TestLargestCircle(t *testing.T) {
	t.Parallel()
	edges := map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": {"b"}, "e": {"a", "f"}, "f": {"e"}}
	if got := largestCircle(edges); !slices.Equal(got, []string{"b", "c", "d"}) {
		t.Errorf("largest circle %v, want b, c and d", got)
	}
}

// compiled is a package with its files and its export data.
type compiled struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	DepOnly                 bool
}

// listExported lists the packages that match a pattern, and the files of export data of all packages they import.
func listExported(t *testing.T, pattern string) (matching []compiled, exported map[string]string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps",
		"-json=ImportPath,Dir,Export,GoFiles,DepOnly", pattern)
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v\n%s", err, &stderr)
	}
	exported = map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p compiled
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return matching, exported
		} else if err != nil {
			t.Fatal(err)
		}
		exported[p.ImportPath] = p.Export
		if !p.DepOnly {
			matching = append(matching, p)
		}
	}
}

// uses returns, for each file of a package, the other files whose declarations it uses.
func uses(t *testing.T, p compiled, exported map[string]string) map[string][]string {
	t.Helper()
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exported[path])
	})}
	pkg, err := config.Check(p.ImportPath, set, files, info)
	if err != nil {
		t.Fatal(err)
	}
	edges := map[string][]string{}
	for ident, object := range info.Uses {
		if object.Pkg() != pkg {
			continue
		}
		from, to := filepath.Base(set.File(ident.Pos()).Name()), filepath.Base(set.File(object.Pos()).Name())
		if from != to && !slices.Contains(edges[from], to) {
			edges[from] = append(edges[from], to)
		}
	}
	return edges
}

// largestCircle returns the largest set of nodes that all reach each other.
func largestCircle(edges map[string][]string) (largest []string) {
	reached := map[string]map[string]bool{}
	for node := range edges {
		reached[node] = map[string]bool{}
		for open := slices.Clone(edges[node]); len(open) > 0; {
			next := open[len(open)-1]
			open = open[:len(open)-1]
			if !reached[node][next] {
				reached[node][next] = true
				open = append(open, edges[next]...)
			}
		}
	}
	for _, node := range slices.Sorted(maps.Keys(reached)) {
		circle := []string{node}
		for other := range reached[node] {
			if other != node && reached[other][node] {
				circle = append(circle, other)
			}
		}
		if slices.Sort(circle); len(circle) > len(largest) {
			largest = circle
		}
	}
	return largest
}
