package operate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
)

// TestVersion: the command, its JSON, the log, /healthz and the metrics all show which build is running.
func TestVersion(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := outside(t, nil).Command("version", "--json")
	var version cli.Version
	if err := json.Unmarshal([]byte(stdout), &version); err != nil || code != cli.ExitDone || stderr != "" {
		t.Fatalf("crmsync version --json: exit code %d, %q, %q: %v", code, stdout, stderr, err)
	}
	for _, command := range []string{"version", "--version"} {
		code, stdout, stderr := outside(t, nil).Command(command)
		if code != cli.ExitDone || stdout != version.String()+"\n" || strings.Count(stdout, "\n") != 1 || stderr != "" {
			t.Errorf("crmsync %s: exit code %d, %q, %q, want 0 and the line %q", command, code, stdout, stderr, version)
		}
	}

	w := e2e.Setup(t)
	if got := w.Count("SELECT max(version_id) FROM goose_db_version"); int64(got) != version.Schema {
		t.Errorf("version says schema %d, and the database has %d", version.Schema, got)
	}
	if got := w.Count("SELECT max(version) FROM river_migration WHERE line = 'main'"); int64(got) != version.River {
		t.Errorf("version says River's schema %d, and the database has %d", version.River, got)
	}
	info := fmt.Sprintf(`crmsync_build_info{commit=%q,go=%q,version=%q} 1`, version.Commit, version.Go, version.Version)
	for _, role := range []string{"ingest", "worker", "serve"} {
		stop := w.Start(role)
		if !strings.Contains(w.Scrape(), "\n"+info+"\n") {
			t.Errorf("%s exports no %s", role, info)
		}
		urls := []string{w.Admin + "/healthz"}
		if role != "worker" {
			urls = append(urls, origin(w.Ingest)+"/healthz")
		}
		for _, url := range urls {
			_, _, body := w.Get(url)
			var health map[string]string
			if err := json.Unmarshal([]byte(body), &health); err != nil || health["status"] != "ok" || health["version"] != version.Version {
				t.Errorf("%s: %s answers %s, want ok and version %s", role, url, body, version.Version)
			}
		}
		first, _, _ := strings.Cut(w.Logs[len(w.Logs)-1].String(), "\n")
		var entry struct{ Msg, Version, Commit, Go string }
		if err := json.Unmarshal([]byte(first), &entry); err != nil || entry.Msg != "starting" ||
			entry.Version != version.Version || entry.Commit != version.Commit || entry.Go != version.Go {
			t.Errorf("%s: the first line of the log is %s, want the version, the commit and Go's", role, first)
		}
		stop()
	}
}
