package nulchar

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestInJSON: the strings of any JSON text stay the same, except for NUL characters.
func TestInJSON(t *testing.T) {
	t.Parallel()
	part := rapid.SampledFrom([]string{"\x00", `\`, "u0000", `\u0000`, `"`, "a", "é"})
	rapid.Check(t, func(t *rapid.T) {
		want := strings.Join(rapid.SliceOf(part).Draw(t, "parts"), "")
		text, err := json.Marshal(map[string]any{"k": []string{want}})
		if err != nil {
			t.Fatal(err)
		}
		InJSON(text)
		var got map[string][]string
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got["k"][0] != InText(want) || strings.Contains(got["k"][0], "\x00") {
			t.Fatalf("%q became %q", want, got["k"][0])
		}
	})
}
