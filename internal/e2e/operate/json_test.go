package operate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
)

// TestJSON checks that every command that prints a table prints JSON, too, and nothing else.
func TestJSON(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	publish(w)
	item := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Deliver("not JSON")
	w.Quiet()
	w.Message("unreadable")
	for _, command := range []string{
		"status", "doctor", "config", "version", "check --live", "boards", "boards 1001", "webhooks", "errors", "replay", "replay --all --dry-run", "replay --all",
		fmt.Sprintf("item %d", item), "plan accounts", "apply accounts --yes", "held list", "conflicts list", "migrate --history", "subject --email ada@example.org",
	} {
		code, stdout, stderr := w.Command(append(strings.Fields(command), "--json")...)
		if code != cli.ExitDone || !json.Valid([]byte(stdout)) || strings.HasPrefix(stdout, "null") {
			t.Errorf("crmsync %s --json: exit code %d, %s%s", command, code, stdout, stderr)
		}
	}
}
