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

// TestResolvePart: the answer to a write is lost, and Salesforce has received only the first name of two. What that has
// replaced stays in its conflict, and is not taken for a person's edit again.
func TestResolvePart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		held, last string // as compared, and as Salesforce holds it now
		sent       bool   // the last name was sent too
		unsure     bool   // or it is not known what was sent before
		shown      bool   // Salesforce's name was written to the column before, and no answer received either
		conflict   bool
	}{
		"the last name was sent too":               {held: "A L0", last: "L0", sent: true},
		"the column was written to before":         {held: "F0 L0", last: "L0", sent: true, shown: true},
		"the last name is as agreed on":            {held: "A L0", last: "L0"},
		"the last name is as before":               {held: "A L4", last: "L0", unsure: true},
		"the last name is as compared":             {held: "A L5", last: "L5", unsure: true},
		"somebody has changed the last name since": {held: "A L5", last: "L6", unsure: true, conflict: true},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			link := &ledger.Link{ItemID: 7, Record: "r", Object: "Contact", SalesforceID: "003000000000001AAA"}
			for field, value := range map[string]string{"FirstName": "F0", "LastName": "L0", "Name": "F0 L0"} {
				link.Agree(field, value)
			}
			link.Hold("Name", ledger.Held{Value: tt.held, Edited: true, Disputed: true})
			link.WillSend("FirstName", ledger.Sending{Value: "F", Over: "A"})
			told := map[string][]ledger.Column{}
			if name := (column.Value{Text: "A L0"}); tt.shown {
				link.WillShow("Name", ledger.Showing{Value: name, Holds: "A L0", Over: column.Value{Text: "F0 L0"}, At: 1})
				told["name"] = []ledger.Column{{Value: name, At: 2}}
			}
			if tt.sent {
				link.WillSend("LastName", ledger.Sending{Value: "bad", Over: "L0"})
			}
			link.Reject("LastName", ledger.Rejection{Value: "bad"})
			if tt.unsure {
				link.Doubt("LastName")
			}
			in := Input{
				Record: models()["monday"].Boards[0].Records[0], Link: link, Item: mapping.Item{ID: 7, Name: "F bad"}, Now: today,
				Told:  told,
				Holds: map[string]any{"FirstName": "F", "LastName": tt.last, "Name": "F " + tt.last},
			}
			Resolve(in)
			d := decisionOf(t, in, "Name")
			if !d.SendsParts() || d.Takes || (d.Lost != nil) != tt.conflict || d.Lost != nil && d.Lost.Renews {
				t.Errorf("got %+v, lost %+v", d, d.Lost)
			}
		})
	}
}
