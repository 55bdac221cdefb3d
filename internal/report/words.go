package report

import (
	"fmt"
	"strings"

	"crmsync/internal/words"
)

// times returns how often something happened.
func times(n int) string {
	switch n {
	case 0, 1:
		return ""
	case 2:
		return " twice"
	}
	return fmt.Sprintf(" %d times", n)
}

// oneOf lists alternatives: "A", "A or B", "A, B or C".
func oneOf(texts []string) string { return words.List(texts, " or ") }

// all lists words: "A", "A and B", "A, B and C".
func all(texts []string) string { return words.List(texts, " and ") }

// plural counts things.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// stateWords are the states for people to read.
var stateWords = map[State]string{
	Rejected: "rejected", Unshown: "cannot be shown", Failed: "failed", Held: "held", Conflict: "conflict",
	FirstMeeting: "first meeting",
	Drift:        "drift",
	Differs:      "differs", Waits: "waits", OnItsWay: "on its way", NoRecord: "not created", Ended: "ended",
	Unknown: "unknown",
	OneWay:  "one-way", Theirs: "only in Salesforce", Agreed: "agreed", Suppressed: "suppressed",
}

// Words returns the state for people to read.
func (s State) Words() string { return stateWords[s] }

// Line returns the sentence, with the time since which it holds.
func (r *Report) Line() string {
	if r.Since == nil {
		return r.Sentence
	}
	return r.Sentence + " since " + r.Since.UTC().Format("2006-01-02 15:04 UTC")
}
