package reject_test

import (
	"testing"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// broad is a mapping with a record of many fields.
const broad = `
version: 1
defaults: { phone_country: US }
boards:
  projects:
    board: 2001
    records:
      project:
        object: Monday_Project__c
        fields:
          Name: name
          Start_Date__c: day
          Kickoff__c: { from: day, as: datetime }
          Budget__c: amount
          Hours__c: hours
          Members__c: members
          Public__c: open
          Website__c: site
          Email__c: mail
          Phone__c: { from: phone, as: phone }
          Notes__c: note
`

func broadBoard(c *mondaysim.Config) {
	typed := func(kind, id string) mondaysim.Column { return mondaysim.Column{ID: id, Title: id, Type: kind} }
	c.Boards = []mondaysim.Board{{ID: 2001, Name: "Projects", Columns: []mondaysim.Column{
		typed("date", "day"), typed("numbers", "amount"), typed("numbers", "hours"), typed("numbers", "members"), typed("checkbox", "open"),
		typed("link", "site"), typed("email", "mail"), typed("phone", "phone"), typed("long_text", "note"),
	}}}
}

func project(number string) map[string]any {
	return map[string]any{
		"day": map[string]any{"date": "2026-03-04"}, "amount": "12.5", "hours": "3", "members": "7", "open": map[string]any{"checked": "true"},
		"site": map[string]any{"url": "https://example.org/a", "text": "A"}, "mail": e2e.Email("ada@example.org"), "phone": phone(number),
		"note": map[string]any{"text": "one"},
	}
}

// TestSeveralValuesAtFault: if Salesforce rejects several values without naming them, a new record is created, and an
// existing one updated, without them in a limited number of calls; all other values are written.
func TestSeveralValuesAtFault(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(broad), e2e.Monday(broadBoard))
	w.Start("serve")
	w.Subscribe(2001)
	for field, value := range map[string]any{"Phone__c": "+12125550199", "Members__c": 13.0} {
		w.Salesforce.AddValidation(sfsim.Validation{Object: "Monday_Project__c", Invalid: func(record map[string]any) bool { return record[field] == value }})
	}
	values := project("+1 212 555 0199")
	values["members"] = "13"
	before := w.Writes()
	item := w.Monday.CreateItem(2001, "P", values)
	w.Quiet()
	want := map[string]any{
		"Name": "P", "Start_Date__c": "2026-03-04", "Budget__c": 12.5, "Hours__c": 3.0, "Members__c": nil, "Public__c": true,
		"Website__c": "https://example.org/a", "Email__c": "ada@example.org", "Phone__c": nil, "Notes__c": "one",
	}
	w.Holds(w.Record("Monday_Project__c", item), want)
	w.DeadLetter() // one event
	if calls := w.Writes() - before; calls > 2*(2*4+11) {
		t.Errorf("%d calls for two values among 11, want at most %d", calls, 2*(2*4+11))
	}
	sound := w.Monday.CreateItem(2001, "Q", project("+1 212 555 0100"))
	w.Quiet()
	before = w.Writes()
	w.Together(2001, func() {
		w.Monday.SetColumn(sound, "phone", phone("+1 212 555 0199"))
		w.Monday.SetColumn(sound, "members", "13")
		w.Monday.SetColumn(sound, "amount", "13.5")
		w.Monday.SetColumn(sound, "note", map[string]any{"text": "two"})
	})
	w.Holds(w.Record("Monday_Project__c", sound), map[string]any{
		"Phone__c": "+12125550100", "Members__c": 7.0, "Budget__c": 13.5, "Notes__c": "two",
	})
	w.Expect(3, "SELECT count(*) FROM dead_letters")
	if calls := w.Writes() - before; calls > 12 {
		t.Errorf("%d calls for two values among 4, want at most 12", calls)
	}
}

// TestNoFieldExplains: a record that is rejected whatever its values causes one dead letter, and a handful of calls.
func TestNoFieldExplains(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(broad), e2e.Monday(broadBoard))
	w.Start("serve")
	w.Subscribe(2001)
	sound := w.Monday.CreateItem(2001, "Q", project("+1 212 555 0100"))
	w.Quiet()
	w.Salesforce.AddValidation(sfsim.Validation{Object: "Monday_Project__c", Invalid: func(map[string]any) bool { return true }})
	before := w.Writes()
	w.Together(2001, func() {
		w.Monday.SetColumn(sound, "amount", "13.5")
		w.Monday.SetColumn(sound, "hours", "4")
		w.Monday.SetColumn(sound, "members", "8")
		w.Monday.SetColumn(sound, "phone", phone("+1 212 555 0101"))
	})
	changed := w.Writes() - before
	w.Expect(4, "SELECT count(*) FROM dead_letters")
	before = w.Writes()
	item := w.Monday.CreateItem(2001, "P", project("+1 212 555 0100"))
	w.Quiet()
	created := w.Writes() - before
	rejectedFor(w, item, "Monday_Project__c")
	w.Expect(5, "SELECT count(*) FROM dead_letters")
	t.Logf("%d calls for the change, %d for the creation", changed, created)
	if changed > 4 || created > 6 {
		t.Errorf("%d calls for a change and %d for a creation that no field explains, want a handful", changed, created)
	}
}
