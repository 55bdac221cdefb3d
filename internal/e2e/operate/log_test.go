package operate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// TestLog: at level info there is one line for each event, and one for each login; durations have a unit, and River
// only logs from level warn on.
func TestLog(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("LOG_LEVEL", "info"))
	w.Start("serve")
	w.Subscribe()
	w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Quiet()
	log := w.Logs[len(w.Logs)-1]
	w.Eventually("both logins are logged", func() bool { return strings.Count(log.String(), `"msg":"logged in"`) == 2 })
	events := 0
	for line := range strings.Lines(log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch entry["msg"] {
		case "event done":
			events++
			if age, _ := entry["age"].(string); !strings.HasSuffix(age, "s") || entry["outcome"] == nil || entry["item"] == nil {
				t.Errorf("an event's line: %s", line)
			}
		case "logged in":
			if entry["calls_limit"] == 0.0 || entry["user"] == "" || entry["system"] == "salesforce" && entry["host"] == "" {
				t.Errorf("a login's line: %s", line)
			}
		}
		if strings.Contains(line, "River") || strings.Contains(line, "producer") {
			t.Errorf("River's line: %s", line)
		}
	}
	if want := w.Count("SELECT count(*) FROM sync_logs"); events != want {
		t.Errorf("%d lines of %d events", events, want)
	}
}

// TestLoginRefused: a wrong secret is reported at the start, with advice, and does not prevent the start.
func TestLoginRefused(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("SALESFORCE_CLIENT_SECRET", "another-secret"), e2e.With("MONDAY_API_TOKEN", "another-token"))
	w.Start("serve")
	log := w.Logs[len(w.Logs)-1]
	w.Eventually("both refusals are logged", func() bool { return strings.Count(log.String(), "could not log in") == 2 })
	for _, want := range []string{"SALESFORCE_CLIENT_SECRET", "MONDAY_API_TOKEN"} {
		if !log.Contains(want) {
			t.Errorf("the log does not say to check %s:\n%s", want, log)
		}
	}
	if log.Contains("another-") {
		t.Errorf("the log contains a secret:\n%s", log)
	}
}
