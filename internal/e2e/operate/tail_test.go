package operate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
)

// follow runs `crmsync tail` beside the test, until stop is called.
func follow(w *e2e.World, args ...string) (printed *e2e.LogBuffer, stop func()) {
	w.T.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	printed = &e2e.LogBuffer{}
	code := make(chan int, 1)
	go func() { code <- cli.Run(ctx, append([]string{"tail"}, args...), w.Getenv, printed, printed) }()
	stop = func() {
		w.T.Helper()
		cancel()
		if got := <-code; got != cli.ExitDone {
			w.T.Errorf("tail: exit code %d\n%s", got, printed)
		}
	}
	return printed, stop
}

// TestTail checks that each event appears once, in words, and that items and boards can be chosen.
func TestTail(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	before := w.Monday.CreateItem(e2e.Accounts, "Before", nil)
	w.Quiet()
	all, stopAll := follow(w, "--since", "1h")
	w.Eventually("tail has begun", func() bool { return strings.Contains(all.String(), "\n") })
	board, stopBoard := follow(w, "--board", "contacts", "--json", "--since", "1h")

	w.Reject("Contact", "Email", "ada@example.org")
	item := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Quiet()
	one, stopOne := follow(w, "--item", fmt.Sprint(before), "--since", "1h")
	code, _, stderr := w.Command("apply", "accounts", "--yes")
	if code != cli.ExitDone {
		t.Errorf("apply: exit code %d, %s", code, stderr)
	}
	// The command has done it, which logs text, or the process that serves, which logs JSON, perhaps only now.
	done := regexp.MustCompile(`comparison done".*\bkind"?[=:]"?sweep_board\b.*\bboard"?[=:]` + fmt.Sprint(e2e.Accounts) + `\b`)
	w.Eventually("a log has the comparison with its board", func() bool { return done.MatchString(stderr + w.Logs[0].String()) })
	ends := w.Count("SELECT count(*) FROM sync_logs")
	w.Eventually("all events have appeared", func() bool {
		return strings.Count(all.String(), "\n") >= ends && strings.Contains(board.String(), "failed") && strings.Contains(one.String(), "Account created")
	})
	stopAll()
	stopBoard()
	stopOne()
	if n := strings.Count(all.String(), "\n"); n != ends {
		t.Errorf("%d lines for %d events:\n%s", n, ends, all)
	}
	for _, want := range []string{
		fmt.Sprintf("UTC accounts item %d: Created in Monday; Account created", before), fmt.Sprintf("contacts item %d: Salesforce Id changed in Monday; nothing to send", item),
		"UTC Comparison of accounts: 0 differ, 0 written\n", "failed (", "; crmsync replay ",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("missing %q in\n%s", want, all)
		}
	}
	if strings.Contains(all.String(), "ada@example.org") || strings.Contains(all.String(), "Lovelace") {
		t.Errorf("a value is shown:\n%s", all)
	}
	for line := range strings.Lines(board.String()) {
		var e cli.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Board != "contacts" || e.ItemID != item || e.Status == "" || e.Text == "" || (e.Status == "failed") != (e.Kind == "failed") {
			t.Errorf("%v in %s", err, line)
		}
	}
	if strings.Contains(one.String(), fmt.Sprint(item)) {
		t.Errorf("another item is shown:\n%s", one)
	}
}
