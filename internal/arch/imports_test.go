package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "crmsync/"
	river  = "github.com/riverqueue/river"
)

// mayImport says which of our packages may import which. The queue decides when, the client how, the engine what an
// event means, the mapping what it becomes, the store what is kept; all other imports here are plain values. A new
// package must be entered here.
var mayImport = map[string][]string{
	"cmd/bench":                    {"ingest", "internal/oracle", "internal/pglocal", "internal/sim/monday", "internal/sim/salesforce", "internal/stage", "jobs", "mondayclient/column", "schema/ledger", "schema/queue", "schema/store"},
	"cmd/crmsync":                  {"internal/cli", "internal/signals"},
	"cmd/pgbin":                    {"internal/pglocal"},
	"deploy":                       {},
	"ingest":                       {"internal/batch", "jobs", "mondayclient", "schema/postgres", "schema/queue"},
	"internal/advice":              {},
	"internal/app":                 {"deploy", "ingest", "internal/audit", "internal/buildinfo", "internal/console", "internal/panics", "internal/report", "jobs", "mondayclient", "mondayclient/column", "schema/ledger", "schema/mapping", "schema/postgres", "schema/queue", "schema/store", "sfclient", "worker", "worker/alert", "worker/engine", "worker/migration", "worker/sweep"},
	"internal/arch":                {},
	"internal/audit":               {"mondayclient", "mondayclient/column", "schema/mapping", "sfclient"},
	"internal/batch":               {"internal/panics"},
	"internal/buildinfo":           {},
	"internal/cli":                 {"ingest", "internal/app", "internal/audit", "internal/buildinfo", "internal/demo", "internal/doctor", "internal/progress", "internal/report", "internal/scaffold", "internal/sim/monday", "internal/sim/salesforce", "internal/stage", "jobs", "mondayclient", "schema/ledger", "schema/mapping", "schema/queue", "schema/store", "sfclient", "worker", "worker/engine", "worker/engine/plan", "worker/migration", "worker/sweep"},
	"internal/console":             {"internal/buildinfo", "internal/report", "internal/words", "schema/ledger", "schema/mapping", "schema/queue", "schema/store", "sfclient", "worker/engine/plan", "worker/engine/settle"},
	"internal/demo":                {"deploy", "internal/app", "internal/oracle", "internal/pglocal", "internal/progress", "internal/sim/monday", "internal/sim/salesforce", "internal/stage", "internal/words", "schema/mapping", "schema/store"},
	"internal/e2e":                 {"deploy", "ingest", "internal/cli", "internal/oracle", "internal/sim/monday", "internal/sim/salesforce", "internal/stage", "jobs", "schema/schematest"},
	"internal/doctor":              {"ingest", "internal/advice", "internal/app", "internal/audit", "internal/buildinfo", "internal/words", "mondayclient", "schema/mapping", "schema/postgres", "schema/store", "sfclient"},
	"internal/oracle":              {"internal/sim/monday"},
	"internal/jsonscan":            {},
	"internal/nulchar":             {},
	"internal/panics":              {},
	"internal/pglocal":             {},
	"internal/progress":            {"internal/app", "schema/store"},
	"internal/quote":               {},
	"internal/report":              {"internal/advice", "internal/words", "mondayclient", "mondayclient/column", "schema/ledger", "schema/mapping", "schema/store", "sfclient", "worker/engine", "worker/engine/plan"},
	"internal/retry":               {},
	"internal/scaffold":            {"internal/audit", "mondayclient", "mondayclient/column", "schema/mapping", "sfclient"},
	"internal/sim/fault":           {},
	"internal/sim/monday":          {"internal/sim/fault"},
	"internal/sim/salesforce":      {"internal/sim/fault", "internal/sim/salesforce/soql"},
	"internal/sim/salesforce/soql": {},
	"internal/signals":             {},
	"internal/stage":               {"deploy", "ingest", "internal/pglocal", "internal/sim/monday", "internal/sim/salesforce", "mondayclient"},
	"internal/words":               {},
	"jobs":                         {"internal/jsonscan", "internal/quote"},
	"mondayclient":                 {"internal/advice", "internal/jsonscan", "internal/nulchar", "mondayclient/column"},
	"mondayclient/column":          {"internal/nulchar"},
	"schema/ledger":                {"mondayclient/column"},
	"schema/mapping":               {"mondayclient/column"},
	"schema/postgres":              {},
	"schema/queue":                 {"internal/quote", "schema/postgres", "schema/store"},
	"schema/schematest":            {"internal/pglocal", "schema/store"},
	"schema/store":                 {"internal/advice", "internal/quote", "mondayclient/column", "schema/ledger", "schema/mapping", "schema/postgres"},
	"sfclient":                     {"internal/advice", "internal/nulchar"},
	"worker":                       {"internal/advice", "internal/panics", "internal/retry", "jobs", "mondayclient", "mondayclient/column", "schema/ledger", "schema/mapping", "schema/postgres", "schema/queue", "schema/store", "sfclient", "worker/alert", "worker/engine", "worker/feed", "worker/migration", "worker/reserve", "worker/sweep"},
	"worker/alert":                 {"internal/words", "mondayclient", "schema/queue", "schema/store", "sfclient"},
	"worker/engine":                {"internal/advice", "internal/batch", "internal/panics", "internal/retry", "mondayclient", "mondayclient/column", "schema/ledger", "schema/mapping", "schema/store", "sfclient", "worker/engine/plan", "worker/engine/send", "worker/engine/settle"},
	"worker/engine/plan":           {"mondayclient/column", "schema/ledger", "schema/mapping", "sfclient"},
	"worker/engine/send":           {"internal/advice", "sfclient"},
	"worker/engine/settle":         {"mondayclient/column", "schema/ledger", "schema/mapping", "sfclient", "worker/engine/plan"},
	"worker/feed":                  {"internal/retry", "schema/ledger", "schema/mapping", "schema/store", "sfclient", "worker/reserve"},
	"worker/migration":             {"internal/advice", "internal/panics", "internal/retry", "mondayclient", "mondayclient/column", "schema/ledger", "schema/mapping", "schema/store", "sfclient", "worker/engine", "worker/engine/plan", "worker/engine/send", "worker/engine/settle", "worker/reserve"},
	"worker/reserve":               {"mondayclient"},
	"worker/simtest":               {"internal/sim/monday", "internal/sim/salesforce", "mondayclient", "schema/schematest", "sfclient"},
	"worker/sweep":                 {"internal/panics", "internal/retry", "jobs", "mondayclient", "schema/ledger", "schema/mapping", "schema/store", "sfclient", "worker/engine", "worker/engine/plan", "worker/reserve"},
}

// floors lists the packages from the ground up. No import points upward.
var floors = [][]string{
	{"internal/advice", "internal/jsonscan", "internal/nulchar", "internal/quote", "internal/words"},
	{"deploy", "internal/batch", "internal/buildinfo", "internal/panics", "internal/pglocal", "internal/retry", "internal/signals", "internal/sim", "jobs", "mondayclient", "sfclient"},
	{"schema"},
	{"ingest", "worker"},
	{"internal/app", "internal/audit", "internal/console", "internal/doctor", "internal/progress", "internal/report", "internal/scaffold"},
	{"internal/demo", "internal/oracle", "internal/stage"},
	{"internal/cli"},
	{"cmd", "internal/arch", "internal/e2e"},
}

// pure lists the packages without I/O: their results depend only on their arguments and on embedded files.
var pure = []string{
	"internal/advice", "internal/audit", "internal/nulchar", "internal/oracle", "internal/quote", "internal/scaffold", "internal/sim/salesforce/soql", "internal/words", "mondayclient/column", "schema/ledger",
	"schema/mapping", "worker/engine/plan",
}

// doesIO lists the packages of the standard library, and of other modules, that a pure package must not import.
var doesIO = []string{
	"context", "crypto/rand", "database/sql", "io/fs", "io/ioutil", "log", "log/slog", "math/rand/v2", "net", "os", "sync", "syscall",
	"github.com/jackc/pgx/v5", "github.com/prometheus/client_golang", river,
}

// knowRiver lists the packages that may import River.
var knowRiver = []string{"cmd/bench", "internal/app", "internal/cli", "internal/e2e", "jobs", "schema/queue", "schema/schematest", "schema/store", "worker"}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "internal/e2e/") {
			continue // tests only
		}
		allowed, ruled := mayImport[name]
		if !ruled || floor(name) < 0 {
			t.Errorf("%s is in no rule: enter in mayImport what it may import, and in floors its place", name)
			continue
		}
		for _, imported := range p.Imports {
			ours, isOurs := strings.CutPrefix(imported, module)
			if isOurs && !slices.Contains(allowed, ours) {
				t.Errorf("%s must not import %s", name, ours)
			}
			if isOurs && floor(ours) > floor(name) {
				t.Errorf("%s must not import %s, which is above it", name, ours)
			}
			if within(imported, river) && !slices.Contains(knowRiver, name) {
				t.Errorf("%s must not import %s: it does not know the queue", name, imported)
			}
			if name == "jobs" && strings.Contains(imported, ".") && !within(imported, river) {
				t.Errorf("jobs must not import %s: of other modules it may only import River", imported)
			}
		}
	}
}

// TestPure checks that packages that only decide do nothing else: clocks are arguments, and no other process is called.
func TestPure(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if !slices.Contains(pure, name) {
			continue
		}
		for _, imported := range p.Imports {
			if slices.ContainsFunc(doesIO, func(io string) bool { return within(imported, io) }) {
				t.Errorf("%s must not import %s: it does no I/O", name, imported)
			}
		}
	}
}

// TestSimulatorsKnowNoClient checks that the simulators and the clients do not import each other, not even in tests, so
// that a misunderstanding in one does not hide in the other.
func TestSimulatorsKnowNoClient(t *testing.T) {
	t.Parallel()
	clients := []string{"mondayclient", "sfclient"}
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		isClient := slices.ContainsFunc(clients, func(client string) bool { return within(name, client) })
		isSim := within(name, "internal/sim")
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			ours := strings.TrimPrefix(imported, module)
			if isClient && within(ours, "internal/sim") || isSim && slices.ContainsFunc(clients, func(client string) bool { return within(ours, client) }) {
				t.Errorf("%s must not import %s", name, ours)
			}
		}
	}
}

// TestPlanTakesOnlyIds checks that the plan only uses the functions for Ids of Salesforce's client.
func TestPlanTakesOnlyIds(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../worker/engine/plan/*.go")
	if err != nil || len(paths) == 0 {
		t.Fatalf("finding the plan: %d files, error %v", len(paths), err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := selector.X.(*ast.Ident); ok && x.Name == "sfclient" && selector.Sel.Name != "ID18" {
				t.Errorf("%s must not use sfclient.%s: the plan does no I/O", filepath.Base(path), selector.Sel.Name)
			}
			return true
		})
	}
}

// floor returns the floor of a package, or -1.
func floor(name string) int {
	return slices.IndexFunc(floors, func(packages []string) bool {
		return slices.ContainsFunc(packages, func(above string) bool { return within(name, above) })
	})
}

// within reports whether a package is another one, or below it in the tree.
func within(name, other string) bool { return name == other || strings.HasPrefix(name, other+"/") }

type listedPackage struct {
	ImportPath string
	Imports    []string // by files that are not tests

	TestImports, XTestImports []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing our packages: %v\n%s", err, &stderr)
	}
	var packages []listedPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
