package deploy_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// composeService is a service of compose.yaml.
type composeService struct {
	Image       string
	Environment map[string]string
	Secrets     []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
}

// composed returns compose.yaml's services, and the files of its secrets.
func composed(t *testing.T) (services map[string]composeService, secrets map[string]struct{ File string }) {
	t.Helper()
	var file struct {
		Services map[string]composeService
		Secrets  map[string]struct{ File string }
	}
	if err := yaml.UnmarshalWithOptions([]byte(text(t, "compose.yaml")), &file, yaml.AllowDuplicateMapKey()); err != nil {
		t.Fatal(err)
	}
	return file.Services, file.Secrets
}

// TestComposeRoles runs the commands at the head of compose.yaml, and checks that each process logs in to Postgres with
// its own role and that role's password, and has no secret that it does not need.
func TestComposeRoles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	setUp := exec.CommandContext(t.Context(), "sh", "-eu")
	setUp.Dir, setUp.Stdin = dir, strings.NewReader(strings.Join(composeCommands(t), "\n"))
	if out, err := setUp.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	services, secrets := composed(t)
	roles := map[string]string{"schema": "owner", "ingest": "ingest", "worker": "worker"}
	for name, role := range roles {
		s := services[name]
		secret := strings.TrimPrefix(s.Environment["DATABASE_URL_FILE"], "/run/secrets/")
		if !slices.Contains(s.Secrets, secret) || s.Environment["DATABASE_URL"] != "" {
			t.Errorf("%s does not take its database from a secret of its own: %v", name, s)
			continue
		}
		u, err := url.Parse(read(t, dir, secrets[secret].File))
		if err != nil || u.User.Username() != "crmsync_"+role {
			t.Errorf("%s logs in as %v, want crmsync_%s (%v)", name, u, role, err)
			continue
		}
		if password, _ := u.User.Password(); password == "" || password != strings.TrimSpace(read(t, dir, "secrets/"+role+"_password")) {
			t.Errorf("%s logs in with another password than its role has", name)
		}
		if !strings.Contains(text(t, "postgres/passwords.sql"), fmt.Sprintf("`cat /run/secrets/%[1]s_password`\n", role)) ||
			!strings.Contains(text(t, "postgres/passwords.sql"), fmt.Sprintf("ALTER ROLE crmsync_%[1]s PASSWORD :'%[1]s';", role)) {
			t.Errorf("passwords.sql gives crmsync_%s no password", role)
		}
	}
	for name, s := range services {
		if slices.Contains(s.Secrets, "postgres_password") && !strings.HasPrefix(s.Image, "postgres:") {
			t.Errorf("%s has the administrator's password", name)
		}
	}
	if got := services["ingest"].Secrets; len(got) != 2 {
		t.Errorf("ingest has the secrets %v", got)
	}
	for service, first := range map[string]string{"schema": "roles", "grants": "schema", "ingest": "grants", "worker": "grants"} {
		if services[service].DependsOn[first].Condition != "service_completed_successfully" {
			t.Errorf("%s does not wait for %s", service, first)
		}
	}
}

// composeCommands are the commands in compose.yaml's head that create secrets.
func composeCommands(t *testing.T) []string {
	t.Helper()
	commands := []string{"umask 022; mkdir -m 700 secrets"}
	script := regexp.MustCompile(`(?s)#   openssl rand -hex 24 > secrets/postgres_password.*?#   done\n`).FindString(text(t, "compose.yaml"))
	if !strings.Contains(text(t, "compose.yaml"), "#   "+commands[0]) || script == "" {
		t.Fatal("compose.yaml does not begin with its commands")
	}
	for line := range strings.Lines(script) {
		commands = append(commands, strings.TrimPrefix(line, "#"))
	}
	return commands
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
