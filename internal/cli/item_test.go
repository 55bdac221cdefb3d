package cli

import (
	"bytes"
	"strings"
	"testing"

	"crmsync/internal/report"
)

// TestItemID checks that an argument that is not an id is refused in words.
func TestItemID(t *testing.T) {
	t.Parallel()
	for _, argument := range []string{"abc", "0", "1.5", "99999999999999999999"} {
		var out bytes.Buffer
		code := Run(t.Context(), []string{"item", argument}, func(string) string { return "" }, &out, &out)
		if code != ExitUsage || !strings.Contains(out.String(), "is not an item's id, which is a positive number") || strings.Contains(out.String(), "64 bit") {
			t.Errorf("item %s: exit code %d, %s", argument, code, &out)
		}
	}
}

// TestPrintTimeline: texts are cut only on a terminal, and empty cells are blank.
func TestPrintTimeline(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("FirstName, ", 20) + "end"
	var out strings.Builder
	err := printTimeline(&out, []report.Entry{{Text: "Comparison", Effect: long}, {Text: "anna compared item 7"}})
	if err != nil || !strings.Contains(out.String(), long) || strings.Contains(out.String(), "(empty)") {
		t.Errorf("%v:\n%s", err, &out)
	}
	if got := oneLine(long, 10); got != "FirstName…" {
		t.Errorf("on a terminal: %q", got)
	}
}
