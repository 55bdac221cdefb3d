package cli

import (
	"bytes"
	"strings"
	"testing"
)

// TestItemID checks that an argument that is no id is refused in words.
func TestItemID(t *testing.T) {
	t.Parallel()
	for _, argument := range []string{"abc", "0", "1.5", "99999999999999999999"} {
		var out bytes.Buffer
		code := Run(t.Context(), []string{"item", argument}, func(string) string { return "" }, &out, &out)
		if code != ExitUsage || !strings.Contains(out.String(), "an item is named by its id, a number") || strings.Contains(out.String(), "64 bit") {
			t.Errorf("item %s: exit code %d, %s", argument, code, &out)
		}
	}
}
