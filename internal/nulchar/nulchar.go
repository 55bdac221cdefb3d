// Package nulchar replaces NUL characters in what other systems answer. JSON allows them, but Postgres stores them
// neither as text nor as jsonb. They are replaced where an answer enters the program, so that no value that is compared
// later contains them.
package nulchar

import (
	"bytes"
	"strings"
)

// escaped is NUL in a JSON string. Its replacement is as long, and the character with which Go replaces invalid UTF-8.
var escaped, replacement = []byte(`\u0000`), []byte(`\ufffd`)

// InJSON replaces the NUL characters in the strings of a JSON text, in place.
func InJSON(text []byte) {
	for at := 0; ; {
		n := bytes.Index(text[at:], escaped)
		if n < 0 {
			return
		}
		at += n
		slashes := 0
		for slashes < at && text[at-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 { // otherwise the backslash is itself escaped
			copy(text[at:], replacement)
		}
		at += len(escaped)
	}
}

// InText replaces the NUL characters in a text that was decoded.
func InText(s string) string { return strings.ReplaceAll(s, "\x00", "\ufffd") }
