package soql

import "testing"

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
