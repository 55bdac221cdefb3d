package plan_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// planned runs a plan and returns its file and its text.
func plannedFile(w *e2e.World, args ...string) (file, text string) {
	w.T.Helper()
	file = w.T.TempDir() + "/plan.json"
	run(w, 0, append([]string{"plan", "--out", file}, args...)...)
	all, err := os.ReadFile(file)
	if err != nil {
		w.T.Fatal(err)
	}
	return file, string(all)
}

// TestPlanFileRefused: only files written by plan are applied. A refusal names the place, and nothing is written.
func TestPlanFileRefused(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"email": e2e.Email("a@example.org")})
	other := w.Monday.CreateItem(e2e.Contacts, "Grace", nil)
	run(w, 0, "schema", "up")
	_, text := plannedFile(w)
	lines := strings.SplitAfter(text, "\n")
	edit := func(old, with string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("the plan does not contain %q:\n%s", old, text)
		}
		return strings.Replace(text, old, with, 1)
	}
	var whole map[string]any
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	differing := whole["boards"].([]any)[0].(map[string]any)["differing"].([]any)
	whole["boards"].([]any)[0].(map[string]any)["differing"] = differing[:1]
	fewer, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	half := strings.Join(lines[:len(lines)/2], "")
	for name, tt := range map[string]struct {
		text string
		says []string
	}{
		"empty":           {"", []string{"plan.json is empty"}},
		"truncated":       {half, []string{fmt.Sprintf("plan.json:%d:1: ", 1+strings.Count(half, "\n")), "truncated"}},
		"no JSON":         {edit(`"boards": [`, `"boards": [,`), []string{"plan.json:6:14: ", "it is not JSON"}},
		"twice":           {text + text, []string{fmt.Sprintf("plan.json:%d:", len(lines)-1), "after the end"}},
		"no plan":         {"{}", []string{"not a file written by crmsync plan --out"}},
		"another version": {edit(`"version": 1`, `"version": 2`), []string{"has the version 2", "reads version 1"}},
		"another type":    {edit(`"version": 1`, `"version": "1"`), []string{"plan.json:2:", `"version" is of another type`}},
		"another value":   {edit(`"a@example.org"`, `"b@example.org"`), []string{"boards[0].differing[0]", fmt.Sprintf("item %d of contacts", item), "edited"}},
		"another digest":  {edit(`"digest": "`, `"digest": "0`), []string{"boards[0].differing[0]"}},
		"another item":    {edit(fmt.Sprintf(`"item": %d`, item), `"item": 1`), []string{"list of items"}},
		"an item removed": {string(fewer), []string{"list of items"}},
		"another choice":  {edit(`"choices": {}`, `"choices": {"enforce": true}`), []string{"choices"}},
		"an added member": {edit(`"version": 1`, `"version": 1, "by": "me"`), []string{"plan.json:"}},
	} {
		_, errs := run(w, 2, "apply", "--yes", "--plan", w.File("plan.json", tt.text))
		says(t, name, errs, append(tt.says, "plan")...)
		if strings.Contains(errs, "example.org") {
			t.Errorf("%s: a value is shown: %s", name, errs)
		}
	}
	file := w.File("plan.json", text)
	_, errs := run(w, 2, "apply", "--yes", "--plan", file, "--item", "999")
	says(t, "an unplanned item", errs, "plans nothing for 999")
	w.Env["MAPPING"] = w.Mapping(strings.Replace(shown, "LastName: name", "LastName: name\n          FirstName: phone", 1))
	_, errs = run(w, 2, "apply", "--yes", "--plan", file)
	says(t, "another mapping", errs, "plan.json was created with another mapping", "plan again")
	w.None("Contact")
	w.Env["MAPPING"] = w.Mapping(shown)
	run(w, 0, "apply", "--yes", "--plan", file, "--item", fmt.Sprint(other))
	w.Record("Contact", other)
	if n := len(w.Salesforce.Records("Contact")); n != 1 {
		t.Errorf("%d records, want that of the chosen item", n)
	}
}

// TestPlanFileStale: a difference that has changed since the plan is not written.
func TestPlanFileStale(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", nil)
	run(w, 0, "schema", "up")
	file, _ := plannedFile(w)
	apply(w)
	w.Salesforce.Update("Contact", w.Record("Contact", item)["Id"].(string), map[string]any{"LastName": "Byron"})
	out, _ := run(w, 1, "apply", "--yes", "--plan", file)
	says(t, "a plan that was carried out", out, fmt.Sprintf("item %d", item), "changed since the plan: drift")
	w.Holds(w.Record("Contact", item), map[string]any{"LastName": "Byron"})
}

// TestPlanFileChoices: the choices of a plan are those in its file, for first meetings in both directions and for
// drift.
func TestPlanFileChoices(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		flags              []string
		met, drifted, from string // the record's values in the first-meeting and the drifted field, and Monday's value in the former
	}{
		"nothing":          {nil, "there@example.org", "Byron", "here@example.org"},
		"adopt monday":     {[]string{"--adopt", "monday"}, "here@example.org", "Byron", "here@example.org"},
		"adopt salesforce": {[]string{"--adopt", "salesforce"}, "there@example.org", "Byron", "there@example.org"},
		"enforce":          {[]string{"--enforce"}, "there@example.org", "Ada", "here@example.org"},
		"both":             {[]string{"--adopt", "monday", "--enforce"}, "here@example.org", "Ada", "here@example.org"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Setup(t, e2e.Mapped(strings.Replace(shown, "          Email: { from: email, sync: both }\n", "", 1)))
			item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"email": e2e.Email("here@example.org")})
			apply(w)
			w.Salesforce.Update("Contact", w.Record("Contact", item)["Id"].(string), map[string]any{"LastName": "Byron", "Email": "there@example.org"})
			w.Env["MAPPING"] = w.Mapping(shown)
			file, _ := plannedFile(w, tt.flags...)
			for _, flags := range [][]string{{"--adopt", "monday"}, {"--enforce"}} {
				_, errs := run(w, 2, append([]string{"apply", "--yes", "--plan", file}, flags...)...)
				says(t, "another choice", errs, "leave them out")
			}
			run(w, 0, "apply", "--yes", "--plan", file)
			w.Holds(w.Record("Contact", item), map[string]any{"LastName": tt.drifted, "Email": tt.met})
			if got := w.Shown(item, "email"); got != tt.from {
				t.Errorf("the item shows %q, want %q", got, tt.from)
			}
		})
	}
}

// TestPlanFileDeletes: a plan's deletions are subject to the brake like others, and --accept-deletes lifts it only for
// those in the file. An item that was deleted since the plan keeps its record.
func TestPlanFileDeletes(t *testing.T) {
	t.Parallel()
	for _, accepted := range []bool{false, true} {
		t.Run(fmt.Sprint(accepted), func(t *testing.T) {
			t.Parallel()
			w := e2e.Setup(t, e2e.Mapped(shown))
			items := w.Items(e2e.Contacts, 6, "Ada")
			apply(w)
			w.Exec("UPDATE items SET seen_at = seen_at - interval '1 hour', name_at = name_at - interval '1 hour'")
			for _, item := range items[:4] {
				w.Monday.DeleteItem(item)
			}
			w.Monday.Rename(items[4], "Grace")
			file, _ := plannedFile(w)
			w.Monday.DeleteItem(items[4])
			w.Monday.DeleteItem(items[5])
			flags, left := []string{"apply", "--yes", "--plan", file}, 4
			if accepted {
				flags, left = append(flags, "--accept-deletes"), 2
			}
			out, _ := run(w, 1, flags...)
			says(t, "apply", out, fmt.Sprintf("item %d", items[4]), "changed since the plan: item was deleted or archived")
			w.Start("worker")
			w.Quiet()
			if got := len(w.Salesforce.Records("Contact")); got != left {
				t.Errorf("%d records are left, want %d", got, left)
			}
			w.Record("Contact", items[4])
			w.Record("Contact", items[5])
			w.Expect(left-2, "SELECT count(*) FROM deletions WHERE state = 'held'")
		})
	}
}
