package audit

import (
	"fmt"
	"slices"
	"strings"

	"crmsync/mondayclient"
	"crmsync/schema/mapping"
)

// most is how many words a message lists.
const most = 20

// beside ends a message about a word that does not exist with the existing words, and suggests the one that may be
// meant.
func beside(got string, known []string) string {
	if len(known) == 0 {
		return ""
	}
	return there(len(known), quoted(known)) + mapping.Suggestion(got, known)
}

// there lists the existing words.
func there(n int, words string) string {
	if n == 1 {
		return " (there is " + words + ")"
	}
	return " (there are " + words + ")"
}

// besideColumns is beside with the titles of the columns, which people know.
func besideColumns(got string, known columns) string {
	var ids, titled []string
	for id := range known {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids[:min(most, len(ids))] {
		titled = append(titled, fmt.Sprintf("%s %q", id, known[id].Title))
	}
	if len(ids) == 0 {
		return ""
	}
	return there(len(ids), strings.Join(titled, ", ")+more(len(ids))) + mapping.Suggestion(got, ids)
}

// besideBoards lists boards with their names.
func besideBoards(boards []mondayclient.Board) string {
	var named []string
	for _, b := range boards[:min(most, len(boards))] {
		named = append(named, fmt.Sprintf("%d %q", b.ID, b.Name))
	}
	if len(named) == 0 {
		return ""
	}
	return there(len(boards), strings.Join(named, ", ")+more(len(boards)))
}

// quoted lists quoted texts.
func quoted(texts []string) string {
	var all []string
	for _, text := range texts[:min(most, len(texts))] {
		all = append(all, fmt.Sprintf("%q", text))
	}
	return strings.Join(all, ", ") + more(len(texts))
}

// more returns how many of n words a list omits, in words.
func more(n int) string {
	if n <= most {
		return ""
	}
	return fmt.Sprintf(" and %d more", n-most)
}

// characters returns a number of characters, in words.
func characters(n int) string {
	if n == 1 {
		return "1 character"
	}
	return fmt.Sprintf("%d characters", n)
}
