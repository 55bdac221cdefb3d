package operate_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"crmsync/internal/e2e"
)

// named matches a metric in PromQL, and the labels that select it.
var named = regexp.MustCompile(`\b(?:crmsync|go|process)_\w+(?:\{[^}]*\})?`)

// TestMetricsOfRulesAndDashboard checks that the program exports every metric and label that deploy/ names.
func TestMetricsOfRulesAndDashboard(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.BothWays)
	w.Lead("Ada Lovelace", "Analytical Engines")
	w.Deliver("not JSON") // fails
	w.Quiet()
	w.Crmsync("apply", "--yes") // a run
	w.Eventually("the feed has read", func() bool { return strings.Contains(w.Scrape(), "\ncrmsync_feed_records_total{") })
	exported := seriesOf(w.Scrape())

	used := map[string]string{} // metric as it is named -> where
	for _, expr := range ruleExpressions(t, "../../../deploy/prometheus/rules.yml") {
		for _, metric := range named.FindAllString(expr, -1) {
			used[metric] = "rules.yml"
		}
	}
	for _, expr := range dashboardExpressions(t, "../../../deploy/grafana/dashboard.json") {
		for _, metric := range named.FindAllString(expr, -1) {
			used[metric] = "dashboard.json"
		}
	}
	if len(used) < 20 {
		t.Fatalf("only %d metrics found: is the test looking at the right place?", len(used))
	}
	for metric, where := range used {
		name, selector, _ := strings.Cut(metric, "{")
		labels, ok := exported[name]
		if !ok {
			t.Errorf("%s names %s, which is not exported", where, name)
			continue
		}
		for _, label := range regexp.MustCompile(`(\w+)[!=]`).FindAllStringSubmatch(selector, -1) {
			if !slices.Contains(labels, label[1]) && label[1] != "job" && label[1] != "instance" {
				t.Errorf("%s selects %s by %s; it has the labels %q", where, name, label[1], labels)
			}
		}
	}
}

// seriesOf returns the names of a scrape's series, each with its labels.
func seriesOf(scrape string) map[string][]string {
	series := map[string][]string{}
	for line := range strings.Lines(scrape) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, labels, _ := strings.Cut(strings.Fields(line)[0], "{")
		series[name] = append(series[name], "")
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(labels, -1) {
			series[name] = append(series[name], label[1])
		}
	}
	return series
}

func ruleExpressions(t *testing.T, path string) (expressions []string) {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []struct{ Expr string } }
	}
	read(t, path, func(text []byte) error { return yaml.Unmarshal(text, &file) })
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			expressions = append(expressions, rule.Expr)
		}
	}
	return expressions
}

func dashboardExpressions(t *testing.T, path string) (expressions []string) {
	t.Helper()
	var file struct {
		Panels []struct {
			Type, Title string
			Targets     []struct{ Expr string }
		}
	}
	read(t, path, func(text []byte) error { return json.Unmarshal(text, &file) })
	for _, panel := range file.Panels {
		if len(panel.Targets) == 0 && panel.Type != "row" {
			t.Errorf("panel %q shows nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	return expressions
}

func read(t *testing.T, path string, decode func([]byte) error) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = decode(text)
	}
	if err != nil {
		t.Fatal(fmt.Errorf("reading %s: %w", path, err))
	}
}
