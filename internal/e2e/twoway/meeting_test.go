package twoway_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// command runs a command and expects its exit code.
func command(w *e2e.World, want int, args ...string) (stdout string) {
	w.T.Helper()
	code, stdout, stderr := w.Command(args...)
	if code != want {
		w.T.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
	}
	return stdout + stderr
}

// TestSwitchOn: years of one-way sync, then both ways. What differs is planned, reported and left alone until a person
// decides; what is empty on one side takes the other's value.
func TestSwitchOn(t *testing.T) {
	t.Parallel()
	oneWay := strings.NewReplacer("sync: both\n", "sync: to_salesforce\n", ", wins: salesforce", "", "          Name: { from: name, sync: to_monday }\n", "").Replace(rules)
	w := e2e.Setup(t, e2e.Mapped(oneWay), e2e.With("SALESFORCE_POLL", "off"), e2e.With("BACKFILL", "off"))
	stop := w.Start("serve")
	w.Subscribe()
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	other := w.Monday.CreateItem(e2e.Contacts, "Grace Hopper", map[string]any{"email": e2e.Email("g@example.org")})
	w.Quiet()
	edit(w, "Contact", item, map[string]any{"Email": "drift@example.org", "Phone": "+12125550111"})
	edit(w, "Contact", other, map[string]any{"Email": "older@example.org"})
	stop()

	w.Env["MAPPING"] = w.File("both.yaml", rules)
	if out := command(w, 2, "check"); !strings.Contains(out, "board contacts is synced both ways, but that was never planned") {
		t.Errorf("check: %s", out)
	}
	command(w, 0, "plan", "contacts", "--item", strconv.FormatInt(item, 10))
	command(w, 2, "check")
	out := command(w, 3, "plan", "--check")
	for _, want := range []string{"first meeting: both have a value, left alone", `(empty) -> "+12125550111"`, "changed in Salesforce, to Monday"} {
		if !strings.Contains(out, want) {
			t.Errorf("plan does not show %q:\n%s", want, out)
		}
	}
	var planned struct {
		Boards []struct {
			Differing []struct {
				Item        int64
				Differences []struct{ Field, Kind, Action, To string }
			}
		}
	}
	if err := json.Unmarshal([]byte(command(w, 0, "plan", "--json", "contacts")), &planned); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, d := range planned.Boards[0].Differing[0].Differences {
		found[d.Field] = d.Kind + " " + d.Action + " " + d.To
	}
	if found["Email"] != "first_meeting leave " || found["Phone"] != "salesforce_changed write monday" {
		t.Errorf("planned: %v", found)
	}
	command(w, 0, "check")

	w.Start("serve")
	command(w, 0, "apply", "--yes")
	w.Quiet()
	shows(w, item, map[string]string{"email": "a@example.org", "phone": "+12125550111"})
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "drift@example.org"})
	w.Expect(2, "SELECT count(*) FROM differences WHERE kind = 'first_meeting' AND action = 'leave'")

	// Later edits are synced as usual.
	edit(w, "Contact", item, map[string]any{"Email": "new@example.org"})
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"email": "new@example.org"})
	w.Expect(1, "SELECT count(*) FROM conflicts WHERE monday = '\"a@example.org\"' AND salesforce = '\"new@example.org\"'")

	command(w, 0, "apply", "--yes", "--adopt", "salesforce", "contacts")
	w.Quiet()
	shows(w, other, map[string]string{"email": "older@example.org"})
	command(w, 0, "plan", "--check")
	w.Healthy()
}
