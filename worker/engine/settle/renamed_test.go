package settle

import (
	"testing"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/worker/engine/plan"
)

// TestRenamedUnsent: the column shows a label that may be the new name of another one. What was to be sent for the old
// name may not have arrived; still, the label is no change in Monday. The plan reports why it is not sent.
func TestRenamedUnsent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		held   ledger.Held
		unsure bool // no answer was received to the last write
		holds  any
		kind   plan.Kind
		takes  bool
	}{
		"nothing changed":                     {held: ledger.Held{Value: "one"}, holds: "one"},
		"a write got no answer":               {held: ledger.Held{Value: "one"}, unsure: true, holds: "one"},
		"a conflict's winner got no answer":   {held: ledger.Held{Value: "one", Edited: true, Disputed: true}, unsure: true, holds: "one"},
		"a conflict's winner was not sent":    {held: ledger.Held{Value: "one", Edited: true, Disputed: true}, holds: "one"},
		"an edit in a first meeting":          {held: ledger.Held{Value: "one", Apart: true, Edited: true}, holds: "one"},
		"changed in Salesforce":               {held: ledger.Held{Value: "one"}, holds: "two", kind: plan.SalesforceChanged, takes: true},
		"the winner, and changed once more":   {held: ledger.Held{Value: "one", Edited: true, Disputed: true}, holds: "two", kind: plan.BothChanged},
		"nobody has decided about both sides": {held: ledger.Held{Value: "one", Apart: true}, holds: "one", kind: plan.FirstMeeting},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, link := emailOf("monday", values{})
			in.Item = in.Item.With("status", column.Value{Type: column.Status, Text: "renamed B"})
			in.Holds["Title"] = tt.holds
			link.Agree("Title", "one")
			link.Hold("Title", tt.held)
			if tt.unsure {
				link.Doubt("Title")
			}
			for range 2 { // the next comparison finds the same
				d := decisionOf(t, in, "Title")
				sends := !tt.takes && tt.kind != plan.FirstMeeting
				if d.Kind != tt.kind || d.Sends != sends || d.Takes != tt.takes || d.Lost != nil {
					t.Fatalf("got %+v, want kind %q", d, tt.kind)
				}
				if !d.Takes {
					d.Record(link, 1, today)
				}
			}
		})
	}
}
