package mapping

import (
	"maps"
	"strings"
	"testing"
)

// TestWithout: a way back that is not in force leaves its field as it would be without `sync`; one that goes only to
// Monday is not mapped.
func TestWithout(t *testing.T) {
	t.Parallel()
	const both = `version: 1
boards:
  b0:
    board: 1
    records:
      r:
        object: Contact
        fields:
          LastName: name
          Email: { from: email, sync: both, wins: salesforce }
          Phone: { from: phone, sync: both }
          Title: { from: title, sync: to_monday }
`
	m := mustParse(t, both)
	ways := m.Ways()
	if len(ways) != 3 {
		t.Fatalf("%d ways back, want 3", len(ways))
	}
	if m.Without(nil) != m {
		t.Error("nothing is taken out, but the mapping is another one")
	}
	rest := m.Without([]Way{ways[0], ways[2]})
	want := mustParse(t, strings.NewReplacer(", sync: both, wins: salesforce", "", "          Title: { from: title, sync: to_monday }\n", "").Replace(both))
	if got := rest.Boards[0].Made(); !maps.Equal(got, want.Boards[0].Made()) {
		t.Errorf("made by %v, want %v", got, want.Boards[0].Made())
	}
	if left := rest.Ways(); len(left) != 1 || left[0].Name() != "r.Phone" || left[0].Fingerprint() != ways[1].Fingerprint() {
		t.Errorf("ways back: %v", left)
	}
	if rest.Fingerprint() != m.Fingerprint() {
		t.Error("the fingerprint is not that of the file")
	}
	for _, way := range rest.Boards[0].Records[0].Fields {
		if way.Name == "Email" && way.HasOwnSync() {
			t.Error("an import would leave the field out")
		}
	}
}
