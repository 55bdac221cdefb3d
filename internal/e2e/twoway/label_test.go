package twoway_test

import (
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// TestRenamedLabel: a label gets a new name in Monday that the mapping does not know. No comparison sends the default
// for it over what both sides agreed on. It is reported until the mapping names it or somebody chooses another one; the
// default is for those who choose such a label themselves.
func TestRenamedLabel(t *testing.T) {
	t.Parallel()
	w := leads(t, "labels: { New: New, Quote: Working }, default: Nurturing")
	item := newLead(w)
	edit(w, "Lead", item, map[string]any{"Status": "Working"})
	ring(w, e2e.Leads, item)
	shows(w, item, map[string]string{"status": "Quote"})
	w.Monday.RenameLabel(e2e.Leads, "status", "Quote", "Offer")

	unsent := func(when string) {
		t.Helper()
		out := command(w, 3, "plan", "leads", "--check")
		for _, want := range []string{"lead.Status", "cannot be sent", "UNMAPPED_LABEL"} {
			if !strings.Contains(out, want) {
				t.Errorf("the plan %s does not contain %q:\n%s", when, want, out)
			}
		}
		w.Holds(w.Record("Lead", item), map[string]any{"Status": "Working"})
		shows(w, item, map[string]string{"status": "Offer"})
	}
	unsent("before a comparison")
	edit(w, "Lead", item, map[string]any{"Company": "Analytical Engines"})
	ring(w, e2e.Leads, item)
	w.Monday.Rename(item, "Ada Lovelace")
	w.Quiet()
	unsent("after other changes")
	w.Holds(w.Record("Lead", item), map[string]any{"Company": "Analytical Engines", "LastName": "Lovelace"})
	command(w, 0, "apply", "leads", "--yes")
	unsent("after apply")
	if letters := w.DeadLetters(item); len(letters) != 1 || !strings.Contains(letters[0], `label "Offer"`) {
		t.Errorf("dead letters: %q", letters)
	}

	edit(w, "Lead", item, map[string]any{"Status": "New"})
	ring(w, e2e.Leads, item)
	shows(w, item, map[string]string{"status": "New"})
	w.Monday.SetColumn(item, "status", e2e.Label("Offer"))
	w.Quiet()
	w.Holds(w.Record("Lead", item), map[string]any{"Status": "Nurturing"})
	command(w, 0, "plan", "leads", "--check")
	w.Expect(0, "SELECT count(*) FROM conflicts")
}
