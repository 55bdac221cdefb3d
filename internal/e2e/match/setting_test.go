package match_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// people maps the contacts board, with more keys of the record and of the defaults.
func people(record, defaults string) e2e.Option {
	return e2e.Mapped(fmt.Sprintf(`
version: 1
defaults: { phone_country: US, %s }
boards:
  contacts:
    board: 1002
    records:
      lead:
        object: Lead
        id_column: text_sfid
        %s
        fields:
          LastName: name
          Company: { value: Engines }
          Email: email
`, defaults, record))
}

// TestOnDuplicate: a record that violates a duplicate rule is rejected or saved, or the existing record is adopted.
func TestOnDuplicate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		key     string
		leads   int
		adopted bool
		code    string // of the dead letter
	}{
		"by default": {"", 1, false, "DUPLICATES_DETECTED"},
		"refuse":     {"on_duplicate: refuse", 1, false, "DUPLICATES_DETECTED"},
		"allow":      {"on_duplicate: allow", 2, false, ""},
		"adopt":      {"on_duplicate: adopt", 1, true, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, people(tt.key, ""))
			w.Salesforce.AddDuplicateRule(sfsim.DuplicateRule{Object: "Lead", Fields: []string{"Email"}})
			there := w.Salesforce.Insert("Lead", map[string]any{"LastName": "King", "Company": "Engines", "Email": "ada@example.org"})
			item := w.Monday.CreateItem(e2e.Contacts, "Lovelace", map[string]any{"email": e2e.Email("ada@example.org")})
			w.Quiet()
			if n := len(w.Salesforce.Records("Lead")); n != tt.leads {
				t.Errorf("%d leads, want %d", n, tt.leads)
			}
			name := "King"
			if tt.adopted {
				name = "Lovelace"
				w.Holds(w.Record("Lead", item), map[string]any{"Id": there})
			}
			w.Holds(w.Salesforce.Get("Lead", there), map[string]any{"LastName": name})
			if tt.code == "" {
				w.Healthy()
				return
			}
			w.DeadLetter()
			reason := w.Text("SELECT reason FROM dead_letters")
			if !strings.Contains(reason, tt.code) || !strings.Contains(reason, there) {
				t.Errorf("reason %q, want %s and the Id %s", reason, tt.code, there)
			}
		})
	}
}

// TestAssignment: assignment rules run if the mapping says so, and an update keeps the owner that a person chose.
func TestAssignment(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		key      string
		ran      []string // the names that the rule saw
		assigned bool     // the owner after the update is the rule's
	}{
		"by default": {"", []string{"Lovelace"}, false},
		"create":     {"assignment: create", []string{"Lovelace"}, false},
		"never":      {"assignment: never", nil, false},
		"always":     {"assignment: always", []string{"King", "Lovelace"}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, people(tt.key, ""))
			user := func(name string) string {
				return w.Salesforce.Insert("User", map[string]any{"Username": name + "@example.org", "LastName": name, "Email": name + "@example.org"})
			}
			queue, person := user("queue"), user("person")
			seen := make(chan string, 100)
			w.Salesforce.SetAssignmentRule("Lead", func(lead map[string]any) string {
				seen <- fmt.Sprint(lead["LastName"])
				return queue
			})
			item := w.Monday.CreateItem(e2e.Contacts, "Lovelace", nil)
			w.Quiet()
			lead := w.Record("Lead", item)["Id"].(string)
			w.Salesforce.Update("Lead", lead, map[string]any{"OwnerId": person})
			w.Monday.Rename(item, "King")
			w.Quiet()
			close(seen)
			var ran []string
			for name := range seen {
				ran = append(ran, name)
			}
			slices.Sort(ran)
			if ran = slices.Compact(ran); !slices.Equal(ran, tt.ran) {
				t.Errorf("the rule ran for %q, want %q", ran, tt.ran)
			}
			owner := person
			if tt.assigned {
				owner = queue
			}
			w.Holds(w.Record("Lead", item), map[string]any{"LastName": "King", "OwnerId": owner})
			w.Healthy()
		})
	}
}

// TestAdoptShownOff: an Id that a person writes into the id column links no record, and the record is left alone.
func TestAdoptShownOff(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, people("", "adopt_shown: off"))
	there := w.Salesforce.Insert("Lead", map[string]any{"LastName": "King", "Company": "Engines"})
	item := w.Monday.CreateItem(e2e.Contacts, "Lovelace", map[string]any{"text_sfid": there})
	w.Quiet()
	w.Holds(w.Salesforce.Get("Lead", there), map[string]any{"LastName": "King"})
	w.DeadLetter()
	if reason := w.Text("SELECT reason FROM dead_letters"); !strings.Contains(reason, "SHOWN_ID_REFUSED") || !strings.Contains(reason, "text_sfid") {
		t.Errorf("reason %q names neither the code nor the column", reason)
	}
	w.Monday.SetColumn(item, "text_sfid", nil)
	w.Quiet()
	made := w.Record("Lead", item)
	if made["Id"] == there || made["LastName"] != "Lovelace" {
		t.Errorf("the item's lead is %v", made)
	}
}
