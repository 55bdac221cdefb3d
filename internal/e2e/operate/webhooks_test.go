package operate_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
)

// TestWebhooks: missing webhooks are created once, and the secret is never printed.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	var challenged atomic.Int64
	ingest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]string
		if r.URL.Path != "/sync/webhooks/monday/"+e2e.Secret || json.NewDecoder(r.Body).Decode(&body) != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		challenged.Add(1)
		json.NewEncoder(w).Encode(body)
	}))
	t.Cleanup(ingest.Close)
	w := e2e.Setup(t)
	w.Monday.AddWebhook(e2e.Leads, "create_item", "https://elsewhere.example.org/")
	states := func(args ...string) map[string]int {
		t.Helper()
		code, stdout, stderr := w.Command(append([]string{"webhooks"}, args...)...)
		if code != cli.ExitDone || strings.Contains(stdout+stderr, e2e.Secret) {
			t.Errorf("exit code %d: %s%s", code, stdout, stderr)
		}
		counts := map[string]int{}
		for _, m := range regexp.MustCompile(`(?m)^100\d +\w+ +\w+ +(\w+) +(\d{9}|-)$`).FindAllStringSubmatch(stdout, -1) {
			counts[m[1]]++
		}
		return counts
	}
	for n, want := range []struct {
		args   []string
		states map[string]int
	}{
		{nil, map[string]int{"present": 1, "missing": 17}},
		{[]string{"--url", ingest.URL + "/sync"}, map[string]int{"present": 1, "registered": 17}},
		{[]string{"--url", ingest.URL + "/sync/"}, map[string]int{"present": 18}},
		{[]string{"--url", ingest.URL + "/sync/webhooks/monday/" + e2e.Secret}, map[string]int{"present": 18}},
		{nil, map[string]int{"present": 18}},
		{[]string{"--all", "--url", ingest.URL + "/sync", "--reason", "a new secret"}, map[string]int{"registered": 18}},
	} {
		if diff := cmp.Diff(want.states, states(want.args...)); diff != "" {
			t.Errorf("run %d: states (-want +got):\n%s", n, diff)
		}
	}
	if n := challenged.Load(); n != 17+18 {
		t.Errorf("%d challenges, want 35", n)
	}
	// Only runs that registered something are acts.
	w.Expect(6, "SELECT count(*) FROM operations WHERE via = 'cli' AND act = 'register' AND actor <> ''")
	if got := w.Text("SELECT string_agg(subject, '; ' ORDER BY id) FROM operations WHERE reason = 'a new secret'"); got != "6 webhooks of board accounts; 6 webhooks of board contacts; 6 webhooks of board leads" {
		t.Errorf("operations: %s", got)
	}
	if _, findings := checked(w); findings != nil {
		t.Errorf("check --live finds %q", findings)
	}
}

func TestWebhooksRefused(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	tests := map[string]struct {
		env  map[string]string
		url  string
		code int
		want string
	}{
		"no answer":      {nil, "http://127.0.0.1:9", cli.ExitFailed, "InvalidArgumentException"},
		"no address":     {nil, "sync.example.org", cli.ExitUsage, "--url: is not an https address"},
		"with a query":   {nil, "https://sync.example.org/?a=b", cli.ExitUsage, "--url: is not an https address"},
		"too long":       {nil, "https://sync.example.org/" + strings.Repeat("x", 200), cli.ExitUsage, "--url: has 275 characters"},
		"without secret": {map[string]string{"WEBHOOK_SECRET": ""}, "https://sync.example.org", cli.ExitUsage, "WEBHOOK_SECRET, MONDAY_SIGNING_SECRET: at least one is required"},
		"no database":    {map[string]string{"DATABASE_URL": "", "MONDAY_API_TOKEN": ""}, "https://sync.example.org", cli.ExitUsage, "DATABASE_URL: is required"},
		"without token":  {map[string]string{"MONDAY_API_TOKEN": ""}, "https://sync.example.org", cli.ExitUsage, "MONDAY_API_TOKEN: is required"},
	}
	if _, _, stderr := w.Command("webhooks", "--url", "http://127.0.0.1:9"); strings.Count(stderr, "InvalidArgumentException") != 1 ||
		!strings.Contains(stderr, "17 more were refused for the same reason") {
		t.Errorf("the cause of all refusals: %q", stderr)
	}
	if code, _, stderr := w.Command("webhooks", "--all"); code != cli.ExitUsage || !strings.Contains(stderr, "--all: needs --url") {
		t.Errorf("--all alone: exit code %d, %q", code, stderr)
	}
	for name, tt := range tests {
		before := w.Env
		w.Env = map[string]string{}
		for _, env := range []map[string]string{before, tt.env} {
			for variable, value := range env {
				w.Env[variable] = value
			}
		}
		code, stdout, stderr := w.Command("webhooks", "--url", tt.url)
		w.Env = before
		if code != tt.code || !strings.Contains(stderr, tt.want) || strings.Contains(stdout+stderr, e2e.Secret) {
			t.Errorf("%s: exit code %d, %q; want %d, %q", name, code, stderr, tt.code, tt.want)
		}
	}
}
