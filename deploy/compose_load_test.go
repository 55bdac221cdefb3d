package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// TestCompose runs the commands at the head of compose.yaml, except the last, which needs a container engine. It loads
// the result with Compose's own loader, and checks that every file, secret and variable of a service exists.
func TestCompose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	follow(t, dir)
	options, err := cli.NewProjectOptions([]string{"compose.yaml"}, cli.WithWorkingDirectory(dir),
		cli.WithEnvFiles(), cli.WithDotEnv, cli.WithConfigFileEnv)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(project.Services) < 6 {
		t.Errorf("only %d services found", len(project.Services))
	}
	for _, service := range project.Services {
		checkComposed(t, project, service)
	}
	for name, secret := range project.Secrets {
		if text, err := os.ReadFile(secret.File); err != nil || len(text) == 0 {
			t.Errorf("the commands do not create the secret %s: %d bytes, error %v", name, len(text), err)
		}
	}
}

// follow runs the commands in a copy of the folder.
func follow(t *testing.T, dir string) {
	t.Helper()
	head, _, _ := strings.Cut(text(t, "compose.yaml"), "\n# Webhooks arrive")
	var script []string
	for _, command := range regexp.MustCompile(`(?m)^#   (.*)$`).FindAllStringSubmatch(head, -1) {
		script = append(script, command[1])
	}
	if len(script) < 10 || script[0] != "cd deploy" || !strings.HasPrefix(script[len(script)-1], "docker compose up") {
		t.Fatalf("the head of compose.yaml has other commands than expected: %q", script)
	}
	// These steps are comments in the file, for a person to carry out.
	script = append(script[1:len(script)-1], "for name in salesforce_client_secret telegram_bot_token; do printf %s '...' > secrets/$name; done",
		"sed -i 's/=$/=filled-in/' .env")
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", strings.Join(script, "\n"))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("following the head of compose.yaml: %v\n%s", err, out)
	}
}

// checkComposed checks what a service refers to.
func checkComposed(t *testing.T, project *types.Project, service types.ServiceConfig) {
	t.Helper()
	for _, volume := range service.Volumes {
		if _, err := os.Stat(volume.Source); volume.Type == types.VolumeTypeBind && err != nil {
			t.Errorf("%s mounts a missing file: %v", service.Name, err)
		}
	}
	var secrets []string
	for _, secret := range service.Secrets {
		secrets = append(secrets, secret.Source)
		if _, isThere := project.Secrets[secret.Source]; !isThere {
			t.Errorf("%s has the secret %s, which is not declared", service.Name, secret.Source)
		}
	}
	said := strings.Join(slices.Concat(service.Entrypoint, service.Command), " ")
	for name, value := range service.Environment {
		if value == nil || *value == "" {
			t.Errorf("%s leaves %s empty", service.Name, name)
			continue
		}
		said += " " + *value
	}
	var used []string
	for _, path := range regexp.MustCompile(`/run/secrets/(\w+)`).FindAllStringSubmatch(said, -1) {
		used = append(used, path[1])
		if !slices.Contains(secrets, path[1]) {
			t.Errorf("%s reads the secret %s, which it does not have", service.Name, path[1])
		}
	}
	for _, secret := range secrets {
		if passwords := filepath.Join("postgres", "passwords.sql"); !slices.Contains(used, secret) && !strings.Contains(text(t, passwords), secret) {
			t.Errorf("%s has the secret %s, but does not read it", service.Name, secret)
		}
	}
}
