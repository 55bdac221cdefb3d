package operate_test

import (
	"os"
	"regexp"
	"testing"

	"crmsync/internal/e2e"
)

// TestLostEvents runs the runbook's statement after a delivery that never came.
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
	statement := regexp.MustCompile("(?s)-- reread\n(.*?)```").FindSubmatch(runbook)
	if statement == nil {
		t.Fatal("the runbook has no such statement")
	}
	w.Exec(string(statement[1]))
	w.Quiet()
	if got := w.Record("Opportunity", lead)["StageName"]; got != "Closed Won" {
		t.Errorf("stage %v after all items are read again", got)
	}
	w.Healthy()
}
