package ledger_test

import (
	"testing"

	"crmsync/schema/ledger"
)

// TestMove: after a move, a value still counts where the new board makes the field from the same source, also after it
// was stored, until it is written again.
func TestMove(t *testing.T) {
	t.Parallel()
	var l ledger.Link
	for _, field := range []string{"Email", "Phone", "Fax"} {
		l.Agree(field, "x")
	}
	l.Stamp(map[string]string{"Email": "same", "Phone": "old"})
	l.Outdate("Phone")
	if !l.Move("Email") || l.Move("Email") || l.Move("Phone") || !l.Move("Fax") || l.Move("Title") {
		t.Errorf("moved: %v", l.Mappings())
	}
	stored := ledger.Link{Written: map[string]ledger.Written{"Email": {Value: "x"}, "Phone": {Value: "x"}, "Fax": {Value: "x"}}}
	stored.ReadMappings(l.Mappings())
	for field, want := range map[string]bool{"Email": true, "Phone": false, "Fax": false, "Title": false} {
		if got := stored.Moved(field, "same"); got != want {
			t.Errorf("Moved(%s) = %t, want %t", field, got, want)
		}
	}
	if stored.Moved("Email", "other") || !stored.Remapped("Email", "same") || !stored.Remapped("Fax", "same") || !stored.Holds("Email", "x") {
		t.Errorf("after the move: %v", stored.Mappings())
	}
	stored.Agree("Email", "y")
	if stored.Moved("Email", "same") || stored.Remapped("Email", "same") {
		t.Errorf("after it was written again: %v", stored.Mappings())
	}
}
