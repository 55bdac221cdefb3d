package app

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func environment(env map[string]string) *Source {
	return NewSource(func(name string) string { return env[name] }, slices.Collect(maps.Keys(env)))
}

func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "settings")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEnvFile(t *testing.T) {
	t.Parallel()
	path := write(t, "\ufeff# a comment\r\nexport MAX_ATTEMPTS = 5 # five\n\nWEBHOOK_SECRET=\"it's # \\n quoted\"\nLOG_LEVEL='warn'\nLOG_FORMAT=\n"+
		"MONDAY_API_TOKEN=file\nSALESFORCE_CLIENT_SECRET=file\nSLACK_WEBHOOK_URL_FILE=/file\nGOGC=50\n")
	s := environment(map[string]string{
		"MONDAY_API_TOKEN": "environment", "SALESFORCE_CLIENT_SECRET_FILE": "/environment", "SLACK_WEBHOOK_URL": "environment", "LOG_LEVEL": "",
	})
	if err := s.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"MAX_ATTEMPTS": "5", "WEBHOOK_SECRET": "it's # \n quoted", "LOG_LEVEL": "warn", "LOG_FORMAT": "", "MONDAY_API_TOKEN": "environment",
		"SALESFORCE_CLIENT_SECRET": "", "SALESFORCE_CLIENT_SECRET_FILE": "/environment", "SLACK_WEBHOOK_URL": "environment", "SLACK_WEBHOOK_URL_FILE": "",
		"GOGC": "",
	} {
		if got := s.Getenv(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestEnvFileFaults checks that an error names each faulty line without its content.
func TestEnvFileFaults(t *testing.T) {
	t.Parallel()
	path := write(t, "MAPPING=m\nhush-1\nWEBHOOK_SECRET=\"hush-2\nMONDAY_API_TOKEN=hush-3#hush\n=hush-4\nMAPPING=hush-5\nmy key=hush-6\n")
	err := environment(nil).ReadFile(path)
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Fatalf("ReadFile() = %v, want an error without values", err)
	}
	got := strings.Split(strings.ReplaceAll(err.Error(), path, "F"), "\n")
	want := []string{
		"F:2: missing =; a line has the form NAME=value",
		`F:3: unmatched " in the line; a value of several lines needs "\n" for its line breaks, or NAME_FILE`,
		"F:4: the value of MONDAY_API_TOKEN contains #, which begins a comment; put the value into quotes",
		"F:5: empty key; a line has the form NAME=value",
		"F:6: MAPPING is set already, in line 1",
		"F:7: key characters must be [A-Za-z0-9/_.] but found ' '; a line has the form NAME=value",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// TestWhichEnvFile checks that a given file must exist, and that .env need not.
func TestWhichEnvFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := environment(nil).ReadFile(""); err != nil {
		t.Errorf("without .env: %v", err)
	}
	for name, s := range map[string]*Source{"argument": environment(nil), "CRMSYNC_ENV": environment(map[string]string{"CRMSYNC_ENV": "nowhere"})} {
		path := map[string]string{"argument": "nowhere"}[name]
		if err := s.ReadFile(path); err == nil || !strings.Contains(err.Error(), "nowhere cannot be read") {
			t.Errorf("%s names no file: %v", name, err)
		}
	}
	if err := os.WriteFile(".env", []byte("MAX_ATTEMPTS=7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := environment(nil)
	if err := s.ReadFile(""); err != nil || s.Getenv("MAX_ATTEMPTS") != "7" || s.File() != ".env" {
		t.Errorf("with .env: error %v, MAX_ATTEMPTS %q from %q", err, s.Getenv("MAX_ATTEMPTS"), s.File())
	}
	s = environment(map[string]string{"CRMSYNC_ENV": write(t, "MAX_ATTEMPTS=8\n")})
	if err := s.ReadFile(""); err != nil || s.Getenv("MAX_ATTEMPTS") != "8" {
		t.Errorf("with CRMSYNC_ENV: error %v, MAX_ATTEMPTS %q", err, s.Getenv("MAX_ATTEMPTS"))
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := names(Variables())
	for name, want := range map[string]string{
		"MONDAY_TOKEN": "MONDAY_API_TOKEN", "MONDAY_API_KEY": "MONDAY_API_TOKEN", "SALESFORCE_CLIENTID": "SALESFORCE_CLIENT_ID",
		"SF_CLIENT_SECRET": "SALESFORCE_CLIENT_SECRET", "SALESFORCE_URL": "SALESFORCE_LOGIN_URL", "POSTGRES_URL": "DATABASE_URL",
		"TELEGRAM_TOKEN_FILE": "TELEGRAM_BOT_TOKEN", "CRMSYNC_MAPPING": "MAPPING", "WEBHOOK_SECRETS": "WEBHOOK_SECRET", "SLACK_URL": "SLACK_WEBHOOK_URL",
		"DATABASE_URL": "", "DATABASE_URL_FILE": "", "PATH": "", "HOME": "", "LANG": "", "LOG": "", "AWS_SECRET_ACCESS_KEY": "", "SALESFORCE_TOKEN": "",
		"POSTGRES_PASSWORD": "", "GOGC": "", "KUBERNETES_SERVICE_HOST": "", "CRMSYNC_SERVICE_PORT": "",
	} {
		if got := nearest(name, known); got != want {
			t.Errorf("nearest(%s) = %q, want %q", name, got, want)
		}
	}
}
