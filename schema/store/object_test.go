package store

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestObject compares the quick encoding with encoding/json's.
func TestObject(t *testing.T) {
	t.Parallel()
	key := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("a\"\\\n\x00<é\u2028\U0001F600"))))
	text := rapid.OneOf(key, rapid.Just("\xff"))
	value := rapid.OneOf(text.AsAny(), rapid.Float64().AsAny(), rapid.Bool().AsAny(), rapid.Just(any(nil)),
		rapid.MapOf(rapid.String(), text).AsAny())
	rapid.Check(t, func(t *rapid.T) {
		for _, m := range []any{rapid.MapOf(key, text).Draw(t, "texts"), rapid.MapOf(key, value).Draw(t, "values")} {
			size := 1
			if slow, _ := json.Marshal(m); string(slow) == "{}" {
				size = 0
			}
			quick, err := object(m, size)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decode(t, m), decode(t, json.RawMessage(quick))); diff != "" {
				t.Fatalf("encoding/json (-) and object (+):\n%s", diff)
			}
		}
	})
}

// decode returns what encoding/json makes of a value.
func decode(t rapid.TB, v any) (decoded any) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &decoded)
	}
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}
