package twoway_test

import (
	"strconv"
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

// TestRenamedLabelCompared: a comparison of the whole board finds a label with a new name. No event carried it, so there
// is no dead letter; the item counts as one with a rejected value, and says why.
func TestRenamedLabelCompared(t *testing.T) {
	t.Parallel()
	w := leads(t, "labels: { New: New, Quote: Working }, default: Nurturing")
	item := newLead(w)
	w.Monday.RenameLabel(e2e.Leads, "status", "New", "Fresh")
	command(w, 0, "apply", "leads", "--yes")
	w.Expect(0, "SELECT count(*) FROM dead_letters")
	w.Expect(1, "SELECT count(*) FROM differences WHERE kind = 'cannot_be_sent' AND field = 'Status' AND code = 'UNMAPPED_LABEL' AND item_id = $1", item)
	if out := command(w, 0, "status"); !strings.Contains(out, "1 item with a rejected value") {
		t.Errorf("status does not report the item:\n%s", out)
	}
	for _, when := range []string{"before an event", "after an event of another column"} {
		out := command(w, 0, "item", strconv.FormatInt(item, 10))
		if !strings.Contains(out, "UNMAPPED_LABEL") || !strings.Contains(out, "rejected") {
			t.Errorf("the item %s does not say why:\n%s", when, out)
		}
		w.Monday.Rename(item, "Ada Lovelace")
		w.Quiet()
		w.Expect(0, "SELECT count(*) FROM dead_letters")
	}
	w.Monday.SetColumn(item, "status", e2e.Label("Quote"))
	w.Quiet()
	w.Holds(w.Record("Lead", item), map[string]any{"LastName": "Lovelace", "Status": "Working"})
	if out := command(w, 0, "item", strconv.FormatInt(item, 10)); !strings.Contains(out, "In sync") {
		t.Errorf("the item is not in sync:\n%s", out)
	}
}
