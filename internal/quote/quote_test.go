package quote_test

import (
	"encoding/json"
	"testing"

	"crmsync/internal/quote"
)

// FuzzAppendJSON compares with encoding/json.
func FuzzAppendJSON(f *testing.F) {
	for _, seed := range []string{"", "u:1:text", `"`, `\`, "<", ">", "&", "\x00", "\x1f", "\x7f", "é", "\xff", "\u2028", "a\"b"} {
		f.Add(seed)
	}
	for c := range 256 {
		f.Add(string([]byte{'a', byte(c)}))
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := quote.AppendJSON([]byte("x"), text); string(got) != "x"+string(want) {
			t.Errorf("AppendJSON(%q) = %s, want %s", text, got[1:], want)
		}
	})
}
