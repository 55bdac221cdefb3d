package plan_test

import (
	"flag"
	"testing"

	"crmsync/internal/e2e"
)

// TestMain limits how often a property is checked, unless -rapid.checks says so: each check takes seconds.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "8"); err != nil {
		panic(err)
	}
	e2e.Main(m)
}
