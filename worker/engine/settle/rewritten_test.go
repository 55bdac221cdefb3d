package settle

import (
	"testing"
	"time"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// TestRewritten: a value that replaces what we sent was not entered by a person if we were the last to save the record,
// and not later than our write. Whatever is not certain counts as a person's edit.
func TestRewritten(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 23, 12, 0, 0, 600_000_000, time.UTC)
	tests := map[string]struct {
		sentAt   int64     // 0: what Salesforce held was read
		saved    time.Time // zero: by somebody else
		conflict bool
	}{
		"in our write":                     {at.Unix(), at, false},
		"by somebody else":                 {at.Unix(), time.Time{}, true},
		"later, by our own user":           {at.Unix(), at.Add(time.Second), true},
		"the value was read, not sent":     {0, at, true},
		"answered in the next second":      {at.Unix() + 1, at, false},
		"Salesforce's time is not known":   {0, time.Time{}, true},
		"answered in the second before it": {at.Unix() - 1, at, true},
	}
	for name, tt := range tests {
		for _, wins := range []string{"monday", "salesforce"} {
			t.Run(name+", wins "+wins, func(t *testing.T) {
				t.Parallel()
				link := &ledger.Link{ItemID: 7, Record: "r", Object: "Contact", SalesforceID: "003000000000001AAA"}
				link.Agree("Email", "sent@x.org")
				link.Hold("Email", ledger.Held{Value: "sent@x.org", SentAt: tt.sentAt})
				in := Input{
					Record: models()[wins].Boards[0].Records[0], Link: link, OwnSaveAt: tt.saved, Now: at,
					Item:  mapping.Item{ID: 7, Columns: map[string]column.Value{"email": {Type: column.Email, Text: "second@x.org"}}},
					Holds: map[string]any{"Email": "made@x.org"},
				}
				d := decisionOf(t, in, "Email")
				if (d.Lost != nil) != tt.conflict {
					t.Errorf("conflict %+v, want one: %t", d.Lost, tt.conflict)
				}
				if sends := !tt.conflict || wins == "monday"; d.Sends != sends || d.Takes == sends {
					t.Errorf("sends %t, takes %t; Monday's value is to stand: %t", d.Sends, d.Takes, sends)
				}
			})
		}
	}
}

func decisionOf(t *testing.T, in Input, field string) Decision {
	t.Helper()
	for _, d := range Columns(in) {
		if d.Field.Name == field {
			return d
		}
	}
	t.Fatalf("no decision about %s", field)
	return Decision{}
}
