package app

import (
	"encoding/json"
	"slices"
	"strings"
)

// FillEnv writes variables into the text of an env file. Each replaces the line that sets it or, failing that, the
// comment with its default, or is appended. All other lines stay as they are.
func FillEnv(text string, values map[string]string) string {
	var names []string
	for name, value := range values {
		if value != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, name := range names {
		line := name + "=" + quoteEnv(values[name])
		if at := lineOf(lines, name); at >= 0 {
			lines[at] = line
		} else {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// lineOf returns the line that sets a variable, or else the comment with its default; -1: neither exists.
func lineOf(lines []string, name string) int {
	sets := func(prefix string) int {
		return slices.IndexFunc(lines, func(line string) bool {
			line, ok := strings.CutPrefix(strings.TrimSpace(line), prefix)
			set, _, has := strings.Cut(strings.TrimPrefix(line, "export "), "=")
			return ok && has && strings.TrimSpace(set) == name
		})
	}
	if at := sets(""); at >= 0 {
		return at
	}
	return sets("#")
}

// quoteEnv returns a value as it is written in an env file, in quotes if it would otherwise be read as another value.
func quoteEnv(value string) string {
	if !strings.ContainsAny(value, " \t\r\n#'\"\\") {
		return value
	}
	w := &strings.Builder{}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	_ = out.Encode(value) // never fails for a string
	return strings.TrimSuffix(w.String(), "\n")
}
