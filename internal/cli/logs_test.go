package cli

import (
	"testing"
	"time"
)

func TestParseSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	tests := map[string]time.Time{
		"24h":                  now.Add(-24 * time.Hour),
		"2026-05-01":           time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
		"2026-05-01T06:00:00Z": time.Date(2026, 5, 1, 6, 0, 0, 0, time.UTC),
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := parseSince(text, now)
			if err != nil || !got.Equal(want) {
				t.Errorf("parseSince(%q) = %v, %v, want %v", text, got, err, want)
			}
		})
	}
	for _, text := range []string{"", "-1h", "yesterday", "2026-13-01"} {
		if _, err := parseSince(text, now); err == nil {
			t.Errorf("parseSince(%q) accepted it", text)
		}
	}
}
