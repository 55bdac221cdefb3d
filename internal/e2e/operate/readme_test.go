package operate_test

import (
	"os"
	"regexp"
	"testing"

	"crmsync/schema/mapping"
)

// TestReadmeMapping holds the README's mapping to the decoder: it is the first that a reader copies.
func TestReadmeMapping(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(version: 1.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("README.md shows no mapping")
	}
	if _, err := mapping.Parse("README.md", block[1]); err != nil {
		t.Error(err)
	}
}
