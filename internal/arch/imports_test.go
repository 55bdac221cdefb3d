package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "crmsync/"

// mayImport holds who may import whom among our packages. The queue owns when, the client how, the
// engine what it means, the mapping what it becomes, the store what is kept; whatever is imported here
// beyond that is plain values. A package that is not named must find its place first.
var mayImport = map[string][]string{
	"cmd/crmsync":                  {"internal/cli"},
	"deploy":                       {},
	"ingest":                       {"internal/batch", "jobs", "mondayclient", "mondayclient/column", "schema/store"},
	"internal/arch":                {},
	"internal/audit":               {"mondayclient", "mondayclient/column", "schema/mapping", "sfclient"},
	"internal/batch":               {"internal/panics"},
	"internal/panics":              {},
	"internal/pglocal":             {},
	"cmd/pgbin":                    {"internal/pglocal"},
	"internal/scaffold":            {"mondayclient", "mondayclient/column", "internal/audit", "schema/mapping", "sfclient"},
	"internal/sim/monday":          {},
	"internal/sim/salesforce":      {"internal/sim/salesforce/soql"},
	"internal/sim/salesforce/soql": {},
	"jobs":                         {},
	"mondayclient":                 {"mondayclient/column"},
	"mondayclient/column":          {},
	"schema/ledger":                {"mondayclient/column"},
	"schema/mapping":               {"mondayclient/column"},
	"schema/postgres":              {},
	"schema/queue":                 {"schema/postgres", "schema/store"},
	"schema/schematest":            {"internal/pglocal", "schema/store"},
	"schema/store":                 {"mondayclient/column", "schema/ledger", "schema/postgres"},
	"sfclient":                     {},
	"worker":                       {"internal/panics", "jobs", "mondayclient", "mondayclient/column", "schema/ledger", "schema/mapping", "schema/queue", "schema/store", "sfclient", "worker/engine", "worker/migration"},
	"worker/engine":                {"internal/batch", "internal/panics", "mondayclient", "mondayclient/column", "schema/ledger", "schema/mapping", "schema/store", "sfclient", "worker/engine/plan", "worker/engine/send"},
	"worker/engine/plan":           {"schema/ledger", "schema/mapping"},
	"worker/engine/send":           {"sfclient"},
	"worker/migration":             {"internal/panics", "mondayclient", "mondayclient/column", "schema/ledger", "schema/mapping", "schema/store", "sfclient"},
}

// wires are the packages that put the others together.
var wires = []string{"internal/app", "cmd/bench", "internal/cli", "internal/demo", "internal/e2e", "internal/oracle", "internal/progress", "internal/stage"}

// knowRiver are the packages that may import River.
var knowRiver = append([]string{"ingest", "jobs", "schema/schematest", "schema/store", "worker"}, wires...)

const river = "github.com/riverqueue/river"

func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "internal/e2e/") {
			continue // tests only
		}
		allowed, ruled := mayImport[name]
		if !ruled && !slices.Contains(wires, name) {
			t.Errorf("%s is in no rule: say in mayImport what it may import", name)
			continue
		}
		for _, imported := range p.Imports {
			ours, isOurs := strings.CutPrefix(imported, module)
			if isOurs && ruled && !slices.Contains(allowed, ours) {
				t.Errorf("%s must not import %s", name, ours)
			}
			if strings.HasPrefix(imported, river) && !slices.Contains(knowRiver, name) {
				t.Errorf("%s must not import %s: it does not know the queue", name, imported)
			}
			if name == "jobs" && strings.Contains(imported, ".") && !strings.HasPrefix(imported, river) {
				t.Errorf("jobs must not import %s: of other modules it knows River only", imported)
			}
		}
	}
}

type listedPackage struct {
	ImportPath string
	Imports    []string // by files that are not tests
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
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

// pure are the packages that decide and do nothing else.
var pure = []string{"schema/ledger", "schema/mapping", "worker/engine/plan"}

// doers are what a pure package must not import by itself: clocks are arguments, and nobody is asked.
var doers = []string{"context", "database/sql", "io/fs", "log", "log/slog", "net", "net/http", "os", "os/exec", "sync", "syscall"}

func TestPure(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if !slices.Contains(pure, name) {
			continue
		}
		for _, imported := range p.Imports {
			if slices.Contains(doers, imported) || strings.Contains(imported, "/pgx/") || strings.HasPrefix(imported, river) {
				t.Errorf("%s must not import %s: it does no I/O", name, imported)
			}
		}
	}
}
