package jsonscan

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzScan compares the scanner with encoding/json and with what jsonb accepts.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"event":{"type":"create_pulse","boardId":1}}`, `{}`, `[]`, `null`, ` "x"`, `{"a":{"b":[true,false,"}"]}}`,
		` { "a" : [ 1 , { } ] , "a":null,"b\u00e9\n\"":"\ud83d\ude00", "":-1.5e3 } `, `{"a":[1,-0.5e+3,true,null,"\u00e9\n"]}`,
		`{"a":01}`, "{\"a\":\"\x01\"}", `{"a":1}x`, ` `, `{"`, `{"a":-`, `{"a":1.}`, `{"a":1e}`, `{"a":[1,]}`, `{"a"}`, `{"a":1,}`, `{"a":"\u12"}`,
		`{"a":"\x"}`, `{"a":"\`, `{"a":{"b":1},"a":{"b":2,"b":3}}`, `{"a":[{"b":1}]}`, `{"a":nul`, `{"\u0061":"\\u0000"}`, `{"a":"\u0000"}`,
		`{"a":"\ud83d"}`, `{"a":"\ud83d\ud83d"}`, `{"a":"\ude00"}`, `{"a":"\\\ud83d\ude00"}`, `{"a":1e-99999999999999999999}`, `{"a":1e9999}`, `{"a":1E10000}`,
		`{"a":` + strings.Repeat("9", 10_001) + `}`, `{"a":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`,
		`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return
		}
		want := objectOf(text)
		o, err := Scan(string(text))
		if ok := json.Valid(text) && want != nil && isStorable(text); ok != (err == nil) {
			t.Fatalf("%q: error %v, want none: %v", text, err, ok)
		}
		if err != nil {
			return
		}
		compareMembers(t, o.Members, Outermost, want)
		for i, m := range o.Members {
			if m.Of == Outermost && m.Value[0] == '{' {
				compareMembers(t, o.Members, i, objectOf(json.RawMessage(m.Value)))
			}
		}
	})
}

// compareMembers compares the members of one object, and how their values read as strings.
func compareMembers(t *testing.T, members []Member, of int, want map[string]json.RawMessage) {
	t.Helper()
	got := map[string]json.RawMessage{}
	for _, m := range members {
		if m.Of != of {
			continue
		}
		value := m.Value // the last one counts
		got[m.Name] = json.RawMessage(value)
		var slow string
		isText := json.Unmarshal([]byte(value), &slow) == nil && value != "null"
		if quick, ok := Unquote(value); ok != isText || quick != slow {
			t.Fatalf("%s: text %q, %v; want %q, %v", value, quick, ok, slow, isText)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-slow +quick):\n%s", diff)
	}
}

// objectOf returns the members of an object; nil: the text is something else.
func objectOf(text []byte) (members map[string]json.RawMessage) {
	_ = json.Unmarshal(text, &members)
	return members
}

var (
	backslash = regexp.MustCompile(`\\\\`)
	pair      = regexp.MustCompile(`\\u[dD][89abAB]..\\u[dD][c-fC-F]..`)
	unstored  = regexp.MustCompile(`\\u0000|\\u[dD][89a-fA-F]`)
)

// isStorable reports whether Postgres stores a JSON text as jsonb, within our limits.
func isStorable(text []byte) bool {
	if unstored.Match(pair.ReplaceAll(backslash.ReplaceAll(text, nil), nil)) {
		return false
	}
	tokens, depth := json.NewDecoder(bytes.NewReader(text)), 0
	tokens.UseNumber()
	for {
		token, err := tokens.Token()
		if err != nil {
			return true // the end
		}
		switch token := token.(type) {
		case json.Delim:
			if token == '{' || token == '[' {
				depth++
			} else {
				depth--
			}
		case json.Number:
			digits, exponent, _ := strings.Cut(strings.ToLower(token.String()), "e")
			if power, err := strconv.Atoi(exponent); exponent != "" && err != nil || len(digits)+max(power, -power) > maxDigits {
				return false
			}
		}
		if depth > maxDepth {
			return false
		}
	}
}
