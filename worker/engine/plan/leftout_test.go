package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
)

// TestMakeLeftOut: what Salesforce fills into a field that was left out when the record was created stays, whatever
// the choices, as long as Monday has no value. A field that Monday has emptied is drift.
func TestMakeLeftOut(t *testing.T) {
	t.Parallel()
	boss := map[string]column.Value{"status": status("Boss")}
	tests := map[string]struct {
		columns map[string]column.Value
		change  func(*ledger.Link)
		want    fields
		kind    Kind
	}{
		"empty":              {change: func(*ledger.Link) {}},
		"empty and remapped": {change: func(l *ledger.Link) { remapped(l, "Title") }},
		"filled in Monday":   {columns: boss, change: func(*ledger.Link) {}, want: fields{"Title": "Head"}, kind: BothChanged},
		"emptied":            {change: func(l *ledger.Link) { l.Agree("Title", nil) }, want: fields{"Title": nil}, kind: Drift},
		"in doubt":           {change: func(l *ledger.Link) { l.Doubt("Title") }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := fields{key: "7", "FirstName": "Ada", "LastName": "King", "Birthdate": "2026-09-24"}
			l := link("contact", contactID, held)
			l.Apply("Birthdate", "2026-09-23")
			l.LeaveOut("Title")
			tt.change(l)
			held["Title"] = "Default"
			it := item(tt.columns, l)
			it.Held = map[string]map[string]any{contactID: held}
			it.Choices.Enforce = true
			got := Make(people().Named("contact"), it, "", &References{}, key, noon)
			var wrote fields
			if got.Write != nil {
				wrote = got.Write.Fields
			}
			if diff := cmp.Diff(tt.want, wrote); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			var kind Kind
			for _, d := range got.Differences {
				kind += d.Kind
			}
			if kind != tt.kind {
				t.Errorf("difference %q, want %q", kind, tt.kind)
			}
		})
	}
}
