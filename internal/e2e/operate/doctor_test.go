package operate_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"crmsync/internal/cli"
	"crmsync/internal/doctor"
	"crmsync/internal/e2e"
)

func diagnose(w *e2e.World, args ...string) (code int, d cli.Diagnosis) {
	w.T.Helper()
	code, stdout, stderr := w.Command(append([]string{"doctor", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &d); err != nil {
		w.T.Fatalf("doctor: exit code %d, %v: %s%s", code, err, stdout, stderr)
	}
	return code, d
}

// publish sets the public address of the world's ingest.
func publish(w *e2e.World) {
	w.T.Helper()
	u, err := url.Parse(w.Ingest)
	if err != nil {
		w.T.Fatal(err)
	}
	w.Env["INGEST_URL"] = "http://" + u.Host
}

// consoled are the settings of an installation with a console.
var consoled = []e2e.Option{e2e.With("ADMIN_USER", "admin"), e2e.With("ADMIN_PASSWORD", "a-password")}

// TestDoctor checks that a healthy installation has neither a problem nor a warning, and that channels can be tested.
func TestDoctor(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, consoled...)
	publish(w)
	code, d := diagnose(w, "--test-alerts")
	subjects := map[string]bool{}
	for _, f := range d.Findings {
		if subjects[f.Subject] = true; f.Verdict != doctor.Fine {
			t.Errorf("%s: %s: %s", f.Verdict, f.Subject, f.Text)
		}
	}
	if code != cli.ExitDone || len(subjects) != 11 {
		t.Errorf("exit code %d, subjects %v", code, subjects)
	}
	w.Message("Test message of crmsync doctor")
	code, stdout, _ := w.Command("doctor")
	if code != cli.ExitDone || !strings.Contains(stdout, "✓ Postgres: connected directly\n") || !strings.HasSuffix(stdout, "\n0 problems, 0 warnings.\n") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	for _, secret := range []string{e2e.Secret, "client-secret", "monday-token"} {
		if strings.Contains(stdout, secret) {
			t.Errorf("a secret is shown:\n%s", stdout)
		}
	}
}

// TestDoctorFinds plants one fault at a time in a healthy installation.
func TestDoctorFinds(t *testing.T) {
	t.Parallel()
	late := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(10*time.Minute).UTC().Format(http.TimeFormat))
	})
	set := func(name, value string) func(*e2e.World) { return func(w *e2e.World) { w.Env[name] = value } }
	tests := map[string]struct {
		plant   func(*e2e.World)
		verdict doctor.Verdict
		subject string
		text    string
		do      string
	}{
		"Postgres away":     {set("DATABASE_URL", "postgres://ada:hush-hush@127.0.0.1:1/x"), doctor.Wrong, "Postgres", "postgres is away", "Start Postgres"},
		"no database":       {set("DATABASE_URL", ""), doctor.Wrong, "settings", "DATABASE_URL: is required", "crmsync config"},
		"a misspelled name": {set("MONDAY_TOKEN", "hush-hush"), doctor.Doubtful, "settings", "did you mean MONDAY_API_TOKEN?", "Correct the name"},
		"an older schema": {func(w *e2e.World) {
			w.Exec("DELETE FROM goose_db_version WHERE version_id > 40")
			w.Env["SCHEMA_UP"] = "off"
		}, doctor.Wrong, "Postgres", "is older than the program", "crmsync schema up"},
		"a newer schema": {func(w *e2e.World) {
			w.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)")
		}, doctor.Doubtful, "Postgres", "is newer than the program", "Upgrade"},
		"Monday's login":       {set("MONDAY_API_TOKEN", "wrong"), doctor.Wrong, "Monday", "asking who we are", "MONDAY_API_TOKEN"},
		"Monday's version":     {set("MONDAY_API_VERSION", "2026-04"), doctor.Doubtful, "Monday", "version 2026-04 of the API is an older one", "MONDAY_API_VERSION=2026-07"},
		"Salesforce's login":   {set("SALESFORCE_CLIENT_SECRET", "wrong"), doctor.Wrong, "Salesforce", "finding out who is logged in", "SALESFORCE_CLIENT_SECRET"},
		"Salesforce's version": {set("SALESFORCE_API_VERSION", "v20.0"), doctor.Wrong, "Salesforce", "version v20.0 of the API does not exist", "SALESFORCE_API_VERSION=v"},
		"a faulty mapping":     {func(w *e2e.World) { w.Env["MAPPING"] = w.File("m.yaml", "version: 1\nboards: {}\n") }, doctor.Wrong, "mapping", "m.yaml:2:", "crmsync check"},
		"no mapping":           {set("MAPPING", "/nowhere.yaml"), doctor.Wrong, "mapping", "does not exist", "crmsync init"},
		"a mapping that does not fit": {func(w *e2e.World) {
			w.Env["MAPPING"] = w.File("m.yaml", strings.Replace(accountsOnly, "Name: name", "Nam: name", 1))
		}, doctor.Wrong, "mapping", "does not fit", "crmsync check --live"},
		"another mapping":   {func(w *e2e.World) { w.Env["MAPPING"] = w.File("m.yaml", accountsOnly) }, doctor.Doubtful, "processes", "runs another mapping", "same file"},
		"a clock":           {func(w *e2e.World) { w.Env["MONDAY_API_URL"] = host(w, late) }, doctor.Wrong, "clocks", " ahead of this machine's", "NTP"},
		"no public address": {set("INGEST_URL", ""), doctor.Doubtful, "webhooks", "is unknown", "INGEST_URL"},
		"nobody listens":    {set("INGEST_URL", "http://127.0.0.1:1"), doctor.Wrong, "webhooks", "cannot be reached", "INGEST_ADDR"},
		"another secret":    {set("WEBHOOK_SECRET", "another-secret-of-some-length"), doctor.Wrong, "webhooks", "does not know the path or the secret", "WEBHOOK_SECRET"},
		"something else":    {func(w *e2e.World) { w.Env["INGEST_URL"] = host(w, late) }, doctor.Wrong, "webhooks", "not as ingest does", "proxy"},
		"no channel":        {func(w *e2e.World) { w.Env["TELEGRAM_BOT_TOKEN"], w.Env["TELEGRAM_CHAT_ID"] = "", "" }, doctor.Doubtful, "alerts", "there is no channel", "SLACK_WEBHOOK_URL"},
		"a failing channel": {func(w *e2e.World) { w.Exec("UPDATE alert_channels SET failing_since = now(), error = 'status 401'") }, doctor.Wrong, "alerts", "telegram has accepted no messages since", "--test-alerts"},
		"a silent process": {func(w *e2e.World) {
			w.Exec("CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
			w.Exec("CREATE TRIGGER silent BEFORE INSERT ON processes FOR EACH ROW EXECUTE FUNCTION skip()")
			w.Exec("UPDATE processes SET seen_at = now() - interval '50 seconds'")
		}, doctor.Wrong, "processes", "no worker is running", "crmsync serve"},
		"no console": {func(*e2e.World) {}, doctor.Doubtful, "console", "is off", "Set ADMIN_USER and ADMIN_PASSWORD."},
		"a dead letter": {func(w *e2e.World) {
			w.Reject("Account", "Name", "Refused")
			w.Monday.CreateItem(e2e.Accounts, "Refused", nil)
			w.Quiet()
		}, doctor.Doubtful, "open work", "dead letters: 1", "crmsync errors"},
		"a held deletion": {func(w *e2e.World) {
			w.Exec("INSERT INTO deletions (item_id, board_id, state) VALUES (1, 1001, 'held')")
		}, doctor.Doubtful, "open work", "holds: 1", "crmsync held"},
		"a first meeting": {func(w *e2e.World) {
			w.Exec(`WITH s AS (INSERT INTO sweeps (board_id, board, kind, options, state, finished_at) VALUES (1001, 'accounts', 'apply', '{}', 'done', now()) RETURNING id)
				INSERT INTO differences (run_id, board_id, item_id, record, object, salesforce_id, field, kind, code, action)
				SELECT id, 1001, 1, 'account', 'Account', '001', 'Name', 'first_meeting', '', 'leave' FROM s`)
		}, doctor.Doubtful, "open work", "first meetings", "crmsync plan"},
		"another version": {func(w *e2e.World) { w.Exec("UPDATE processes SET version = 'v0.0.1'") }, doctor.Doubtful, "processes", "runs version v0.0.1", "same version"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t)
			publish(w)
			w.Eventually("a worker uses the channel", func() bool { return w.Count("SELECT count(*) FROM alert_channels") == 1 })
			tt.plant(w)
			code, d := diagnose(w)
			found := false
			for _, f := range d.Findings {
				found = found || f.Verdict == tt.verdict && f.Subject == tt.subject && strings.Contains(f.Text, tt.text) && strings.Contains(f.Do, tt.do)
				if strings.Contains(f.Text+f.Do, "hush-hush") || strings.Contains(f.Text+f.Do, e2e.Secret) {
					t.Errorf("a secret is shown: %+v", f)
				}
			}
			if wantCode := map[doctor.Verdict]int{doctor.Wrong: cli.ExitFailed, doctor.Doubtful: cli.ExitDone}[tt.verdict]; !found || code != wantCode {
				t.Errorf("exit code %d, want %d; not found among %+v", code, wantCode, d.Findings)
			}
		})
	}
}

// TestDoctorRole checks that where only one role runs, nothing is asked for that the other one needs.
func TestDoctorRole(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, consoled...)
	publish(w)
	all := w.Env
	for role, without := range map[string][]string{
		"ingest": {"MONDAY_API_TOKEN", "SALESFORCE_LOGIN_URL", "SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET", "TELEGRAM_BOT_TOKEN", "TELEGRAM_CHAT_ID"},
		"worker": {"WEBHOOK_SECRET", "INGEST_URL"},
	} {
		w.Env = maps.Clone(all)
		for _, name := range without {
			delete(w.Env, name)
		}
		code, d := diagnose(w, "--role", role)
		if code != cli.ExitDone || d.Warnings != 0 {
			t.Errorf("%s: exit code %d, %+v", role, code, d.Findings)
		}
	}
	w.Env = all
}

// TestDoctorWebhooks checks that boards without all webhooks are named, with the command that registers them.
func TestDoctorWebhooks(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Start("serve")
	publish(w)
	_, d := diagnose(w)
	for _, f := range d.Findings {
		if f.Subject == "mapping" && f.Verdict != doctor.Fine {
			t.Errorf("missing webhooks are also counted as %+v", f)
		}
	}
	for _, f := range d.Findings {
		if f.Subject == "webhooks" && f.Verdict == doctor.Wrong {
			if f.Text != "webhooks are missing for board 1001 (6 of 6), 1002 (6 of 6), 1003 (6 of 6)" || f.Do != "crmsync webhooks --url "+w.Env["INGEST_URL"] {
				t.Errorf("%+v", f)
			}
			return
		}
	}
	t.Errorf("nothing about webhooks in %+v", d.Findings)
}

// host serves a handler and returns its address.
func host(w *e2e.World, handler http.Handler) string {
	w.T.Helper()
	address, err := w.Host(handler)
	if err != nil {
		w.T.Fatal(err)
	}
	return address
}
