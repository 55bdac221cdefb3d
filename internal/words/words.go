// Package words formats numbers and lists for people.
package words

import (
	"strconv"
	"strings"
)

// Number formats a number with commas between its thousands.
func Number[T int | int64](n T) string {
	text := strconv.FormatInt(int64(n), 10)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// List lists words, the last one after another separator: "A", "A and B", "A, B and C".
func List(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + last + words[len(words)-1]
}
