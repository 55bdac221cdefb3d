package app

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write deploy/crmsync.env.example as it should be")

// TestVariables checks that exactly the variables that ReadConfig reads are described.
func TestVariables(t *testing.T) {
	t.Parallel()
	read := map[string]bool{}
	readConfig(&Environment{getenv: func(string) string { return "" }, asked: func(name, _ string) { read[name] = true }}, Role{Ingest: true, Worker: true})
	for _, v := range Variables() {
		if !read[v.Name] {
			t.Errorf("%s is described, but not read", v.Name)
		}
		if v.Group == "" || v.About == "" {
			t.Errorf("%s is read, but not described: add it to described in variables.go", v.Name)
		}
	}
}

// TestExampleEnv compares deploy/crmsync.env.example with the variables, and checks that it can be read.
func TestExampleEnv(t *testing.T) {
	t.Parallel()
	const path = "../../deploy/crmsync.env.example"
	if *update {
		if err := os.WriteFile(path, []byte(ExampleEnv()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ExampleEnv(), string(text)); diff != "" {
		t.Errorf("%s is out of date; run: go test ./internal/app -run TestExampleEnv -update\n(-want +got):\n%s", path, diff)
	}
	// The file is valid with every default written out.
	var active strings.Builder
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(rest, " ") && strings.Contains(rest, "=") {
			line = rest
		}
		active.WriteString(line)
	}
	s := environment(map[string]string{"WEBHOOK_SECRET": "a-webhook-secret-of-32-characters", "MONDAY_API_TOKEN": "t", "SALESFORCE_CLIENT_ID": "i", "SALESFORCE_CLIENT_SECRET": "s"})
	if err := s.ReadFile(write(t, active.String())); err != nil {
		t.Fatal(err)
	}
	if warnings := s.Warnings(); warnings != nil {
		t.Errorf("warnings: %q", warnings)
	}
	if _, err := ReadConfig(s.Getenv, Role{Ingest: true, Worker: true}); err != nil {
		t.Errorf("with the defaults written out: %v", err)
	}
}

func TestWithoutPassword(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"postgres://u:hush@h:5432/db?sslmode=require": "postgres://u:hidden@h:5432/db?sslmode=require",
		"postgres://u@h/db":                           "postgres://u@h/db",
		"postgres://h/db?password=hush":               hidden,
		"host=h password=hush":                        hidden,
		"postgres://u:a@hush@h/db":                    "postgres://u:hidden@h/db",
		"":                                            "",
	} {
		if got := WithoutPassword(text); got != want {
			t.Errorf("WithoutPassword(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestFillEnv checks that values are read back as they were written, and that other lines stay.
func TestFillEnv(t *testing.T) {
	t.Parallel()
	odd := map[string]string{
		"MAX_ATTEMPTS": "5", "WEBHOOK_SECRET": `it's "q" # \ <&> x`, "SALESFORCE_PRIVATE_KEY": "-----BEGIN\nabc\n-----END\n", "DATABASE_URL": "postgres://u:p%40@h/db",
		"MAPPING": "",
	}
	for _, text := range []string{"", "# ours\n", "export MAX_ATTEMPTS = 1\nOTHER=1\n#MAX_ATTEMPTS=2\n", ExampleEnv()} {
		got := FillEnv(text, odd)
		s := environment(nil)
		if err := s.ReadFile(write(t, got)); err != nil {
			t.Fatalf("%v in\n%s", err, got)
		}
		for name, want := range odd {
			if value := s.Getenv(name); value != want {
				t.Errorf("%s is %q, want %q in\n%s", name, value, want, got)
			}
		}
		if strings.HasPrefix(text, "# ours") && !strings.HasPrefix(got, "# ours\n") || strings.Contains(text, "OTHER") && !strings.Contains(got, "\nOTHER=1\n#MAX_ATTEMPTS=2\n") {
			t.Errorf("other lines changed:\n%s", got)
		}
		if strings.Count(got, "\nWEBHOOK_SECRET=")+strings.Count(got[:min(len(got), 15)], "WEBHOOK_SECRET=") != 1 {
			t.Errorf("the secret is not exactly once in\n%s", got)
		}
	}
}
