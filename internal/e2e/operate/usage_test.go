package operate_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	"crmsync/internal/stage"
)

// complete is a complete environment, but without a Postgres.
func complete(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"DATABASE_URL": "postgres://127.0.0.1:1/nowhere", "MAPPING": "../../../deploy/mapping.example.yaml", "WEBHOOK_SECRET": e2e.Secret,
		"MONDAY_API_TOKEN": "monday-token", "SALESFORCE_LOGIN_URL": "https://example.my.salesforce.com", "SALESFORCE_CLIENT_ID": "client-id",
		"SALESFORCE_CLIENT_SECRET": "client-secret", "INGEST_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0",
	}
}

// outside runs the program with only an environment.
func outside(t *testing.T, changes map[string]string) *e2e.World {
	t.Helper()
	env := complete(t)
	maps.Copy(env, changes)
	return &e2e.World{T: t, Stage: &stage.Stage{Env: env}}
}

// TestConfiguration: all faults are reported at once, variable by variable, and without secrets.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	type env = map[string]string
	tests := map[string]struct {
		command string
		env     env
		names   []string // beginnings of lines on the standard error
	}{
		"nothing is set, serve": {"serve", env{
			"DATABASE_URL": "", "WEBHOOK_SECRET": "", "MONDAY_API_TOKEN": "", "SALESFORCE_LOGIN_URL": "", "SALESFORCE_CLIENT_ID": "",
			"SALESFORCE_CLIENT_SECRET": "", "MAPPING": "nowhere.yaml",
		}, []string{"DATABASE_URL", "WEBHOOK_SECRET, MONDAY_SIGNING_SECRET", "MONDAY_API_TOKEN", "SALESFORCE_LOGIN_URL", "SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET", "MAPPING"}},
		"ingest without authentication": {"ingest", env{"WEBHOOK_SECRET": ""}, []string{"WEBHOOK_SECRET, MONDAY_SIGNING_SECRET"}},
		"a short webhook secret":        {"ingest", env{"WEBHOOK_SECRET": "hush-hush"}, []string{"WEBHOOK_SECRET"}},
		"a short second secret":         {"ingest", env{"WEBHOOK_SECRET": "a-secret-of-some-length,hush-hush"}, []string{"WEBHOOK_SECRET"}},
		"three webhook secrets":         {"ingest", env{"WEBHOOK_SECRET": "hush-hush-hush-one,hush-hush-hush-two,hush-hush-hush-three"}, []string{"WEBHOOK_SECRET"}},
		"three signing secrets":         {"ingest", env{"MONDAY_SIGNING_SECRET": "hush-one,hush-two,hush-three"}, []string{"MONDAY_SIGNING_SECRET"}},
		"invalid values": {"worker", env{
			"MAX_ATTEMPTS": "hush", "RETRY_BASE": "hush", "RETRY_MAX": "-1s", "JOB_TIMEOUT": "1", "RESCUE_AFTER": "0s", "ALERT_INTERVAL": "hush",
			"BATCH_SIZE": "201", "BATCH_CONCURRENCY": "0", "MAX_WORKERS": "x", "SHUTDOWN_GRACE": "x", "LOG_LEVEL": "x", "LOG_FORMAT": "x",
			"ADMIN_ADDR": "x", "MONDAY_API_URL": "x", "TELEGRAM_API_URL": "ftp://x", "SLACK_WEBHOOK_URL": "hush", "SCHEMA_UP": "x",
		}, []string{"MAX_ATTEMPTS", "RETRY_BASE", "RETRY_MAX", "JOB_TIMEOUT", "RESCUE_AFTER", "ALERT_INTERVAL", "BATCH_SIZE", "BATCH_CONCURRENCY",
			"MAX_WORKERS", "SHUTDOWN_GRACE", "LOG_LEVEL", "LOG_FORMAT", "ADMIN_ADDR", "MONDAY_API_URL", "TELEGRAM_API_URL", "SLACK_WEBHOOK_URL", "SCHEMA_UP"}},
		"incomplete pairs": {"serve", env{"ADMIN_USER": "admin", "TELEGRAM_CHAT_ID": "42", "SALESFORCE_USERNAME": "ada"},
			[]string{"ADMIN_USER, ADMIN_PASSWORD", "TELEGRAM_BOT_TOKEN, TELEGRAM_CHAT_ID", "SALESFORCE_USERNAME, SALESFORCE_PRIVATE_KEY"}},
		"passwords that are too short": {"worker", env{"ADMIN_USER": "admin", "ADMIN_PASSWORD": "hush-7c", "VIEWER_USER": "viewer", "VIEWER_PASSWORD": "hush-7c"},
			[]string{"ADMIN_PASSWORD", "VIEWER_PASSWORD"}},
		"rescue before the timeout": {"worker", env{"JOB_TIMEOUT": "60s", "RESCUE_AFTER": "60s"}, []string{"RESCUE_AFTER"}},
		"base above the maximum":    {"worker", env{"RETRY_BASE": "2m", "RETRY_MAX": "1m"}, []string{"RETRY_MAX"}},
		"an invalid private key":    {"worker", env{"SALESFORCE_USERNAME": "ada", "SALESFORCE_PRIVATE_KEY": "hush-key"}, []string{"SALESFORCE_PRIVATE_KEY"}},
		"a login by plain http":     {"worker", env{"SALESFORCE_LOGIN_URL": "http://example.my.salesforce.com"}, []string{"SALESFORCE_LOGIN_URL"}},
		"Monday by plain http":      {"worker", env{"MONDAY_API_URL": "http://api.monday.example/v2"}, []string{"MONDAY_API_URL"}},
		"an invalid token":          {"worker", env{"MONDAY_API_TOKEN": "hush-\u00e4"}, []string{"MONDAY_API_TOKEN"}},
		"what the clients reject, with other problems": {"worker", env{
			"DATABASE_URL": "", "MONDAY_API_TOKEN": "hush-\u00e4", "SALESFORCE_API_VERSION": "67", "SALESFORCE_CLIENT_ID": "", "SALESFORCE_LOGIN_URL": "http://example.my.salesforce.com",
			"MAX_ATTEMPTS": "x", "MAPPING": "nowhere.yaml",
		}, []string{"DATABASE_URL", "MONDAY_API_TOKEN", "SALESFORCE_API_VERSION", "SALESFORCE_CLIENT_ID", "SALESFORCE_LOGIN_URL", "MAX_ATTEMPTS", "MAPPING"}},
		"no file": {"worker", env{"MONDAY_API_TOKEN": "", "MONDAY_API_TOKEN_FILE": "/nowhere/token"}, []string{"MONDAY_API_TOKEN_FILE"}},
		"twice":   {"worker", env{"MONDAY_API_TOKEN_FILE": "/nowhere/token"}, []string{"MONDAY_API_TOKEN"}},
		"absurd durations": {"worker", env{
			"RETRY_BASE": "1ns", "RETRY_MAX": "90000h", "JOB_TIMEOUT": "2h", "RESCUE_AFTER": "1000h", "ALERT_INTERVAL": "1ns", "LOG_RETENTION": "1ns", "SHUTDOWN_GRACE": "1ns",
		}, []string{"RETRY_BASE", "RETRY_MAX", "JOB_TIMEOUT", "RESCUE_AFTER", "ALERT_INTERVAL", "LOG_RETENTION", "SHUTDOWN_GRACE"}},
		"plain http to another host": {"worker", env{
			"MONDAY_API_URL": "http://api.monday.com/v2", "TELEGRAM_API_URL": "http://api.telegram.org", "SLACK_WEBHOOK_URL": "http://hooks.slack.com/services/hush-hush",
		}, []string{"MONDAY_API_URL", "TELEGRAM_API_URL", "SLACK_WEBHOOK_URL"}},
		"a password that ends too early": {"status", env{"DATABASE_URL": "postgres://u:1@hush-hush@127.0.0.1:1/db"}, []string{"DATABASE_URL"}},
		"a database's URL":               {"schema up", env{"DATABASE_URL": "hush://x:y@z"}, []string{"DATABASE_URL"}},
		"not a database's URL":           {"replay", env{"DATABASE_URL": ""}, []string{"DATABASE_URL"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := outside(t, tt.env)
			code, stdout, stderr := w.Command(strings.Fields(tt.command)...)
			if code != cli.ExitUsage || stdout != "" {
				t.Errorf("exit code %d, stdout %q, want 2 and nothing", code, stdout)
			}
			lines := strings.Split(strings.TrimPrefix(strings.TrimSpace(stderr), "crmsync: "), "\n")
			for _, name := range tt.names {
				found := 0
				for _, line := range lines {
					if strings.HasPrefix(line, name+":") {
						found++
					}
				}
				if found != 1 {
					t.Errorf("%s is named %d times, want once:\n%s", name, found, stderr)
				}
			}
			if len(lines) != len(tt.names) {
				t.Errorf("%d problems, want %d:\n%s", len(lines), len(tt.names), stderr)
			}
			for _, secret := range []string{"hush-", "hush:", e2e.Secret, "client-secret", "monday-token"} {
				if strings.Contains(stderr, secret) {
					t.Errorf("a secret is shown:\n%s", stderr)
				}
			}
		})
	}
}

// TestSecretsFromFiles: every secret can come from a file, with or without a newline at its end.
func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	for _, name := range []string{"DATABASE_URL", "WEBHOOK_SECRET", "MONDAY_API_TOKEN", "SALESFORCE_CLIENT_SECRET", "TELEGRAM_BOT_TOKEN"} {
		w.Env[name+"_FILE"] = w.File(name, w.Env[name]+"\n")
		w.Env[name] = ""
	}
	w.Start("serve")
	w.Subscribe()
	item := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Deliver("not JSON")
	w.Quiet()
	w.Record("Account", item)
	w.Message("unreadable")
}

func TestUsage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"no arguments":      {nil, cli.ExitUsage, "", "Usage: crmsync"},
		"help":              {[]string{"--help"}, cli.ExitDone, "Usage: crmsync", ""},
		"help of a command": {[]string{"replay", "--help"}, cli.ExitDone, "--all", ""},
		"unknown command":   {[]string{"sevre"}, cli.ExitUsage, "", "sevre"},
		"unknown flag":      {[]string{"serve", "--fast"}, cli.ExitUsage, "", "--fast"},
		"no id":             {[]string{"replay", "x"}, cli.ExitUsage, "", "x"},
		"negative, plan":    {[]string{"plan", "--item=-5"}, cli.ExitUsage, "", "--item"},
		"negative, apply":   {[]string{"apply", "--item=7,-5"}, cli.ExitUsage, "", "--item"},
		"negative, release": {[]string{"held", "release", "--", "-5"}, cli.ExitUsage, "", "not an item's id"},
		"zero, drop":        {[]string{"held", "drop", "0"}, cli.ExitUsage, "", "not an item's id"},
		"zero, erase":       {[]string{"erase", "--item=0"}, cli.ExitUsage, "", "not an item's id"},
		"negative, logs":    {[]string{"logs", "export", "--item=-5"}, cli.ExitUsage, "", "not an item's id"},
		"zero, conflicts":   {[]string{"conflicts", "list", "--item=0"}, cli.ExitUsage, "", "not an item's id"},
		"half a command":    {[]string{"schema"}, cli.ExitUsage, "", "up"},
	}
	for what, commands := range map[string][][]string{
		"an item's":    {{"erase", "--item="}, {"item"}, {"plan", "--item="}, {"apply", "--item="}, {"held", "release"}, {"held", "drop"}, {"logs", "export", "--item="}, {"tail", "--item="}},
		"a job's":      {{"replay"}, {"replay", "7"}, {"ignore"}, {"ignore", "7"}},
		"a conflict's": {{"conflicts", "take", "monday"}, {"conflicts", "take", "salesforce", "7"}},
		"a board's":    {{"boards"}, {"scaffold", "--object=Lead", "--board="}, {"init", "--board="}},
	} {
		for _, args := range commands {
			for _, id := range []string{"0", "-5", "x", "7x", "1.5", "99999999999999999999", ""} {
				last, add := args[len(args)-1], tests[""]
				add.code, add.stderr = cli.ExitUsage, strconv.Quote(id)+" is not "+what+" id, which is a positive number"
				switch {
				case strings.HasSuffix(last, "="):
					add.args = append(slices.Clone(args[:len(args)-1]), last+id)
				case last == "7": // one after another
					add.args = append(slices.Clone(args), id)
					if id == "-5" {
						add.stderr = "unknown flag -5"
					}
				default:
					add.args = append(slices.Clone(args), "--", id)
				}
				tests[strings.Join(add.args, " ")] = add
			}
		}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := outside(t, nil).Command(tt.args...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit code %d, want %d; stdout %q; stderr %q", code, tt.code, stdout, stderr)
			}
		})
	}
}

// TestFailure: a failure for a reason outside the configuration has exit code 1.
func TestFailure(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"serve", "ingest", "worker", "schema up", "replay"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			w := outside(t, map[string]string{"DATABASE_URL": "postgres://crmsync:hush-hush@127.0.0.1:1/nowhere"})
			code, _, stderr := w.Command(strings.Fields(command)...)
			if code != cli.ExitFailed || stderr == "" || strings.Contains(stderr, "hush-hush") {
				t.Errorf("exit code %d, stderr %q, want 1 and no secret", code, stderr)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := outside(t, nil).Command("check")
	if code != cli.ExitDone || !strings.HasSuffix(stdout, "mapping.example.yaml: 0 errors, 0 warnings; 3 boards, 6 records.\n") || stderr != "" {
		t.Errorf("the example: exit code %d, %q, %q", code, stdout, stderr)
	}
	faulty := `version: 1
boards:
  leads:
    board: 1003
    colour: red
    records:
      lead:
        object: Lead
        fields:
          LastName: { from: name, as: surname }
          Company: { form: company }
          AccountId: { record: account }
`
	w := outside(t, nil)
	w.Env["MAPPING"] = w.File("mapping.yaml", faulty)
	for _, command := range []string{"check", "serve"} {
		code, stdout, stderr = w.Command(command)
		if code != cli.ExitUsage || stdout != "" {
			t.Errorf("%s with faults: exit code %d, %q", command, code, stdout)
		}
		for _, place := range []string{":5:5: ", ":10:39: ", ":11:22: ", ":12:32: "} {
			if !strings.Contains(stderr, w.Env["MAPPING"]+place) {
				t.Errorf("%s does not mention %s\n%s", command, place, stderr)
			}
		}
		if command == "check" && (strings.Count(stderr, ": error: ") != 5 || !strings.HasSuffix(stderr, ": 5 errors\n")) {
			t.Errorf("check says\n%s", stderr)
		}
	}
}

// TestSchemaUp: any number of processes may migrate the schema at once, from nothing, and again.
func TestSchemaUp(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Exec("DROP SCHEMA public CASCADE")
	w.Exec("CREATE SCHEMA public")
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			code, _, stderr := w.Command("schema", "up")
			if code != cli.ExitDone {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
	all.Wait()
	for table, columns := range map[string]string{
		"river_job":    "id",
		"sync_logs":    "job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at, finished_at",
		"error_logs":   "job_id, attempt, event, board_id, item_id, column_id, object, salesforce_id, class, code, message, trace, created_at",
		"dead_letters": "job_id, kind, args, reason, attempts, created_at, alerted_at, replayed_at",
		"items":        "item_id, board_id, name, columns, deleted_at",
		"links":        "item_id, record, object, salesforce_id",
	} {
		w.Expect(0, "SELECT count(*) FROM (SELECT "+columns+" FROM "+table+")t")
	}
	if code, _, stderr := w.Command("schema", "up"); code != cli.ExitDone {
		t.Errorf("once more: exit code %d: %s", code, stderr)
	}
	w.Start("serve")
}

// TestSchemaUpOff: a role leaves the schema alone if so configured.
func TestSchemaUpOff(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("SCHEMA_UP", "off"))
	w.Exec("DROP SCHEMA public CASCADE")
	w.Exec("CREATE SCHEMA public")
	code, _, _ := w.Command("worker")
	if code != cli.ExitFailed {
		t.Errorf("a worker without a schema: exit code %d, want 1", code)
	}
	w.Expect(0, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
}
