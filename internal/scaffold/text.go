package scaffold

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// text returns the draft's record as YAML, indented as in a mapping.
func (d *draft) text() string {
	w := &strings.Builder{}
	fmt.Fprintf(w, "      %s:\n        object: %s\n", quote(d.recordName()), d.object.Name)
	if id := d.idColumn(); id.ID != "" {
		fmt.Fprintf(w, "        id_column: %s%s\n", quote(id.ID), comment(id.Title))
	} else {
		fmt.Fprint(w, "        # id_column: column_id  # a text column that shows the Salesforce Id\n")
	}
	if slices.ContainsFunc(d.lines, func(l line) bool { return l.field.Name == "Email" && l.doubt == "" }) {
		fmt.Fprint(w, "        # match: [Email]  # links an existing record before creating one\n")
	}
	fmt.Fprint(w, "        fields:\n")
	for _, l := range d.lines {
		l.write(w)
	}
	if left := d.left(); len(left) > 0 {
		fmt.Fprint(w, "\n          # Columns without a matching field:\n")
		for _, c := range left {
			fmt.Fprintf(w, "          #   %s (%s)%s\n", oneLine(c.ID), oneLine(string(c.Type)), comment(c.Title))
		}
	}
	return w.String()
}

// write writes the line, or lines, of a field.
func (l line) write(w *strings.Builder) {
	indent := "          "
	if l.doubt != "" {
		indent += "# "
	}
	about := comment(joined(l.about, l.doubt, l.values()))
	if l.labels == nil {
		fmt.Fprintf(w, "%s%s: %s%s\n", indent, l.field.Name, l.source, about)
		return
	}
	fmt.Fprintf(w, "%s%s:%s\n%s  from: %s\n%s  labels:\n", indent, l.field.Name, about, indent, l.source, indent)
	for _, c := range l.labels {
		if c.value != "" {
			fmt.Fprintf(w, "%s    %s: %s\n", indent, quote(c.label), quote(c.value))
		} else {
			fmt.Fprintf(w, "%s    # %s: value%s\n", indent, quote(c.label), comment("no matching picklist value"))
		}
	}
	fmt.Fprintf(w, "%s  # default: %s%s\n", indent, quote(l.fallback()), comment("for every other label, or none"))
}

// joined joins non-empty texts with colons.
func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), ": ")
}

// values lists the values of the field's picklist, as far as they fit into a comment.
func (l line) values() string {
	var all []string
	for _, v := range l.field.Picklist {
		if v.Active {
			all = append(all, v.Value)
		}
	}
	switch {
	case len(all) == 0:
		return ""
	case len(all) > mostValues:
		return fmt.Sprintf("%s, and %d more", strings.Join(all[:mostValues], ", "), len(all)-mostValues)
	}
	return strings.Join(all, ", ")
}

// mostValues is how many values of a picklist a comment lists.
const mostValues = 20

// fallback returns the picklist's value for a new record without one, or else its first value.
func (l line) fallback() (value string) {
	for _, v := range l.field.Picklist {
		if v.Active && (v.Default || value == "") {
			value = v.Value
		}
		if v.Active && v.Default {
			break
		}
	}
	return value
}

// boardName returns the mapping's name for a board.
func boardName(name string) string {
	name = strings.Join(strings.FieldsFunc(strings.ToLower(name),
		func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "_")
	if name == "" {
		return "board"
	}
	return name
}

func comment(text string) string {
	if text = oneLine(text); text == "" {
		return ""
	}
	return "  # " + text
}

// oneLine makes foreign text safe for a comment.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }),
		" ")
}

var (
	bare     = regexp.MustCompile(`^[A-Za-z_]([A-Za-z0-9_ /.-]*[A-Za-z0-9_.])?$`)
	reserved = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|y|n|null|nan|inf)$`)
)

// quote returns a text as YAML, in quotes if it would otherwise be something else.
func quote(text string) string {
	if bare.MatchString(text) && !reserved.MatchString(text) {
		return text
	}
	w := &strings.Builder{}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	_ = out.Encode(text) // a string, into memory
	return strings.TrimSuffix(w.String(), "\n")
}
