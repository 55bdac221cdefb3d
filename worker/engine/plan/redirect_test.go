package plan

import (
	"fmt"
	"testing"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// redirected returns a record of one field with this direction.
func redirected(t *testing.T, sync string) *mapping.Record {
	t.Helper()
	m, err := mapping.Parse("test.yaml", fmt.Appendf(nil, `
version: 1
boards:
  people:
    board: 1002
    records:
      contact: { object: Contact, fields: { Title: { from: word, sync: %s } } }
`, sync))
	if err != nil {
		t.Fatal(err)
	}
	return m.Boards[0].Records[0]
}

// TestRedirected: a field is switched to go only to Salesforce. What both sides agreed on before still shows which of
// them has changed, unless they never agreed, or the column may have lost its value because the item moved.
func TestRedirected(t *testing.T) {
	t.Parallel()
	to := redirected(t, "to_salesforce")
	for _, from := range []string{"both", "to_monday"} {
		tests := map[string]struct {
			monday, salesforce string
			prepare            func(*ledger.Link)
			kind               Kind
			sends              bool
		}{
			"emptied in Monday":     {"", "a", nil, MondayChanged, true},
			"changed in Monday":     {"b", "a", nil, MondayChanged, true},
			"changed in Salesforce": {"a", "b", nil, Drift, false},
			"changed in both":       {"", "b", nil, BothChanged, true},
			"nothing":               {"a", "a", nil, "", false},
			"never agreed":          {"", "b", func(l *ledger.Link) { l.Hold("Title", ledger.Held{Value: "b", Apart: true}) }, "", false},
			"moved":                 {"", "a", func(l *ledger.Link) { l.Move("Title") }, "", false},
			"of another column":     {"", "a", func(l *ledger.Link) { l.Outdate("Title") }, "", false},
		}
		for name, tt := range tests {
			t.Run(from+", "+name, func(t *testing.T) {
				t.Parallel()
				l := link("contact", contactID, fields{"Title": "a", key: "7"})
				l.Stamp(redirected(t, from).Made())
				if tt.prepare != nil {
					tt.prepare(l)
				}
				it := item(map[string]column.Value{"word": text(tt.monday)}, l)
				it.Held = map[string]map[string]any{contactID: {"Title": tt.salesforce, key: "7"}}
				p := Make(to, it, "", &References{}, key, noon)
				var kind Kind
				for _, d := range p.Differences {
					kind = d.Kind
				}
				if kind != tt.kind || (p.Write != nil) != tt.sends {
					t.Errorf("Make: kind %q, write %+v; want %q, a write: %t", kind, p.Write, tt.kind, tt.sends)
				}
				if _, agrees := p.Agrees["Title"]; agrees != (name == "nothing") {
					t.Errorf("Make agrees on %v", p.Agrees)
				}
			})
		}
	}
}
