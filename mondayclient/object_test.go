package mondayclient

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzMembersOf holds the quick way to read an object against the other.
func FuzzMembersOf(f *testing.F) {
	for _, seed := range []string{
		`{"event":{"type":"create_pulse","boardId":1}}`, ` { "a" : [ 1 , { } ] , "a":null,"b\u00e9\n\"":"\ud83d\ude00", "":-1.5e3 } `, `{}`, `[]`, `null`, ` "x"`, `{"a":{"b":[true,false,"}"]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) || !json.Valid(text) || storable(text) != nil {
			return
		}
		if diff := cmp.Diff(objectOf(text), membersOf(string(text))); diff != "" {
			t.Fatalf("%q (-slow +quick):\n%s", text, diff)
		}
	})
}
