package ledger

import (
	"testing"
	"time"

	"crmsync/mondayclient/column"
)

// TestHiddenColumn: a known column that Monday's answer lacks is not empty.
func TestHiddenColumn(t *testing.T) {
	t.Parallel()
	email := column.Value{Type: column.Email, Text: "ada@example.org"}
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	item := &Item{BoardID: 1, Name: "Ada", Known: true, Columns: map[string]Column{
		"email": {Value: email, At: now.Add(-time.Hour).UnixMicro()},
		"phone": {Value: column.Value{Type: column.Phone, Text: "1"}, At: now.Add(-time.Hour).UnixMicro()},
	}}
	answer := Reading{BoardID: 1, Name: "Ada", UpdatedAt: now, Columns: map[string]column.Value{"phone": {Type: column.Phone}}}
	asked := []string{"email", "phone"}
	item.MergeReading(answer, asked, Floor{}, now)
	if got := item.Columns["email"].Value; !got.Equal(email) {
		t.Errorf("the hidden column became %+v", got)
	}
	if got := item.Columns["phone"].Value; !got.Empty() {
		t.Errorf("the emptied column is %+v", got)
	}
	if !item.Shows(answer, 1, asked) {
		t.Error("the hidden column counts as a difference")
	}
}
