// Package advice is the one table of what error codes mean and what a person can do about them. Alerts, commands, the
// console and docs/errors.md all read it.
package advice

import (
	"slices"
	"strings"
)

// The systems that give codes.
const (
	Salesforce = "salesforce"
	Monday     = "monday"
	Own        = "crmsync"
)

// Entry is what is known about a code. Its texts are constant: they contain no values and no secrets.
type Entry struct {
	System string
	Code   string
	Means  string // what happened, as a sentence
	Do     string // what a person can do about it, as sentences
}

// Text returns both texts, or "" if nothing is known.
func (e Entry) Text() string { return strings.TrimSpace(e.Means + " " + e.Do) }

// Table returns all entries: Salesforce's, then Monday's, then our own.
func Table() []Entry { return slices.Concat(salesforce, monday, own) }

// Of returns what is known about a system's code. Codes are compared without regard to case and underscores: Monday
// spells some in several ways.
func Of(system, code string) (e Entry, known bool) {
	e, known = index[key{system, fold(code)}]
	return e, known
}

// SystemOf returns the system that an error with this code comes from. An unknown code is Salesforce's: the others'
// codes are all known.
func SystemOf(code string) string {
	for _, system := range []string{Own, Salesforce, Monday} {
		if _, known := Of(system, code); known {
			return system
		}
	}
	if strings.HasSuffix(fold(code), "exception") && !strings.Contains(code, "_") {
		return Monday // such as ColumnValueException; Salesforce writes FIELD_INTEGRITY_EXCEPTION
	}
	return Salesforce
}

type key struct{ system, code string }

var index = func() map[key]Entry {
	entries := map[key]Entry{}
	for _, e := range Table() {
		entries[key{e.System, fold(e.Code)}] = e
	}
	return entries
}()

// fold maps all spellings of a code to one.
func fold(code string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(code))
}
