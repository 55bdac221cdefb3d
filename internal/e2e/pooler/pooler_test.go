// Package pooler_test runs the program behind a real PgBouncer.
package pooler_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	"crmsync/schema/postgres"
)

// TestPooler: behind a pooler in either mode, and with any way of sending statements that the URL selects, everything
// works from an empty database on: concurrent migrations of the schema, events, killed workers, a migration of records,
// commands.
func TestPooler(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mode, options string
		found         postgres.Mode
		polls         bool
	}{
		"session mode":                       {"session", "", postgres.Session, false},
		"session mode, simple protocol":      {"session", "&default_query_exec_mode=simple_protocol", postgres.Session, false},
		"transaction mode":                   {"transaction", "", postgres.Transaction, true},
		"transaction mode, exec":             {"transaction", "&default_query_exec_mode=exec", postgres.Transaction, true},
		"transaction mode, statement caches": {"transaction", "&default_query_exec_mode=cache_statement", postgres.Transaction, true},
		"no pooler, exec":                    {"", "?default_query_exec_mode=exec", postgres.Direct, false},
		"no pooler, simple protocol":         {"", "?default_query_exec_mode=simple_protocol", postgres.Direct, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Setup(t, e2e.Mapped(fmt.Sprintf(e2e.Migrating, "")))
			w.Exec("DROP SCHEMA public CASCADE")
			w.Exec("CREATE SCHEMA public")
			if tt.mode != "" {
				w.Env["DATABASE_URL"] = w.Bouncer(tt.mode)
			}
			if strings.HasPrefix(tt.options, "?") && strings.Contains(w.Env["DATABASE_URL"], "?") {
				tt.options = "&" + tt.options[1:]
			}
			w.Env["DATABASE_URL"] += tt.options
			syncs(t, w)
			log := w.Logs[len(w.Logs)-1]
			if polls := fmt.Sprintf(`"through":%q,"polls_queue":%v`, tt.found, tt.polls); tt.mode != "" && !log.Contains(polls) {
				t.Errorf("the log does not say %s:\n%s", polls, log.Tail(20))
			}
			w.Eventually("no lock is left on a connection", func() bool {
				return w.Count(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
					AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) == 0
			})
		})
	}
}

// syncs starts two processes at once on an empty database, lets them process events, interrupts one in the middle,
// migrates records to the boards, and reads the output of commands.
func syncs(t *testing.T, w *e2e.World) {
	t.Helper()
	up := make(chan int, 2)
	for range 2 {
		go func() {
			up <- cli.Run(context.WithoutCancel(t.Context()), []string{"schema", "up"}, w.Getenv, &e2e.LogBuffer{}, &e2e.LogBuffer{})
		}()
	}
	for range 2 {
		if code := <-up; code != cli.ExitDone {
			t.Fatalf("schema up: exit code %d", code)
		}
	}
	stop := w.Start("worker")
	w.Start("serve")
	w.Subscribe()
	items := w.Items(e2e.Accounts, 20, "Account ")
	stop()
	w.Deliver("not JSON")
	w.Quiet()
	for _, item := range items {
		id := w.Record("Account", item)["Id"]
		if w.Shown(item, "text_sfid") != id {
			t.Errorf("item %d shows %q, want %v", item, w.Shown(item, "text_sfid"), id)
		}
	}
	w.Message("unreadable")
	w.Plant(30)
	w.Crmsync("migrate")
	w.Paired("Account", e2e.Accounts, 50)
	if status := w.Crmsync("status"); !strings.Contains(status, "dead letters      1") {
		t.Errorf("status says\n%s", status)
	}
	for range 2 { // a repeat, which is looked for in the queue
		w.Deliver("not JSON")
	}
	w.Quiet()
	w.Expect(1, "SELECT count(*) FROM dead_letters")
	if report := w.Crmsync("errors"); !strings.Contains(report, "UNREADABLE") {
		t.Errorf("errors says\n%s", report)
	}
	if report := w.Crmsync("subject", "--email", "nobody@example.org"); !strings.HasPrefix(report, "Nothing is stored") {
		t.Errorf("subject says\n%s", report)
	}
	if report := w.Crmsync("erase", "--item", fmt.Sprint(items[0]), "--suppress"); !strings.Contains(report, "suppressed") {
		t.Errorf("erase says\n%s", report)
	}
}

// TestPoolerLimits: what a pooler in transaction mode cannot do is a clear error at the start.
func TestPoolerLimits(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Env["DATABASE_URL"] = w.Bouncer("transaction") + "&search_path=crm"
	for _, command := range []string{"serve", "status", "schema up"} {
		code, _, stderr := w.Command(strings.Fields(command)...)
		if code == cli.ExitDone || !strings.Contains(stderr, "pooler in transaction mode, where search_path cannot be set") {
			t.Errorf("%s: exit code %d, %q", command, code, stderr)
		}
	}
}

// TestDirectURL: the schema is migrated past the pooler if there is a direct URL.
func TestDirectURL(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Env["DATABASE_DIRECT_URL"] = w.Env["DATABASE_URL"]
	w.Env["DATABASE_URL"] = "postgres://u@127.0.0.1:1/nowhere"
	if code, _, stderr := w.Command("schema", "up"); code != cli.ExitDone {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	w.Env["DATABASE_DIRECT_URL"] = "mysql://u@h/db"
	if code, _, stderr := w.Command("schema", "up"); code != cli.ExitUsage || !strings.Contains(stderr, "DATABASE_DIRECT_URL: ") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}
