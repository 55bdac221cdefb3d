package life_test

import (
	"strings"
	"testing"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestAssignmentRules: updates keep the owner that a person set; at creation, rules run if the mapping says so.
func TestAssignmentRules(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]struct{ created, updated string }{
		"": {"queue", "person"}, "assignment: create": {"queue", "person"}, "assignment: never": {"integration", "person"},
		"assignment: always": {"queue", "queue"},
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.LeadRecords(`
      lead:
        object: Lead
        `+word+`
        fields: { LastName: name, Company: company }
`))
			users := map[string]string{}
			for _, user := range w.Salesforce.Records("User") {
				users["integration"] = user["Id"].(string)
			}
			for _, name := range []string{"queue", "person"} {
				users[name] = w.Salesforce.Insert("User", map[string]any{"Username": name + "@org.example", "LastName": name, "Email": name + "@example.org"})
			}
			w.Salesforce.SetAssignmentRule("Lead", func(map[string]any) string { return users["queue"] })
			lead := w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{"company": "Engines"})
			w.Quiet()
			w.Holds(w.Record("Lead", lead), map[string]any{"OwnerId": users[want.created]})
			w.Salesforce.Update("Lead", w.Record("Lead", lead)["Id"].(string), map[string]any{"OwnerId": users["person"]})
			w.Monday.Rename(lead, "Ada Lovelace")
			w.Monday.SetColumn(lead, "company", "More Engines")
			w.Quiet()
			w.Holds(w.Record("Lead", lead), map[string]any{"LastName": "Ada Lovelace", "Company": "More Engines", "OwnerId": users[want.updated]})
			w.Healthy()
		})
	}
}

// TestDuplicateRules: the mapping decides what happens to a record that violates a duplicate rule.
func TestDuplicateRules(t *testing.T) {
	t.Parallel()
	const (
		made    = "made"
		adopted = "adopted"
	)
	for name, tt := range map[string]struct {
		word  string
		block bool
		alike int    // contacts that are there
		want  string // else a part of the dead letter's reason
	}{
		"by default":                 {"", false, 1, "DUPLICATES_DETECTED"},
		"refuse":                     {"on_duplicate: refuse", false, 2, "DUPLICATES_DETECTED"},
		"allow":                      {"on_duplicate: allow", false, 1, made},
		"allow, but the rule blocks": {"on_duplicate: allow", true, 1, "DUPLICATES_DETECTED"},
		"adopt":                      {"on_duplicate: adopt", false, 1, adopted},
		"adopt, and the rule blocks": {"on_duplicate: adopt", true, 1, adopted},
		"adopt one of two":           {"on_duplicate: adopt", false, 2, "DUPLICATES_DETECTED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.Mapped(`
version: 1
boards:
  contacts:
    board: 1002
    records:
      contact:
        object: Contact
        id_column: text_sfid
        `+tt.word+`
        fields: { LastName: name, Email: email, Phone: phone }
`))
			var ids []string
			for range tt.alike {
				ids = append(ids, w.Salesforce.Insert("Contact", map[string]any{"LastName": "There", "Email": "ada@example.org"}))
			}
			w.Salesforce.AddDuplicateRule(sfsim.DuplicateRule{Object: "Contact", Fields: []string{"Email"}, Block: tt.block})
			before := w.Writes()
			item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"email": e2e.Email("ada@example.org")})
			w.Quiet()
			if calls := w.Writes() - before; calls > 3 {
				t.Errorf("%d writes, want at most 3", calls)
			}
			switch tt.want {
			case made:
				if w.Record("Contact", item)["Id"] == ids[0] {
					t.Error("the existing record was adopted")
				}
				w.Healthy()
				return
			case adopted:
				w.Holds(w.Record("Contact", item), map[string]any{"Id": ids[0], "LastName": "Ada"})
				contacts(w, 1)
				w.Healthy()
				return
			}
			contacts(w, tt.alike)
			letters := w.DeadLetters(item)
			if len(letters) != 1 || !strings.Contains(letters[0], tt.want) {
				t.Errorf("dead letters %q, want one of %s", letters, tt.want)
			}
			for _, id := range ids {
				if !strings.Contains(strings.Join(letters, ""), id) {
					t.Errorf("the dead letter %q does not name %s", letters, id)
				}
			}
			// A person resolves it; the item's next change creates the record.
			for _, id := range ids {
				w.Salesforce.Delete("Contact", id)
			}
			w.Monday.SetColumn(item, "phone", map[string]any{"phone": "+12125550100", "countryShortName": "US"})
			w.Quiet()
			w.Holds(w.Record("Contact", item), map[string]any{"Email": "ada@example.org", "Phone": "+12125550100"})
			w.DeadLetter()
		})
	}
}

// TestDuplicateRuleOnChange: only the change that violates a rule is rejected, and the record's other values are
// written.
func TestDuplicateRuleOnChange(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	w.Salesforce.Insert("Contact", map[string]any{"LastName": "There", "Email": "there@example.org"})
	item := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Quiet()
	w.Salesforce.AddDuplicateRule(sfsim.DuplicateRule{Object: "Contact", Fields: []string{"Email"}})
	w.Together(e2e.Contacts, func() {
		w.Monday.SetColumn(item, "email", e2e.Email("there@example.org"))
		w.Monday.Rename(item, "Ada King")
	})
	w.Holds(w.Record("Contact", item), map[string]any{"LastName": "King", "Email": "ada@example.org"})
	w.DeadLetter()
	if letters := w.DeadLetters(item); !strings.Contains(letters[0], "Contact.Email: DUPLICATES_DETECTED") {
		t.Errorf("the dead letter is %q", letters)
	}
}

// TestDuplicateOfAnotherItem: a record that belongs to another item, by our links or by its key, is not adopted, even
// if two items of one batch find the same record.
func TestDuplicateOfAnotherItem(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(`
version: 1
boards:
  contacts:
    board: 1002
    records:
      contact: { object: Contact, on_duplicate: adopt, fields: { LastName: name, Email: email } }
`))
	w.Salesforce.AddDuplicateRule(sfsim.DuplicateRule{Object: "Contact", Fields: []string{"Email"}})
	item := func(name, address string) int64 {
		return w.Monday.CreateItem(e2e.Contacts, name, map[string]any{"email": e2e.Email(address)})
	}
	free := w.Salesforce.Insert("Contact", map[string]any{"LastName": "There", "Email": "free@example.org"})
	foreign := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Foreign", "Email": "foreign@example.org", e2e.Key: "another tool's"})
	first := item("First", "ada@example.org")
	w.Quiet()
	id := w.Record("Contact", first)["Id"]
	var owned, keyed int64
	var both [2]int64
	w.Together(e2e.Contacts, func() {
		owned, keyed = item("Owned", "ada@example.org"), item("Keyed", "foreign@example.org")
		both = [2]int64{item("One", "free@example.org"), item("Other", "free@example.org")}
	})
	w.Holds(w.Record("Contact", first), map[string]any{"Id": id, "LastName": "First"})
	w.Holds(w.Salesforce.Get("Contact", foreign), map[string]any{"LastName": "Foreign", e2e.Key: "another tool's"})
	taken := len(w.Records("Contact", e2e.Key, both[0])) + len(w.Records("Contact", e2e.Key, both[1]))
	if w.Salesforce.Get("Contact", free)[e2e.Key] == nil || taken != 1 {
		t.Errorf("%d of two items have the free contact, which carries %v", taken, w.Salesforce.Get("Contact", free)[e2e.Key])
	}
	contacts(w, 3)
	w.Expect(3, "SELECT count(*) FROM dead_letters WHERE reason LIKE '%DUPLICATES_DETECTED%'")
	for _, item := range []int64{owned, keyed} {
		if len(w.DeadLetters(item)) != 1 {
			t.Errorf("dead letters %q, want one", w.DeadLetters(item))
		}
	}
}

// TestDuplicateOfShared: if a rule reports a shared record as the duplicate of another record, that one becomes the
// shared record.
func TestDuplicateOfShared(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.LeadRecords(`
      account: { object: Account, shared: true, match: [Name], on_duplicate: adopt, fields: { Name: company, Phone: phone } }
      contact: { object: Contact, fields: { LastName: name, AccountId: { record: account } } }
`))
	there := w.Salesforce.Insert("Account", map[string]any{"Name": "Engines Incorporated", "Phone": "+12125550100"})
	w.Salesforce.AddDuplicateRule(sfsim.DuplicateRule{Object: "Account", Fields: []string{"Phone"}})
	for _, name := range []string{"Ada", "Charles"} {
		item := w.Monday.CreateItem(e2e.Leads, name, map[string]any{
			"company": "Engines Inc.", "phone": map[string]any{"phone": "+12125550100", "countryShortName": "US"},
		})
		w.Quiet()
		w.Holds(w.Record("Contact", item), map[string]any{"AccountId": there})
	}
	w.Holds(w.Salesforce.Get("Account", there), map[string]any{"Name": "Engines Incorporated"})
	if n := len(w.Salesforce.Records("Account")); n != 1 {
		t.Errorf("%d accounts, want the existing one", n)
	}
	w.Healthy()
}
