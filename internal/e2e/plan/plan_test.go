package plan_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/e2e"
)

// planned is a plan in the form for scripts.
type planned struct {
	Boards []struct {
		Board     string
		Items     int
		Differing []struct {
			Item        int64
			Differences []struct{ Record, Field, Kind, Action string }
		}
	}
}

func (p planned) differing() (n int) {
	for _, b := range p.Boards {
		n += len(b.Differing)
	}
	return n
}

func readPlan(t *testing.T, text string) (p planned) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return p
}

// TestPlan is the first plan: items and records exist, and nothing was ever synced.
func TestPlan(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Salesforce.Insert("Contact", map[string]any{"LastName": "King", "Email": "ada@example.org"})
	met := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", map[string]any{"email": e2e.Email("ada@example.org")})
	fresh := w.Monday.CreateItem(e2e.Contacts, "Charles Babbage", nil)
	if code, _, stderr := w.Command("schema", "up"); code != 0 {
		t.Fatal(stderr)
	}
	before := fmt.Sprint(w.Salesforce.Records("Contact"), w.Monday.Items(e2e.Contacts))
	file := filepath.Join(t.TempDir(), "plan.json")
	code, stdout, stderr := w.Command("plan", "contacts", "--json", "--check", "--out", file)
	if code != 3 {
		t.Fatalf("exit %d, want 3: %s", code, stderr)
	}
	p := readPlan(t, stdout)
	kinds := map[string]string{}
	for _, item := range p.Boards[0].Differing {
		for _, d := range item.Differences {
			kinds[fmt.Sprintf("%d %s.%s", item.Item, d.Record, d.Field)] = d.Kind + " " + d.Action
		}
	}
	want := map[string]string{
		fmt.Sprintf("%d contact.FirstName", met):         "missing write",
		fmt.Sprintf("%d contact.LastName", met):          "first_meeting leave",
		fmt.Sprintf("%d contact.Monday_Item_Id__c", met): "wrong_key write",
		fmt.Sprintf("%d contact.text_sfid", met):         "id_column write",
		fmt.Sprintf("%d contact.", fresh):                "new_record write",
		fmt.Sprintf("%d contact.FirstName", fresh):       "new_record write",
		fmt.Sprintf("%d contact.LastName", fresh):        "new_record write",
		fmt.Sprintf("%d contact.text_sfid", fresh):       "id_column write",
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the plan: %v, %v", info, err)
	}
	if after := fmt.Sprint(w.Salesforce.Records("Contact"), w.Monday.Items(e2e.Contacts)); after != before {
		t.Errorf("planning changed something:\n%s\n%s", before, after)
	}
	w.Expect(0, "SELECT count(*) FROM items")
	w.Expect(0, "SELECT count(*) FROM leases")
	_, stdout, _ = w.Command("plan", "contacts")
	for _, text := range []string{`"King" -> "Lovelace"`, "first meeting: both have a value, left alone", "new record", "Calls needed: Salesforce"} {
		if !strings.Contains(stdout, text) {
			t.Errorf("the plan does not say %q:\n%s", text, stdout)
		}
	}
	_, stdout, _ = w.Command("plan", "--item", fmt.Sprint(fresh), "--json")
	if p := readPlan(t, stdout); p.differing() != 1 {
		t.Errorf("%d items differ, want only the named one", p.differing())
	}
	if code, _, stderr := w.Command("plan", "nowhere"); code != 2 || !strings.Contains(stderr, "it has:") {
		t.Errorf("an unmapped board: exit %d, %s", code, stderr)
	}
}
