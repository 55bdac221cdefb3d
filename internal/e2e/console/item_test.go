package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"crmsync/internal/e2e"
	"crmsync/internal/report"
	sfsim "crmsync/internal/sim/salesforce"
)

// reportOf returns the output of crmsync item, and checks that it changes nothing.
func reportOf(w *e2e.World, item int64) (r report.Report) {
	w.T.Helper()
	state := func() string {
		return fmt.Sprint(w.Text("SELECT coalesce(string_agg(to_jsonb(i)::text || to_jsonb(l)::text, '' ORDER BY l.record), '') FROM items i LEFT JOIN links l USING (item_id) WHERE item_id = $1", item),
			w.Salesforce.Records("Lead"))
	}
	before := state()
	code, stdout, stderr := w.Command("item", fmt.Sprint(item), "--json")
	if code != 0 {
		w.T.Fatalf("exit %d: %s", code, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		w.T.Fatalf("%v in %s", err, stdout)
	}
	if after := state(); after != before {
		w.T.Errorf("a report changed something:\n%s\n%s", before, after)
	}
	return r
}

// field finds a field of a report.
func field(t *testing.T, r report.Report, object, name string) report.Field {
	t.Helper()
	for _, rec := range r.Records {
		for _, f := range rec.Fields {
			if rec.Object == object && f.Name == name {
				return f
			}
		}
	}
	t.Fatalf("the report has no %s.%s", object, name)
	return report.Field{}
}

// TestItem: each possible state of a field is described in one sentence, with both values.
func TestItem(t *testing.T) {
	t.Parallel()
	const rejected = "rejected@example.org"
	tests := map[string]struct {
		do        func(w *e2e.World) (item int64)
		state     report.State
		sentence  string
		object    string // that has the field
		field     string
		monday    string
		sf        string
		fieldIs   report.State
		unchanged bool // the timeline need not have an entry that wrote
	}{
		"in sync": {
			do: func(w *e2e.World) int64 {
				return w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("ada@example.org")})
			},
			state: report.Agreed, sentence: "In sync",
			object: "Lead", field: "Email", monday: "ada@example.org", sf: "ada@example.org", fieldIs: report.Agreed,
		},
		"rejected twice": {
			do: func(w *e2e.World) int64 {
				w.Reject("Lead", "Email", rejected)
				item := w.Lead("Ada Lovelace", "Analytical Engines",
					map[string]any{"email": e2e.Email("ada@example.org")})
				w.Flush()
				w.Monday.SetColumn(item, "email", e2e.Email(rejected))
				w.Flush()
				w.Command("replay", fmt.Sprint(w.DeadLetter()))
				return item
			},
			state: report.Rejected, sentence: "Email differs: Salesforce rejected it twice, INVALID_EMAIL_ADDRESS",
			object: "Lead", field: "Email", monday: rejected, sf: "ada@example.org", fieldIs: report.Rejected,
		},
		"drift": {
			do: func(w *e2e.World) int64 {
				item := w.Lead("Ada Lovelace", "Analytical Engines")
				w.Flush()
				w.Salesforce.Update("Lead", w.Record("Lead", item)["Id"].(string), map[string]any{"Company": "Elsewhere"})
				return item
			},
			state: report.Drift, sentence: "Company differs: it was changed in Salesforce, and Monday has not changed since",
			object: "Lead", field: "Company", monday: "Analytical Engines", sf: "Elsewhere", fieldIs: report.Drift,
		},
		"Monday never had a value": {
			do: func(w *e2e.World) int64 {
				item := w.Lead("Ada Lovelace", "Analytical Engines")
				w.Flush()
				w.Salesforce.Update("Lead", w.Record("Lead", item)["Id"].(string), map[string]any{"Email": "theirs@example.org"})
				return item
			},
			state: report.Agreed, sentence: "In sync",
			object: "Lead", field: "Email", monday: "", sf: "theirs@example.org", fieldIs: report.Theirs,
		},
		"an event was lost": {
			do: func(w *e2e.World) int64 {
				item := w.Lead("Ada Lovelace", "Analytical Engines")
				w.Flush()
				w.Monday.SetColumn(item, "company", "Difference Engines")
				w.Mail.Take() // the event is lost
				return item
			},
			state: report.Differs, sentence: "Company, Name and AccountId differ: Monday's values are not in Salesforce, and no event is under way",
			object: "Lead", field: "Company", monday: "Difference Engines", sf: "Analytical Engines", fieldIs: report.Differs,
		},
		"not wanted yet": {
			do: func(w *e2e.World) int64 {
				return w.Monday.CreateItem(e2e.Leads, "Ada Lovelace", map[string]any{"status": e2e.Label("New")})
			},
			state: report.NoRecord, sentence: "Not in Salesforce: Status must be Qualified, Follow-up, Quote or MOU", unchanged: true,
		},
		"deleted": {
			do: func(w *e2e.World) int64 {
				item := w.Lead("Ada Lovelace", "Analytical Engines")
				w.Flush()
				w.Monday.DeleteItem(item)
				return item
			},
			state: report.Ended, sentence: "Deleted in Monday; Account, Contact and Opportunity kept in Salesforce",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.ByHand)
			item := tt.do(w)
			w.Flush()
			r := reportOf(w, item)
			if r.State != tt.state || r.Sentence != tt.sentence {
				t.Errorf("%s: %q, want %s: %q", r.State, r.Sentence, tt.state, tt.sentence)
			}
			if (r.Since != nil) != (tt.state == report.Agreed) {
				t.Errorf("in sync since %v", r.Since)
			}
			if tt.field != "" {
				f := field(t, r, tt.object, tt.field)
				if f.Monday != tt.monday || f.Salesforce != tt.sf || f.State != tt.fieldIs {
					t.Errorf("%s: %+v", tt.field, f)
				}
			}
			wrote := false
			for n, e := range r.Timeline {
				wrote = wrote || e.Kind == report.Wrote
				if n > 0 && e.At.After(r.Timeline[n-1].At) {
					t.Errorf("the timeline is not in order: %+v", r.Timeline)
				}
			}
			if wrote == tt.unchanged {
				t.Errorf("timeline: %+v", r.Timeline)
			}
		})
	}
}

// TestItemInWords checks the output on a terminal, including while Salesforce is away.
func TestItemInWords(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	item := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	code, stdout, stderr := w.Command("item", fmt.Sprint(item))
	id, _ := w.Record("Lead", item)["Id"].(string)
	for _, want := range []string{
		"Ada Lovelace (item " + fmt.Sprint(item) + ", board leads)", "\nIn sync since ", "https://example.monday.com/boards/1003/pulses/" + fmt.Sprint(item),
		"Lead (lead) http://127.0.0.1", "/lightning/r/Lead/" + id + "/view", "Created in Monday by ", "changed in Monday by crmsync", "Lead created", "Analytical Engines",
	} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, no %q in:\n%s%s", code, want, stdout, stderr)
		}
	}
	w.Failing(sfsim.Fault{Status: http.StatusServiceUnavailable}, func(c sfsim.Call) bool { return true })
	code, stdout, stderr = w.Command("item", fmt.Sprint(item))
	for _, want := range []string{"As far as known without asking both systems, it is in sync.", "Salesforce could not be read", "Analytical Engines"} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, no %q in:\n%s%s", code, want, stdout, stderr)
		}
	}
	if code, _, stderr := w.Command("item", "4711"); code != 1 || !strings.Contains(stderr, "item 4711: neither crmsync nor Monday has") {
		t.Errorf("exit %d of an unknown item: %s", code, stderr)
	}
}
