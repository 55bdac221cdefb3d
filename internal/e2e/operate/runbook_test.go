package operate_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

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
	w.Mail.Take() // and lost
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
