package mondayclient

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzMembersOf compares the fast way to read an object with encoding/json.
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
		want := objectOf(text)
		all, ok := membersOf(string(text), nil)
		if ok != (want != nil) {
			t.Fatalf("%q: is an object: %v, want %v", text, ok, want != nil)
		}
		got := object{}
		for _, m := range all {
			value, _ := all.get(m.name)
			got[m.name] = json.RawMessage(value)
			var slow string
			isText := json.Unmarshal([]byte(value), &slow) == nil && value != "null"
			if quick, ok := unquote(value); ok != isText || quick != slow {
				t.Fatalf("%s: text %q, %v; want %q, %v", value, quick, ok, slow, isText)
			}
		}
		if diff := cmp.Diff(want, got); ok && diff != "" {
			t.Fatalf("%q (-slow +quick):\n%s", text, diff)
		}
	})
}

// FuzzIsJSON compares the fast check with encoding/json.
func FuzzIsJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,true,null,"\u00e9\n"]}`, `{"a":01}`, "{\"a\":\"\x01\"}", `{"a":1}x`, ` `, `"`, `-`, `1.`, `1e`, `[1,]`, `{"a"}`, "\xff",
		strings.Repeat("[", 1001) + strings.Repeat("]", 1001), strings.Repeat("[", 1001), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, want := isJSON(text), json.Valid(text); got != want {
			t.Fatalf("%q: JSON: %v, want %v", text, got, want)
		}
	})
}
