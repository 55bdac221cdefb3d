package cli

import (
	"os"
	"regexp"
	"testing"
)

// TestLostEvents runs the runbook's statement after a delivery that never came.
func TestLostEvents(t *testing.T) {
	t.Parallel()
	w := setup(t, byHand)
	w.start("serve")
	w.subscribe()
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.flush()
	w.quiet()
	w.monday.SetColumn(lead, "status", label("MOU"))
	w.mail.take() // and lost
	runbook, err := os.ReadFile("../../deploy/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	statement := regexp.MustCompile("(?s)-- reread\n(.*?)```").FindSubmatch(runbook)
	if statement == nil {
		t.Fatal("the runbook has no such statement")
	}
	w.exec(string(statement[1]))
	w.quiet()
	if got := w.record("Opportunity", lead)["StageName"]; got != "Closed Won" {
		t.Errorf("stage %v after all items are read again", got)
	}
	w.healthy()
}
