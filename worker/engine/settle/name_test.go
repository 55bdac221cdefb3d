package settle

import (
	"maps"
	"testing"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// TestConfirm: Salesforce has received all of a name, some of it, or nothing. Both sides agree on it only if all has
// arrived. A conflict that contains what was replaced is over.
func TestConfirm(t *testing.T) {
	t.Parallel()
	disputed := ledger.Held{Value: "A L0", Edited: true, Disputed: true}
	tests := map[string]struct {
		accepted map[string]string
		hidden   bool // Salesforce does not show the last name
		agreed   string
		held     ledger.Held
	}{
		"all":                {accepted: map[string]string{"FirstName": "F", "LastName": "L"}, agreed: "F L", held: ledger.Held{Value: "F L", SentAt: 9}},
		"the first name":     {accepted: map[string]string{"FirstName": "F"}, agreed: "A L0", held: ledger.Held{Value: "F L0", SentAt: 9, Edited: true}},
		"the last name":      {accepted: map[string]string{"LastName": "L"}, agreed: "A L0", held: ledger.Held{Value: "A L", SentAt: 9, Edited: true}},
		"one, next to a gap": {accepted: map[string]string{"FirstName": "F"}, hidden: true, agreed: "A L0", held: ledger.Held{Value: "A L0", Edited: true}},
		"nothing":            {agreed: "A L0", held: disputed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			link := &ledger.Link{ItemID: 7, Record: "r", Object: "Contact", SalesforceID: "003000000000001AAA"}
			holds := map[string]any{"FirstName": "A", "LastName": "L0", "Name": "A L0"}
			for field, value := range holds {
				link.Agree(field, value)
			}
			link.Hold("Name", disputed)
			in := Input{
				Record: models()["monday"].Boards[0].Records[0], Link: link, Item: mapping.Item{ID: 7, Name: "F L"}, Now: today,
				Holds: maps.Clone(holds),
			}
			if tt.hidden {
				delete(in.Holds, "LastName")
			}
			d := decisionOf(t, in, "Name")
			d.Record(link, 1, today)
			for field, value := range tt.accepted {
				link.Agree(field, value)
			}
			d.Confirm(link, 9)
			if link.Written["Name"].Value != tt.agreed || link.Held["Name"] != tt.held {
				t.Errorf("agreed on %v, held %+v; want %q, %+v", link.Written["Name"].Value, link.Held["Name"], tt.agreed, tt.held)
			}
		})
	}
}
