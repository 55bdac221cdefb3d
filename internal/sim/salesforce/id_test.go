package salesforce

import "testing"

func TestParseID(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // input to 18 characters; empty: not an id
		"001D000000Kv3g5":    "001D000000Kv3g5IAB",
		"001D000000Kv3g5IAB": "001D000000Kv3g5IAB",
		"001D000000Kv3g5IAA": "",
		"001xx000003DGb1":    "001xx000003DGb1AAG",
		"001D000000Kv3g":     "",
		"001D000000Kv3-5":    "",
		"":                   "",
	}
	for in, want := range tests {
		if got, ok := parseID(in); ok != (want != "") || ok && got != want {
			t.Errorf("parseID(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
	last := ""
	for n := range 10_000 {
		id := mintID("001", n)
		if parsed, ok := parseID(id); !ok || parsed != id || id <= last {
			t.Fatalf("mintID(%d) = %q after %q", n, id, last)
		}
		last = id
	}
}
