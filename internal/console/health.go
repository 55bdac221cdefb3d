package console

import (
	"fmt"
	"strings"

	"crmsync/internal/words"
)

// health is the state of the installation, in one sentence.
type health struct {
	Level string // good, attention, bad
	Text  string
	More  string
}

// judge returns the state of the installation: first what blocks events, then what waits for a person.
func judge(d homeData) health {
	var away []string
	for _, o := range d.Outages {
		away = append(away, o.Name)
	}
	switch {
	case len(away) > 0:
		return health{"bad", strings.Join(away, " and ") + verb(len(away), " is", " are") + " away.",
			"Events wait and are processed afterwards; none is lost."}
	case len(d.Paused) > 0:
		return health{"bad", "The queue " + strings.Join(d.Paused, ", ") + " is paused.",
			"Someone has paused it; it has to be resumed in the list of jobs."}
	}
	var waits []string
	all := 0
	add := func(n int, what string) {
		if n > 0 {
			waits = append(waits, plural(n, what))
		}
		all += n
	}
	add(d.DeadLetters, "event that failed")
	add(d.Held, "held deletion")
	add(d.Meetings.Count, "first meeting")
	add(len(d.Channels), "alert channel that accepts no messages")
	if len(waits) == 0 {
		return health{"good", "All is well.", "Both systems answer, and nothing waits for a person."}
	}
	return health{"attention", "Running; " + words.List(waits, " and ") + verb(all, " waits", " wait") + " for a person.",
		"Everything else continues."}
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// plural returns a number with its noun: the first word of the noun gets the s.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	first, rest, more := strings.Cut(what, " that ")
	text := fmt.Sprintf("%s %ss", words.Number(n), first)
	if more {
		text += " that " + rest
	}
	return strings.Replace(text, " that accepts", " that accept", 1)
}
