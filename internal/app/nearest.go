package app

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// typos is the maximum number of typing errors in a name.
const typos = 2

// isKnown reports whether the program reads a variable, directly or as a file.
func isKnown(name string, known []string) bool {
	return slices.Contains(known, name) || slices.Contains(known, strings.TrimSuffix(name, "_FILE"))
}

// nearest returns the known variable that an unknown name seems to mean, or "" if there is none or the name is known.
func nearest(name string, known []string) string {
	if isKnown(name, known) || isProcessOwn(name) {
		return ""
	}
	best, distance := "", typos+1
	for _, k := range known {
		if d := levenshtein.ComputeDistance(name, k); d < distance && len(name) >= 8 {
			best, distance = k, d
		}
	}
	if best != "" {
		return best
	}
	if strings.HasPrefix(name, "MONDAY_") {
		name = strings.ReplaceAll(name, "KEY", "TOKEN")
	}
	given := words(name)
	for _, k := range known {
		if wanted := words(k); len(wanted) > 1 && len(given) > 1 && given[0] == wanted[0] &&
			(contains(given, wanted) || contains(wanted, given)) {
			return k
		}
	}
	if rest, ok := strings.CutPrefix(name, "CRMSYNC_"); ok && isKnown(rest, known) {
		return rest
	}
	return ""
}

// synonyms maps words in the variables of other programs to this program's.
var synonyms = map[string]string{
	"SF": "SALESFORCE", "SFDC": "SALESFORCE", "PG": "DATABASE",
	"POSTGRES": "DATABASE", "POSTGRESQL": "DATABASE", "DB": "DATABASE",
	"APIKEY": "TOKEN", "URI": "URL", "DSN": "URL", "USER": "USERNAME", "PASS": "PASSWORD",
}

// words returns the words of a name, in this program's spelling.
func words(name string) (all []string) {
	for word := range strings.SplitSeq(strings.TrimPrefix(strings.TrimSuffix(name, "_FILE"), "CRMSYNC_"), "_") {
		if own := synonyms[word]; own != "" {
			word = own
		}
		all = append(all, word)
	}
	return all
}

// contains reports whether a name contains all words of another.
func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(word string) bool { return !slices.Contains(all, word) })
}
