package operate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
)

// TestConfig checks that every variable is shown with its source, and no secret.
func TestConfig(t *testing.T) {
	t.Parallel()
	w := outside(t, map[string]string{"MONDAY_TOKEN": "hush-1", "DATABASE_URL": "postgres://ada:hush-2@127.0.0.1:1/nowhere", "SALESFORCE_CLIENT_SECRET": "",
		"TELEGRAM_API_URL": "http://u:hush-5@127.0.0.1:1/x?token=hush-6"})
	w.Env["SALESFORCE_CLIENT_SECRET_FILE"] = w.File("secret", "hush-3\n")
	file := w.File("settings", "# Ours\nMAX_ATTEMPTS=5\nSALESFORCE_CLIENT_ID=other\nTELEGRAM_TOKEN=hush-4\nBATCH_SIZE=50\n")
	code, stdout, stderr := w.Command("config", "--json", "--env-file", file)
	if code != cli.ExitDone || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	var c cli.Configuration
	if err := json.Unmarshal([]byte(stdout), &c); err != nil {
		t.Fatal(err)
	}
	got := map[string][2]string{}
	for _, v := range c.Variables {
		got[v.Name] = [2]string{v.Value, v.Source}
	}
	for name, want := range map[string][2]string{
		"MAX_ATTEMPTS": {"5", file + ":2"}, "BATCH_SIZE": {"50", file + ":5"}, "SALESFORCE_CLIENT_ID": {"client-id", "environment"},
		"SALESFORCE_CLIENT_SECRET": {"(hidden)", w.Env["SALESFORCE_CLIENT_SECRET_FILE"]}, "WEBHOOK_SECRET": {"(hidden)", "environment"},
		"DATABASE_URL": {"postgres://ada:hidden@127.0.0.1:1/nowhere", "environment"}, "JOB_TIMEOUT": {"1m", "default"}, "ADMIN_PASSWORD": {"", ""},
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	if len(c.Warnings) != 2 || !strings.Contains(c.Warnings[0], "MONDAY_TOKEN is set in the environment, but crmsync does not read it; did you mean MONDAY_API_TOKEN?") ||
		!strings.Contains(c.Warnings[1], file+":4: crmsync does not read TELEGRAM_TOKEN; did you mean TELEGRAM_BOT_TOKEN?") {
		t.Errorf("warnings: %q", c.Warnings)
	}
	for _, secret := range []string{"hush-", e2e.Secret, "monday-token"} {
		if strings.Contains(stdout, secret) {
			t.Errorf("%q is shown:\n%s", secret, stdout)
		}
	}
}

// TestConfigIncomplete checks that missing variables are reported, with the similar name that was set instead.
func TestConfigIncomplete(t *testing.T) {
	t.Parallel()
	w := outside(t, map[string]string{"MONDAY_API_TOKEN": "", "MONDAY_TOKEN": "hush-1", "BATCH_SIZE": "0"})
	code, stdout, stderr := w.Command("config")
	for _, want := range []string{"✗ MONDAY_API_TOKEN: is required\n", "✗ BATCH_SIZE: ", "! MONDAY_TOKEN is set", "did you mean MONDAY_API_TOKEN?"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("missing %q in\n%s", want, stdout)
		}
	}
	if code != cli.ExitUsage || stderr != "crmsync: serve would not start: 2 problems\n" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	code, _, stderr = w.Command("worker")
	if code != cli.ExitUsage || !strings.Contains(stderr, "note: MONDAY_TOKEN is set") || strings.Contains(stderr, "hush-1") {
		t.Errorf("worker: exit code %d, stderr %q", code, stderr)
	}
}

// TestEnvFileRuns checks that a role runs with only an env file.
func TestEnvFileRuns(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	var settings strings.Builder
	for name, value := range w.Env {
		settings.WriteString(name + "=" + value + "\n")
		delete(w.Env, name)
	}
	w.Env["CRMSYNC_ENV"] = w.File("settings", settings.String())
	w.Start("serve")
	w.Subscribe()
	item := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Quiet()
	w.Record("Account", item)
}
