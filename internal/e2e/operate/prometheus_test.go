package operate_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// TestPrometheus lets a real Prometheus scrape the program, evaluate the rules, and answer every query of the
// dashboard.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("prometheus"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("prometheus is missing: sh .ci/install promtool")
	}
	w := e2e.Serving(t)
	w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	prometheus := startPrometheus(w, strings.TrimPrefix(w.Admin, "http://"))

	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	w.Eventually("all rules are evaluated", func() bool {
		if ask(t, prometheus+"/api/v1/rules", &rules) != http.StatusOK || len(rules.Data.Groups) == 0 {
			return false
		}
		for _, rule := range rules.Data.Groups[0].Rules {
			if rule.Health == "err" {
				t.Fatalf("%s: %s", rule.Name, rule.LastError)
			}
			if rule.Health != "ok" {
				return false
			}
		}
		return true
	})
	for _, expr := range dashboardExpressions(t, "../../../deploy/grafana/dashboard.json") {
		expr = strings.ReplaceAll(expr, "$__rate_interval", "1m")
		if status := ask(t, prometheus+"/api/v1/query?query="+url.QueryEscape(expr), new(any)); status != http.StatusOK {
			t.Errorf("%s: Prometheus answers %d", expr, status)
		}
	}
	var letters struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	w.Eventually("Prometheus knows how many dead letters there are", func() bool {
		ask(t, prometheus+"/api/v1/query?query=max(crmsync_dead_letters)", &letters)
		return len(letters.Data.Result) == 1 && letters.Data.Result[0].Value[1] == "0"
	})
}

// startPrometheus runs Prometheus with our rules until the test ends. It returns its URL.
func startPrometheus(w *e2e.World, target string) string {
	t := w.T
	t.Helper()
	rules, err := filepath.Abs("../../../deploy/prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// A scrape asks Postgres, which takes its time on a busy machine, and has to end before the next one.
	config := fmt.Sprintf("global: {scrape_interval: 2s, evaluation_interval: 200ms, scrape_timeout: 2s}\nrule_files: [%q]\nscrape_configs: [{job_name: crmsync, static_configs: [{targets: [%q]}]}]\n", rules, target)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0")
	log := &e2e.LogBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // killed, with the test's context
		if t.Failed() {
			t.Logf("log of Prometheus:\n%s", log.Tail(20))
		}
	})
	listening := regexp.MustCompile(`msg="Listening on".* address=(\S+)`)
	w.Eventually("Prometheus listens", func() bool { return listening.MatchString(log.String()) })
	return "http://" + listening.FindStringSubmatch(log.String())[1]
}

// ask reads a JSON answer, and returns its status, or 0 without an answer.
func ask(t *testing.T, url string, into any) (status int) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, into); err != nil {
			t.Fatalf("%s: %v", url, err)
		}
	}
	return resp.StatusCode
}
