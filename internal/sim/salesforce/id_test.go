package salesforce

import "testing"

func TestParseID(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // input to 18 characters, empty: no id
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

func TestLike(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		s, pattern string
		want       bool
	}{
		"equal":       {"acme", "acme", true},
		"prefix":      {"acme inc", "acme%", true},
		"middle":      {"the acme inc", "%acme%", true},
		"twice":       {"ababc", "%abc", true},
		"one":         {"acme", "ac_e", true},
		"one, wide":   {"büro", "b_ro", true},
		"none":        {"ace", "ac_e", false},
		"short":       {"acm", "acme", false},
		"long":        {"acmes", "acme", false},
		"all":         {"", "%", true},
		"escaped":     {"50%", `50\%`, true},
		"not escaped": {"500", `50\%`, false},
	}
	for name, tt := range tests {
		if got := like(tt.s, tt.pattern); got != tt.want {
			t.Errorf("%s: like(%q, %q) = %v", name, tt.s, tt.pattern, got)
		}
	}
}
