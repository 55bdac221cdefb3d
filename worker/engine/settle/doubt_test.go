package settle

import (
	"testing"
	"time"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// TestResolveKeepsLater: what is found out about one write says nothing about a later write to the column, which may
// have arrived before somebody edited either side.
func TestResolveKeepsLater(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 9, 23, 12, 0, 0, 0, time.UTC)
	email := func(s string) column.Value { return column.Value{Type: column.Email, Text: s} }
	name := func(s string) column.Value { return column.Value{Type: column.Text, Text: s} }
	tests := map[string]struct {
		field  string
		agreed map[string]any
		sent   map[string]ledger.Sending
		shown  []ledger.Showing
		told   []ledger.Column
		item   mapping.Item
		holds  map[string]any
		sends  bool // else the column takes what Salesforce holds
	}{
		"one of two names arrived, and our name was edited in Salesforce": {
			field:  "Name",
			agreed: map[string]any{"FirstName": "F0", "LastName": "L0", "Name": "F0 L0"},
			sent:   map[string]ledger.Sending{"FirstName": {Value: "F", Over: "F0"}, "LastName": {Value: "L1", Over: "L0"}},
			shown:  []ledger.Showing{{Value: name("F L4"), Holds: "F L4", Over: name("F L2")}},
			item:   mapping.Item{ID: 7, Name: "F L4"},
			holds:  map[string]any{"FirstName": "F", "LastName": "L5", "Name": "F L5"},
		},
		"an event confirms an earlier write, and a later one was edited in Monday": {
			field:  "Email",
			agreed: map[string]any{"Email": "a@x.org"},
			shown: []ledger.Showing{
				{Value: email("b@x.org"), Holds: "b@x.org", Over: email("a@x.org"), At: 1},
				{Value: email("c@x.org"), Holds: "c@x.org", Over: email("b@x.org"), At: 2},
			},
			told:  []ledger.Column{{Value: email("b@x.org"), At: 2}},
			item:  mapping.Item{ID: 7, Columns: map[string]column.Value{"email": email("d@x.org")}},
			holds: map[string]any{"Email": "c@x.org"},
			sends: true,
		},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			link := &ledger.Link{ItemID: 7, Record: "r", Object: "Contact", SalesforceID: "003000000000001AAA"}
			for field, value := range tt.agreed {
				link.Agree(field, value)
			}
			link.Hold(tt.field, ledger.Held{Value: tt.agreed[tt.field]})
			for field, sent := range tt.sent {
				link.WillSend(field, sent)
			}
			for _, shown := range tt.shown {
				link.WillShow(tt.field, shown)
			}
			rec := models()["salesforce"].Boards[0].Records[0]
			in := Input{Record: rec, Link: link, Item: tt.item, Holds: tt.holds, Now: now}
			for _, f := range rec.Fields {
				if f.Name == tt.field {
					in.Told = map[string][]ledger.Column{f.Column(): tt.told}
				}
			}
			Resolve(in)
			d := decisionOf(t, in, tt.field)
			if d.Sends != tt.sends || d.Takes == tt.sends || !tt.sends && d.Lost != nil {
				t.Errorf("sends %t, takes %t, lost %+v; Monday's value is to stand: %t", d.Sends, d.Takes, d.Lost, tt.sends)
			}
		})
	}
}
