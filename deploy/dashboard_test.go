package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// panel is a part of the dashboard.
type panel struct {
	ID      int
	Title   string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr string }
}

// dashboard reads the dashboard's panels, variables, and all that it links to.
func dashboard(t *testing.T) (panels []panel, variables []string, links [][]string) {
	t.Helper()
	var file struct {
		Panels     []panel
		Templating struct{ List []struct{ Name string } }
	}
	content := text(t, "grafana/dashboard.json")
	if err := json.Unmarshal([]byte(content), &file); err != nil {
		t.Fatal(err)
	}
	for _, variable := range file.Templating.List {
		variables = append(variables, variable.Name)
	}
	return file.Panels, variables, regexp.MustCompile(`"url": "\$\{console\}([^"]*)"`).FindAllStringSubmatch(content, -1)
}

// TestDashboard checks that no panel hides another one, that every variable is declared, and that every link leads to a
// page that the program serves.
func TestDashboard(t *testing.T) {
	t.Parallel()
	panels, variables, links := dashboard(t)
	known := "__rate_interval " + strings.Join(variables, " ")
	for _, name := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(text(t, "grafana/dashboard.json"), -1) {
		if !strings.Contains(known, name[1]) && name[1] != "__all" {
			t.Errorf("the variable %s is not declared", name[1])
		}
	}
	cells, ids := map[[2]int]string{}, map[int]string{}
	for _, p := range panels {
		if ids[p.ID] != "" {
			t.Errorf("%s and %s have the same id", p.Title, ids[p.ID])
		}
		ids[p.ID] = p.Title
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if cells[[2]int{x, y}] != "" || x > 23 {
					t.Fatalf("%s is where %s is, or outside", p.Title, cells[[2]int{x, y}])
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
	if len(links) < 5 {
		t.Errorf("only %d links found", len(links))
	}
	endpoints := text(t, "../docs/operating.md")
	for _, link := range links {
		page := regexp.MustCompile(`^/[a-z]*`).FindString(link[1])
		if !regexp.MustCompile("`(?:GET )?" + page + "/?`").MatchString(endpoints) {
			t.Errorf("the dashboard links to %s, which docs/operating.md does not list", link[1])
		}
	}
}

// TestDashboardQueries checks that Prometheus understands every query of the dashboard.
func TestDashboardQueries(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("promtool"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("promtool is missing: sh .ci/install promtool")
	}
	type rule struct{ Record, Expr string }
	type group struct {
		Name  string
		Rules []rule
	}
	var queries group
	queries.Name = "dashboard"
	variable := strings.NewReplacer("$__rate_interval", "5m", "$board", ".*")
	panels, _, _ := dashboard(t)
	for _, p := range panels {
		for _, target := range p.Targets {
			queries.Rules = append(queries.Rules, rule{"a:b", variable.Replace(target.Expr)})
		}
	}
	content, err := yaml.Marshal(map[string][]group{"groups": {queries}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	// Several queries may have the same name.
	if out, err := exec.CommandContext(t.Context(), "promtool", "check", "rules", "--lint=none", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if len(queries.Rules) < 30 {
		t.Errorf("only %d queries found", len(queries.Rules))
	}
}
