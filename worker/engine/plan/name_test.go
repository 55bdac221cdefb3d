package plan

import (
	"testing"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// read plans a contact whose record was read, and returns the kind of the difference of a field, and what is sent for it.
func read(it Item, held fields, field string) (kind Kind, sent any) {
	held[key] = "7"
	it.Held = map[string]map[string]any{contactID: held}
	it.Choices.Enforce = true
	p := Make(people().Named("contact"), it, "", &References{}, key, noon)
	for _, d := range p.Differences {
		if d.Field == field {
			kind = d.Kind
		}
	}
	if p.Write != nil {
		sent = p.Write.Fields[field]
	}
	return kind, sent
}

// TestMakeSameName: if Salesforce's parts of a name together give the item's name, there is no difference, however the
// name is divided.
func TestMakeSameName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		first, last any
		kind        Kind
	}{
		"divided otherwise":    {first: "Vincent", last: "van Gogh"},
		"one part":             {last: "Vincent van Gogh"},
		"divided as in Monday": {first: "Vincent van", last: "Gogh"},
		"another name":         {first: "Vincent", last: "Gogh", kind: SalesforceChanged},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, agreed := range []fields{{"FirstName": "Vincent van", "LastName": "Gogh"}, {"FirstName": "Theo", "LastName": "King"}} {
				it := item(nil, link("contact", contactID, agreed))
				it.View.Name = "Vincent van Gogh"
				kind, sent := read(it, fields{"FirstName": tt.first, "LastName": tt.last}, "FirstName")
				if tt.kind == "" && (kind != "" || sent != nil) || tt.kind != "" && kind == "" {
					t.Errorf("agreed on %v: %q, sent %v", agreed, kind, sent)
				}
			}
		})
	}
}

// TestMakeUnmapped: a label that was not mapped has never been sent. Once it is mapped, the label is Monday's change,
// as long as Salesforce holds what was sent last.
func TestMakeUnmapped(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		holds, shown, rejected string
		kind                   Kind
		sent                   any
	}{
		"as it was":             {holds: "Staff", shown: "Boss", rejected: "Boss", kind: MondayChanged, sent: "Head"},
		"changed in Salesforce": {holds: "Other", shown: "Boss", rejected: "Boss", kind: FirstMeeting},
		"another label":         {holds: "Staff", shown: "Boss", rejected: "Gone", kind: FirstMeeting},
		"never rejected":        {holds: "Staff", shown: "Boss", kind: FirstMeeting},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := remapped(link("contact", contactID, fields{"Title": "Staff"}), "Title")
			title := people().Named("contact").Fields[3]
			if tt.rejected != "" {
				was := item(map[string]column.Value{"status": status(tt.rejected)})
				for _, err := range title.Unmapped(was.View) {
					l.Reject("Title", ledger.Rejection{Value: err.Error(), Code: mapping.UnmappedLabel})
				}
			}
			kind, sent := read(item(map[string]column.Value{"status": status(tt.shown)}, l), fields{"Title": tt.holds}, "Title")
			if kind != tt.kind || sent != tt.sent {
				t.Errorf("got %q, sent %v, want %q, %v", kind, sent, tt.kind, tt.sent)
			}
		})
	}
}
