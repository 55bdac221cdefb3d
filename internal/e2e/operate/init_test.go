package operate_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// stranger is a world whose owner has set only the addresses of the simulators. It returns the owner's answers.
func stranger(t *testing.T, options ...e2e.Option) (w *e2e.World, answers map[string]string) {
	t.Helper()
	w = e2e.Setup(t, options...)
	answers = w.Env
	w.Env = map[string]string{"MONDAY_API_URL": answers["MONDAY_API_URL"]}
	return w, answers
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// works checks that what init wrote is all that the program needs to sync an item.
func works(w *e2e.World, dir string) {
	w.T.Helper()
	info, err := os.Stat(filepath.Join(dir, ".env"))
	if err != nil || info.Mode().Perm() != 0o600 {
		w.T.Errorf("the mode of .env is %v (%v), want 0600", info.Mode(), err)
	}
	w.Env["CRMSYNC_ENV"] = filepath.Join(dir, ".env")
	w.Env["MAPPING"] = filepath.Join(dir, "mapping.yaml")
	w.Env["INGEST_ADDR"], w.Env["ADMIN_ADDR"] = "127.0.0.1:0", "127.0.0.1:0"
	w.Start("serve")
	w.Ingest = strings.Replace(w.Ingest, e2e.Secret, setting(w.T, dir, "WEBHOOK_SECRET"), 1)
	w.Subscribe()
	for password, want := range map[string]int{setting(w.T, dir, "ADMIN_PASSWORD"): http.StatusOK, "another": http.StatusUnauthorized} {
		req, err := http.NewRequestWithContext(w.T.Context(), http.MethodGet, w.Admin+"/", nil)
		if err != nil {
			w.T.Fatal(err)
		}
		req.SetBasicAuth("admin", password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			w.T.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			w.T.Errorf("the console answered %d, want %d", resp.StatusCode, want)
		}
	}
	item := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Quiet()
	w.Record("Account", item)
}

// setting returns a secret that init has created.
func setting(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, ".env")
	for line := range strings.Lines(readFile(t, path)) {
		if secret, ok := strings.CutPrefix(strings.TrimSpace(line), name+"="); ok && len(secret) >= 16 {
			return secret
		}
	}
	t.Fatalf("%s has no %s", path, name)
	return ""
}

// TestInitFlags sets up the program by flags alone.
func TestInitFlags(t *testing.T) {
	t.Parallel()
	w, known := stranger(t)
	w.Env["SALESFORCE_API_VERSION"] = "v66.0"
	dir := t.TempDir()
	args := []string{
		"init", "--dir", dir, "--database-url", known["DATABASE_URL"], "--monday-token", known["MONDAY_API_TOKEN"],
		"--salesforce-login-url", known["SALESFORCE_LOGIN_URL"], "--salesforce-client-id", known["SALESFORCE_CLIENT_ID"],
		"--salesforce-client-secret", known["SALESFORCE_CLIENT_SECRET"], "--board", "1001", "--object", "Account", "--board", "1002", "--object", "Contact",
		"--ingest-url", "https://sync.example.org",
	}
	code, stdout, stderr := w.Command(args...)
	if code != cli.ExitDone {
		t.Fatalf("exit code %d: %s\n%s", code, stderr, stdout)
	}
	for _, want := range []string{
		"✓ Postgres: version ", "✓ Monday: logged in", "✓ Salesforce: logged in", "External Client App Manager", "✓ Account has the key",
		"mapping.yaml: 0 errors, ", "\n  crmsync webhooks --url https://sync.example.org ",
		" as admin; the password is ADMIN_PASSWORD in ",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("missing %q in\n%s", want, stdout)
		}
	}
	for _, secret := range []string{known["MONDAY_API_TOKEN"], known["SALESFORCE_CLIENT_SECRET"], setting(t, dir, "WEBHOOK_SECRET"), setting(t, dir, "ADMIN_PASSWORD")} {
		if strings.Contains(stdout, secret) {
			t.Errorf("a secret is shown:\n%s", stdout)
		}
	}
	before := readFile(t, filepath.Join(dir, ".env"))
	if code, _, stderr := w.Command(append(args, "--public-url", "https://other.example.org")...); code != cli.ExitFailed || !strings.Contains(stderr, "was not changed; --force") {
		t.Errorf("once more: exit code %d, %s", code, stderr)
	}
	if readFile(t, filepath.Join(dir, ".env")) != before {
		t.Error(".env was changed without a yes")
	}
	if !strings.HasPrefix(before, "# Settings of crmsync, written by crmsync init.") || strings.Contains(before, "Copy this file") {
		t.Errorf(".env begins with %.80q", before)
	}
	for _, name := range []string{"MONDAY_API_URL", "SALESFORCE_API_VERSION"} { // the values that were checked are in use from now on
		if want := "\n" + name + "=" + w.Env[name] + "\n"; !strings.Contains(before, want) {
			t.Errorf("missing %q in\n%s", want, before)
		}
		delete(w.Env, name)
	}
	works(w, dir)
}

// TestInitEnvFile sets up the program with what `crmsync sim --env` prints, and expects init to write all that it used.
func TestInitEnvFile(t *testing.T) {
	t.Parallel()
	w, known := stranger(t)
	w.Env = map[string]string{"INGEST_ADDR": "127.0.0.1:18081", "ADMIN_ADDR": "127.0.0.1:18082"}
	var printed strings.Builder
	for _, name := range []string{"MONDAY_API_URL", "MONDAY_API_TOKEN", "SALESFORCE_LOGIN_URL", "SALESFORCE_CLIENT_ID",
		"SALESFORCE_CLIENT_SECRET"} {
		fmt.Fprintf(&printed, "%s=%s\n", name, known[name])
	}
	dir := t.TempDir()
	code, stdout, stderr := w.Command("init", "--env-file", w.File("sim.env", printed.String()), "--dir", dir,
		"--database-url", known["DATABASE_URL"], "--board", "1001", "--object", "Account")
	if code != cli.ExitDone || !strings.Contains(stdout, "http://127.0.0.1:18082/ as admin") {
		t.Fatalf("exit code %d: %s\n%s", code, stderr, stdout)
	}
	env := readFile(t, filepath.Join(dir, ".env"))
	for _, want := range []string{"MONDAY_API_URL=" + known["MONDAY_API_URL"], "INGEST_ADDR=127.0.0.1:18081", "ADMIN_ADDR=127.0.0.1:18082"} {
		if !strings.Contains(env, "\n"+want+"\n") {
			t.Errorf("%s is not in .env:\n%s", want, stdout)
		}
	}
	works(w, dir)
}

// TestInitAnswers sets up the program by a file of answers, with a key that is missing, and adds a board later.
func TestInitAnswers(t *testing.T) {
	t.Parallel()
	w, known := stranger(t, changedField("Contact", e2e.Key, func(f *sfsim.Field) { f.Name = "Other__c" }))
	dir := t.TempDir()
	first := w.File("answers", strings.Join([]string{
		known["DATABASE_URL"], known["MONDAY_API_TOKEN"], known["SALESFORCE_LOGIN_URL"], known["SALESFORCE_CLIENT_ID"], known["SALESFORCE_CLIENT_SECRET"],
		"1 3", "", "Lead", "",
	}, "\n")+"\n")
	code, stdout, stderr := w.Command("init", "--dir", dir, "--answers", first)
	if code != cli.ExitDone {
		t.Fatalf("exit code %d: %s\n%s", code, stderr, stdout)
	}
	if text := readFile(t, filepath.Join(dir, "mapping.yaml")); !strings.Contains(text, "object: Account\n") || !strings.Contains(text, "object: Lead\n") || strings.Contains(text, "object: Contact\n") {
		t.Errorf("mapping.yaml:\n%s", text)
	}
	// Everything is known now: for an added board, only the object is asked for.
	code, stdout, stderr = w.Answer("\n\n\n\n\n1002\n\n\ny\n", "init", "--dir", dir)
	if code != cli.ExitFailed || !strings.Contains(stdout, "✗ Contact has no key field "+e2e.Key) || !strings.Contains(stdout, "Object Manager, Contact, Fields & Relationships") {
		t.Errorf("a board without a key: exit code %d: %s\n%s", code, stderr, stdout)
	}
	if text := readFile(t, filepath.Join(dir, "mapping.yaml")); !strings.Contains(text, "board: 1002") || !strings.Contains(text, "link: accounts.account") {
		t.Errorf("mapping.yaml:\n%s\nafter\n%s%s", text, stdout, stderr)
	}
	if strings.Contains(stdout, known["MONDAY_API_TOKEN"]) {
		t.Errorf("a secret is shown:\n%s", stdout)
	}
}

// TestInitRefuses checks that a wrong or missing answer is named, and that nothing is written.
func TestInitRefuses(t *testing.T) {
	t.Parallel()
	w, known := stranger(t)
	right := []string{
		"--database-url", known["DATABASE_URL"], "--monday-token", known["MONDAY_API_TOKEN"], "--salesforce-login-url", known["SALESFORCE_LOGIN_URL"],
		"--salesforce-client-id", known["SALESFORCE_CLIENT_ID"], "--salesforce-client-secret", known["SALESFORCE_CLIENT_SECRET"],
		"--board", "1001", "--object", "Account",
	}
	tests := map[string]struct {
		flag, value string // changed; an empty value leaves the flag out
		stdout      string
		stderr      string
	}{
		"no answer":         {"--monday-token", "", "", "MONDAY_API_TOKEN: there is no answer; give --monday-token"},
		"a database":        {"--database-url", "postgres://ada:hush-hush@127.0.0.1:1/x", "✗ Postgres: ", "DATABASE_URL"},
		"a URL":             {"--database-url", "hush-hush", "", "not a valid Postgres URL"},
		"Monday's token":    {"--monday-token", "hush-hush", "✗ Monday: ", "MONDAY_API_TOKEN"},
		"the client secret": {"--salesforce-client-secret", "hush-hush", "✗ Salesforce: ", "did not work"},
		"a board":           {"--board", "4711", "", "board 4711 does not exist"},
		"an object":         {"--object", "Acount", "", "did you mean \"Account\"?"},
		"an address":        {"--ingest-url", "https://sync.example.org/path", "", "must be an address without a path"},
		"plain http":        {"--ingest-url", "http://sync.example.org", "", "INGEST_URL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			args := append([]string{"init", "--dir", dir}, right...)
			if at := slices.Index(args, tt.flag); at < 0 {
				args = append(args, tt.flag, tt.value)
			} else if args[at+1] = tt.value; tt.value == "" {
				args = slices.Delete(args, at, at+2)
			}
			code, stdout, stderr := w.Command(args...)
			if code == cli.ExitDone || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) || strings.Contains(stdout+stderr, "hush-hush") {
				t.Errorf("exit code %d: %s\n%s", code, stderr, stdout)
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
				t.Errorf("files were written: %v (%v)", files, err)
			}
		})
	}
}
