package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestRules runs the tests of the alert rules. CI has promtool; elsewhere `sh .ci/install promtool` installs it.
func TestRules(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("promtool"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("promtool is missing: sh .ci/install promtool")
	}
	for _, args := range [][]string{{"check", "config", "prometheus.yml"}, {"test", "rules", "rules_test.yml", "silence_test.yml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = "prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// alertRule is an alert of rules.yml.
type alertRule struct {
	Alert, Expr, For string
	Labels           struct{ Severity string }
	Annotations      struct {
		Summary, Description string
		Runbook              string `yaml:"runbook_url"`
	}
}

// TestEveryAlertIsExplained checks that every rule has a section in the runbook and a test.
func TestEveryAlertIsExplained(t *testing.T) {
	t.Parallel()
	var file struct{ Groups []struct{ Rules []alertRule } }
	if err := yaml.Unmarshal([]byte(text(t, "prometheus/rules.yml")), &file); err != nil {
		t.Fatal(err)
	}
	runbook, tests := text(t, "runbook.md"), text(t, "prometheus/rules_test.yml")+text(t, "prometheus/silence_test.yml")
	alerts := 0
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			alerts++
			if !strings.Contains(runbook, "\n### "+rule.Alert+"\n") || !strings.HasSuffix(rule.Annotations.Runbook, "http://127.0.0.1:9090/runbook{{ end }}#"+strings.ToLower(rule.Alert)) {
				t.Errorf("%s has no section in runbook.md, or does not point to it", rule.Alert)
			}
			if !strings.Contains(tests, rule.Alert) {
				t.Errorf("%s has no test", rule.Alert)
			}
			if rule.For == "" || rule.Annotations.Summary == "" || rule.Annotations.Description == "" || !slices.Contains([]string{"warning", "critical"}, rule.Labels.Severity) {
				t.Errorf("%s lacks a duration, a severity or a text", rule.Alert)
			}
		}
	}
	if alerts < 10 {
		t.Errorf("only %d alerts found", alerts)
	}
	for _, section := range regexp.MustCompile(`(?m)^### (Crmsync\w+)$`).FindAllStringSubmatch(runbook, -1) {
		if !strings.Contains(text(t, "prometheus/rules.yml"), "alert: "+section[1]+"\n") {
			t.Errorf("runbook.md explains %s, which is not an alert", section[1])
		}
	}
}

// TestVariables checks that the program reads every variable that a deployment sets.
func TestVariables(t *testing.T) {
	t.Parallel()
	read := map[string]bool{}
	for _, name := range regexp.MustCompile(`"([A-Z][A-Z_]+)"`).FindAllStringSubmatch(text(t, "../internal/app/config.go")+text(t, "../internal/app/environment.go"), -1) {
		read[name[1]] = true
	}
	ours := regexp.MustCompile(`\b(?:DATABASE_URL|MAPPING|SCHEMA_UP|(?:WEBHOOK|MONDAY|SALESFORCE|TELEGRAM|SLACK|INGEST|ADMIN|LOG|BATCH|RETRY|SHUTDOWN)_[A-Z_]+|MAX_[A-Z_]+)\b`)
	found := 0
	for _, path := range files(t, "Dockerfile", "compose.yaml", "compose.env.example", "systemd/*", "kubernetes/*.yaml", "*.md") {
		for _, name := range ours.FindAllString(text(t, path), -1) {
			found++
			if !read[name] && !read[strings.TrimSuffix(name, "_FILE")] {
				t.Errorf("%s names %s, which the program does not read", path, name)
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d variables found", found)
	}
}

// TestCommands checks that every command in the texts exists.
func TestCommands(t *testing.T) {
	t.Parallel()
	help := exec.CommandContext(t.Context(), "go", "run", "./cmd/crmsync", "--help")
	help.Dir = ".."
	usage, err := help.Output()
	if err != nil {
		t.Fatalf("crmsync --help: %v", err)
	}
	for _, path := range files(t, "*.md", "compose.yaml", "systemd/*", "kubernetes/*.yaml", "postgres/*", "../.github/workflows/*.yml", "github/*.yml") {
		for _, command := range regexp.MustCompile("(?:`|ExecStart=/usr/bin/)crmsync ([a-z]+(?: up)?)").FindAllStringSubmatch(text(t, path), -1) {
			if !regexp.MustCompile(`(?m)^\s+` + command[1] + `\b`).Match(usage) {
				t.Errorf("%s names `crmsync %s`, which does not exist", path, command[1])
			}
		}
	}
}

// TestImageHasItsSources checks that the image's build copies everything that the program embeds.
func TestImageHasItsSources(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{if not .Standard}}{{if eq .Module.Path "crmsync"}}{{range .EmbedFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`, "./cmd/crmsync")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing embedded files: %v", err)
	}
	embedded := strings.Fields(string(out))
	if len(embedded) == 0 {
		t.Fatal("no embedded files found")
	}
	ignore := text(t, "Dockerfile.dockerignore")
	for _, path := range embedded {
		if !strings.Contains(ignore, "!**/*"+filepath.Ext(path)+"\n") && !strings.Contains(ignore, "/"+filepath.Base(path)+"\n") {
			t.Errorf("Dockerfile.dockerignore leaves out %s", path)
		}
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func files(t *testing.T, patterns ...string) (paths []string) {
	t.Helper()
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: no file (%v)", pattern, err)
		}
		paths = append(paths, found...)
	}
	return paths
}
