package console_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"crmsync/internal/e2e"
	"crmsync/internal/report"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestNeverFalselyInSync: both the page and the command line say so if something is not synced, unknown, held or
// lacking.
func TestNeverFalselyInSync(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options  []e2e.Option
		do       func(w *e2e.World, item int64)
		state    report.State
		sentence string
		advice   string
		lacks    []string // texts that the page must not have
		forms    []string // last parts of the paths of forms that it has
		noForms  []string
	}{
		"suppressed": {
			do: func(w *e2e.World, item int64) {
				if code, _, stderr := w.Command("erase", "--item", fmt.Sprint(item), "--suppress"); code != 0 {
					w.T.Fatal(stderr)
				}
			},
			state: report.Suppressed, sentence: "Not synced: it was erased for good, and crmsync leaves it alone",
			lacks: []string{"Ada", "Analytical", "agreed"}, noForms: []string{"resync", "send", "erase"},
		},
		"erased, and both systems are away": {
			do: func(w *e2e.World, item int64) {
				if code, _, stderr := w.Command("erase", "--item", fmt.Sprint(item)); code != 0 {
					w.T.Fatal(stderr)
				}
				w.Failing(sfsim.Fault{Status: http.StatusServiceUnavailable}, func(sfsim.Call) bool { return true })
			},
			state: report.Unknown, sentence: "Not known while Salesforce cannot be read: 11 fields may differ",
			lacks: []string{"would write nothing"},
		},
		"a record is gone": {
			do: func(w *e2e.World, item int64) {
				w.Salesforce.Delete("Opportunity", w.Record("Opportunity", item)["Id"].(string))
			},
			state: report.Differs, sentence: "Opportunity differs: Salesforce has no record of this Id any more",
			advice: "A resync does not create it again. The next change of the item in Monday does.", forms: []string{"resync"},
		},
		"a record does not carry the item's id": {
			options: []e2e.Option{e2e.Scheduled},
			do: func(w *e2e.World, item int64) {
				w.Salesforce.Update("Lead", w.Record("Lead", item)["Id"].(string), map[string]any{e2e.Key: nil})
			},
			state: report.Differs, sentence: e2e.Key + " differs: Monday's value is not in Salesforce, and no event is under way",
			advice: "A resync writes it now, the nightly comparison later.",
			forms:  []string{"resync"},
		},
		"the item does not show the record's Id": {
			do: func(w *e2e.World, item int64) {
				w.Monday.SetColumn(item, "text_sfid", "")
				w.Mail.Take() // lost
			},
			state: report.Differs, sentence: "Id differs: Salesforce's value is not in Monday yet", forms: []string{"resync"},
		},
		"drift": {
			do: func(w *e2e.World, item int64) {
				w.Salesforce.Update("Lead", w.Record("Lead", item)["Id"].(string), map[string]any{"Company": "Elsewhere"})
			},
			state: report.Drift, sentence: "Company differs: it was changed in Salesforce, and Monday has not changed since",
			advice: "A resync leaves it as it is. Take Monday's values", forms: []string{"send"},
		},
		"its archiving is held": {
			do: func(w *e2e.World, item int64) {
				w.Exec("INSERT INTO deletions (item_id, board_id, state, archive) VALUES ($1, 1003, 'held', true)", item)
			},
			state:    report.Held,
			sentence: "Its record was deleted in Salesforce; the delete brake holds the item's archiving until a person decides",
			forms:    []string{"drop", "release"}, noForms: []string{"resync", "send"},
		},
		"its deletion is held": {
			do: func(w *e2e.World, item int64) {
				w.Monday.DeleteItem(item)
				w.Mail.Take()
				w.Exec("INSERT INTO deletions (item_id, board_id, state) VALUES ($1, 1003, 'held')", item)
			},
			state: report.Held, sentence: "Deleted in Monday; the delete brake holds its records until a person decides",
			forms: []string{"drop", "release"}, noForms: []string{"resync", "send"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, operates, _ := withConsole(t, append(tt.options, e2e.ByHand, e2e.Ticking)...)
			item := w.Lead("Ada Lovelace", "Analytical Engines")
			w.Flush()
			tt.do(w, item)
			if r := reportOf(w, item); r.State != tt.state || r.Sentence != tt.sentence || r.Since != nil {
				t.Errorf("%s: %q since %v, want %s: %q", r.State, r.Sentence, r.Since, tt.state, tt.sentence)
			}
			p := operates.open(fmt.Sprintf("/items/%d", item))
			p.shows(t, tt.sentence+".", tt.advice)
			for _, text := range append(tt.lacks, "In sync") {
				if strings.Contains(p.text(), text) {
					t.Errorf("the page shows %q:\n%s", text, p.text())
				}
			}
			has := func(act string) bool {
				return slices.Contains(p.forms(), fmt.Sprintf("/items/%d/%s", item, act))
			}
			for _, act := range tt.forms {
				if !has(act) {
					t.Errorf("no button for %s among %q", act, p.forms())
				}
			}
			for _, act := range tt.noForms {
				if has(act) {
					t.Errorf("a button for %s among %q", act, p.forms())
				}
			}
		})
	}
}

// TestHeldItem: what the brake holds of one item is decided on its page, and nothing else is.
func TestHeldItem(t *testing.T) {
	t.Parallel()
	w, operates, views := withConsole(t)
	kept, gone, other := w.Lead("Ada Lovelace", "Analytical Engines"), w.Lead("Grace Hopper", "Compilers"), w.Lead("Ada Byron", "Poems")
	w.Quiet()
	w.Exec("INSERT INTO deletions (item_id, board_id, state) VALUES ($1, 1003, 'held')", other)
	for _, item := range []int64{kept, gone} {
		w.Exec("INSERT INTO deletions (item_id, board_id, state) VALUES ($1, 1003, 'held')", item)
		w.Monday.DeleteItem(item)
	}
	w.Quiet()
	if code, stdout, _ := w.Command("item", fmt.Sprint(kept)); code != 0 || !strings.Contains(stdout,
		fmt.Sprintf("Decide with: crmsync held release %d, or crmsync held drop %d\n", kept, kept)) {
		t.Errorf("exit %d, %s", code, stdout)
	}
	operates.open(item(kept)).shows(t, "The delete brake holds this item", "Keep the records…", "Delete the records…")
	if p := views.post(item(kept) + "/drop"); p.status != http.StatusForbidden {
		t.Errorf("a viewer's decision answered %d", p.status)
	}
	operates.post(item(kept)+"/drop", "reason", "a donor").shows(t, "The records of 1 item are kept.", "Deleted in Monday; Lead,")
	operates.post(item(gone)+"/release").shows(t, "The records of 1 item will be deleted")
	w.Quiet()
	w.Record("Lead", kept)
	if found := w.Records("Lead", e2e.Key, gone); len(found) > 0 {
		t.Errorf("the released lead is still there: %v", found)
	}
	if p := operates.post(item(kept) + "/drop"); p.status != http.StatusConflict {
		t.Errorf("deciding twice answered %d", p.status)
	}
	w.Expect(1, "SELECT count(*) FROM deletions WHERE state = 'held' AND item_id = $1", other)
	if got := w.Text("SELECT string_agg(act || ' ' || subject || ' ' || reason, ', ' ORDER BY id) FROM operations"); got != fmt.Sprintf(
		"drop item %d a donor, release item %d ", kept, gone) {
		t.Errorf("operations: %s", got)
	}
}
