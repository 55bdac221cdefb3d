package operate_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// TestRunbookPage checks that every section that an alert links to is on the page that the program serves, and that no link
// of the page leads to a file that it does not serve.
func TestRunbookPage(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Start("ingest")
	status, header, page := w.Get(w.Admin + "/runbook")
	if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		t.Fatalf("status %d, %q", status, header.Get("Content-Type"))
	}
	rules, err := os.ReadFile("../../../deploy/prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`runbook_url: '.*(#\w+)'`).FindAllSubmatch(rules, -1)
	if len(links) < 15 {
		t.Fatalf("only %d links found", len(links))
	}
	for _, link := range links {
		if id := string(link[1][1:]); !strings.Contains(page, ` id="`+id+`"`) {
			t.Errorf("the page has no section %s", id)
		}
	}
	for _, link := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		anchor, isAnchor := strings.CutPrefix(link[1], "#")
		if isAnchor && !strings.Contains(page, ` id="`+anchor+`"`) || !isAnchor && !strings.HasPrefix(link[1], "https://") {
			t.Errorf("the page links to %q", link[1])
		}
	}
}

// TestLostEvents runs the runbook's commands after a lost delivery.
func TestLostEvents(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.ByHand)
	w.Start("serve")
	w.Subscribe()
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Flush()
	w.Quiet()
	w.Monday.SetColumn(lead, "status", e2e.Label("MOU"))
	w.Mail.Take() // and it was lost
	runbook, err := os.ReadFile("../../../deploy/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile("(?s)\n## Events were lost\n.*?```sh\n(.*?)```").FindSubmatch(runbook)
	if section == nil {
		t.Fatal("the runbook has no commands for lost events")
	}
	for line := range strings.Lines(string(section[1])) {
		command, _, _ := strings.Cut(line, "#")
		args := append(strings.Fields(command)[1:], "leads")
		if code, stdout, stderr := w.Command(args...); code != 0 {
			t.Fatalf("%s: exit %d\n%s%s", command, code, stdout, stderr)
		}
	}
	w.Quiet()
	if got := w.Record("Opportunity", lead)["StageName"]; got != "Closed Won" {
		t.Errorf("stage %v after the boards were compared", got)
	}
	w.Healthy()
}
