package ledger_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/ledger"
)

// What is stored in links.written must be read by every later version.
func TestWrittenStored(t *testing.T) {
	t.Parallel()
	const stored = `{"Amount":12.5,"Email":"a@b.example","Open":true,"Phone":{"unsure":true},"Title":null}`
	want := map[string]ledger.Written{
		"Amount": {Value: 12.5}, "Email": {Value: "a@b.example"}, "Open": {Value: true}, "Phone": {Unsure: true}, "Title": {},
	}
	var decoded map[string]any
	if err := json.Unmarshal([]byte(stored), &decoded); err != nil {
		t.Fatal(err)
	}
	var link ledger.Link
	link.ReadWritten(decoded)
	if diff := cmp.Diff(want, link.Written); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	text, err := json.Marshal(link.StoredWritten())
	if err != nil || string(text) != stored {
		t.Errorf("written = %s, %v, want %s", text, err, stored)
	}
}

func TestAgreement(t *testing.T) {
	t.Parallel()
	var l ledger.Link
	if l.Holds("Email", nil) {
		t.Error("a field that was never written is known to hold null")
	}
	l.Reject("Email", ledger.Rejection{Value: "bad", Code: "INVALID_EMAIL_ADDRESS", JobID: 1})
	if !l.Rejects("Email", "bad") || l.Rejects("Email", "good") || l.Rejects("Phone", "bad") {
		t.Error("a rejection is not of one field and one value")
	}
	l.Agree("Email", "good")
	if !l.Holds("Email", "good") || l.Rejects("Email", "bad") {
		t.Errorf("after agreement: %+v", l)
	}
	l.Doubt("Email")
	if _, ok := l.Agreed("Email"); ok || l.Holds("Email", nil) || !l.InDoubt("Email") {
		t.Error("a write without an answer counts as agreed")
	}
}

// TestRemapped: a value keeps its source, also while it is in doubt, until it is written again.
func TestRemapped(t *testing.T) {
	t.Parallel()
	var l ledger.Link
	l.Agree("Email", "x")
	l.Agree("Phone", "y")
	l.Agree("Key__c", "7") // no field of the mapping
	if l.Remapped("Email", "old") || l.Remapped("Fax", "old") {
		t.Error("a value of the mapping in force counts as made from something else")
	}
	l.Stamp(map[string]string{"Email": "old", "Phone": "same", "Fax": "none"})
	if diff := cmp.Diff(map[string]string{"Email": "old", "Phone": "same"}, l.Mappings()); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
	l.Stamp(map[string]string{"Email": "new", "Phone": "same"})
	l.Doubt("Email")
	if !l.Remapped("Email", "new") || l.Remapped("Email", "old") || l.Remapped("Phone", "same") {
		t.Errorf("after the mapping changed: %v", l.Mappings())
	}
	l.Agree("Email", "z")
	if l.Remapped("Email", "new") {
		t.Error("a value that was written since counts as made from something else")
	}
	if !l.Outdate("Phone") || l.Outdate("Phone") || l.Outdate("Fax") || !l.Remapped("Phone", "same") || !l.Holds("Phone", "y") {
		t.Errorf("after Phone was outdated: %+v", l.Written)
	}
}

// TestLeftOut: it is known that a record was created without a field, also after it was stored, until the field was
// written or may have been.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	var l ledger.Link
	for _, field := range []string{"Status", "Phone", "Fax"} {
		l.LeaveOut(field)
	}
	l.Stamp(map[string]string{"Status": "made", "Phone": "made"})
	l.Agree("Phone", "x")
	l.Agree("Phone", nil)
	l.Doubt("Fax")
	stored := ledger.Link{Written: map[string]ledger.Written{"Status": {}, "Phone": {}, "Fax": {Unsure: true}}}
	stored.ReadMappings(l.Mappings())
	if diff := cmp.Diff(l.Written, stored.Written); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	for field, want := range map[string]bool{"Status": true, "Phone": false, "Fax": false, "Title": false} {
		if got := stored.IsLeftOut(field); got != want {
			t.Errorf("IsLeftOut(%s) = %t, want %t", field, got, want)
		}
	}
	if !l.Holds("Status", nil) || l.Remapped("Status", "made") || !l.Remapped("Status", "new") {
		t.Errorf("a field that was left out: %+v", l.Written["Status"])
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	var l ledger.Link
	for n := range 10 {
		l.Adopt(string(rune('a'+n)), ledger.Matched)
		l.Agree("Email", "x")
		l.End()
	}
	if l.SalesforceID != "" || l.Written != nil {
		t.Errorf("after its end: %+v", l)
	}
	for id, want := range map[string]bool{"a": false, "b": false, "c": true, "j": true, "": false} {
		if got := l.Ended(id); got != want {
			t.Errorf("Ended(%q) = %t, want %t", id, got, want)
		}
	}
}

func TestFirstDay(t *testing.T) {
	t.Parallel()
	var l ledger.Link
	for _, step := range []struct {
		day  string
		want bool
	}{{"", false}, {"2026-09-01", true}, {"2026-09-01", false}, {"2026-09-02", true}} {
		if got := l.Apply("CloseDate", step.day); got != step.want {
			t.Errorf("Apply(%q) = %t, want %t", step.day, got, step.want)
		}
	}
}
