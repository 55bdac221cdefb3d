package console

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"crmsync/internal/report"
	"crmsync/internal/words"
	"crmsync/schema/store"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/settle"
)

// functions are what templates call.
func (s *Console) functions() template.FuncMap {
	return template.FuncMap{
		"asset":    func(file string) string { return s.asset[file] },
		"board":    s.boardOf,
		"number":   words.Number[int],
		"plural":   plural,
		"clip":     func(text string) string { return clip(text, valueShown) },
		"value":    value,
		"moment":   moment,
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"level":    func(state report.State) string { return levels[state] },
		"advice":   func(c store.Cause) string { return c.Advice().Text() },
		"rule":     rule,
		"columns":  columns,
		"dict":     dict,
		"duration": duration,
		"system":   systemName,
		"int":      func(n *int64) int64 { return *n },
		"event":    func(name string) string { return report.EventWords(name, "") },
		"kind":     func(kind string) string { return plan.Kind(kind).Words() },
	}
}

// valueShown is how many characters of a value a page shows.
const valueShown = 300

// clip cuts a text to a length.
func clip(text string, longest int) string {
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

// value returns a value of the ledger for people to read.
func value(v any) string {
	if v == nil {
		return ""
	}
	return clip(fmt.Sprint(v), valueShown)
}

// boardOf returns what a board is called: its name in the mapping, or its id.
func (s *Console) boardOf(id any) string {
	switch n := id.(type) {
	case int64:
		if name := s.boardName(n); name != "" {
			return name
		}
		return fmt.Sprintf("board %d", n)
	case *int64:
		if n != nil {
			return s.boardOf(*n)
		}
	}
	return ""
}

// systemName returns a system's name for people.
func systemName(system string) string {
	switch system {
	case "salesforce":
		return "Salesforce"
	case "monday":
		return "Monday"
	}
	return system
}

// span writes seconds for people.
func span(seconds float64) string {
	switch {
	case seconds == 0:
		return "–"
	case seconds < 1:
		return fmt.Sprintf("%.0f ms", seconds*1000)
	case seconds < 10:
		return fmt.Sprintf("%.1f s", seconds)
	case seconds < 90:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 5400:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return fmt.Sprintf("%.0f h", seconds/3600)
}

// moment formats a time relative to now: without the day if it is today, without the year if it is this one.
func moment(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("2 Jan, 15:04")
	}
	return t.Format("2 Jan 2006, 15:04")
}

// duration writes how long a run took.
func duration(from time.Time, to *time.Time, now time.Time) string {
	if to == nil {
		to = &now
	}
	took := to.Sub(from)
	if took < time.Second {
		return "under 1 s"
	}
	return span(took.Seconds())
}

// rule says which rule decided a conflict.
func rule(text string) string {
	switch text {
	case "monday":
		return "Monday wins"
	case "salesforce":
		return "Salesforce wins"
	case settle.RuleEvent:
		return "just edited in Monday"
	}
	return text
}

// columns lists the columns of a field.
func columns(f report.Field) string {
	names := make([]string, len(f.Columns))
	for n, c := range f.Columns {
		names[n] = c.Title
	}
	return strings.Join(names, ", ")
}

// dict makes a map of names and values, for templates that call others.
func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	for n := 0; n+1 < len(pairs); n += 2 {
		name, ok := pairs[n].(string)
		if !ok {
			return nil, fmt.Errorf("%v is not a name", pairs[n])
		}
		m[name] = pairs[n+1]
	}
	return m, nil
}
