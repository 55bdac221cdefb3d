package mapping

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"github.com/goccy/go-yaml/ast"
)

// place is a line and a column in the file, both from 1.
type place struct{ line, column int }

// word is a text and its place.
type word struct {
	place
	text string
}

// entry is a key of a YAML mapping and its value.
type entry struct {
	key   word
	value ast.Node
}

// keys maps each key of a YAML mapping to the function that reads it. A new key of the file is a new entry in one of
// these.
type keys map[string]func(ast.Node)

// decimal matches the accepted form of numbers. YAML's other forms (012, 1_000, 0x1F, +5) mean something else to most
// people.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// object reads a YAML mapping with known keys and returns the place of each key. A missing required key is a fault at
// the place of the whole.
func (d *decoder) object(whole place, n ast.Node, known keys, required ...string) map[string]place {
	entries, ok := d.entries(n)
	if !ok {
		return nil
	}
	at := make(map[string]place, len(entries))
	for _, e := range entries {
		read, ok := known[e.key.text]
		if !ok {
			d.fault(e.key.place, "unknown key %q%s", e.key.text, suggestion(e.key.text, names(known)))
			continue
		}
		at[e.key.text] = e.key.place
		read(e.value)
	}
	for _, key := range required {
		if _, ok := at[key]; !ok {
			d.fault(whole, "%q is missing", key)
		}
	}
	return at
}

// entries returns the entries of a YAML mapping, omitting repeated keys.
func (d *decoder) entries(n ast.Node) ([]entry, bool) {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.faultKind(n, "a mapping")
		return nil, false
	}
	var entries []entry
	lines := map[string]int{}
	for it := m.MapRange(); it.Next(); {
		key, ok := d.label(it.Key())
		if !ok {
			continue
		}
		if line, ok := lines[key.text]; ok {
			d.fault(key.place, "key %q is already set on line %d", key.text, line)
			continue
		}
		lines[key.text] = key.line
		entries = append(entries, entry{key, it.Value()})
	}
	return entries, true
}

// nonEmpty returns the entries of a YAML mapping that must not be empty.
func (d *decoder) nonEmpty(n ast.Node, of string) []entry {
	entries, ok := d.entries(n)
	if ok && len(entries) == 0 {
		d.fault(placeOf(n), "expected at least one %s", of)
	}
	return entries
}

// list returns the elements of a YAML list that must not be empty.
func (d *decoder) list(n ast.Node) []ast.Node {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.faultKind(n, "a list")
		return nil
	}
	if len(s.Values) == 0 {
		d.fault(placeOf(n), "the list is empty")
	}
	return s.Values
}

// text reads a text.
func (d *decoder) text(n ast.Node) (word, bool) {
	w := word{place: placeOf(n)}
	switch n := n.(type) {
	case *ast.StringNode:
		w.text = n.Value
	case *ast.LiteralNode:
		w.text = n.Value.Value
	default:
		d.faultKind(n, "text")
		return w, false
	}
	if strings.ContainsRune(w.text, 0) || !utf8.ValidString(w.text) {
		d.fault(w.place, "the text contains a character that cannot be stored")
		return w, false
	}
	return w, true
}

// label reads a text that may be unquoted even if it looks like a number or a boolean.
func (d *decoder) label(n ast.Node) (word, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return word{placeOf(n), n.GetToken().Value}, true
	case *ast.BoolNode:
		if s := n.GetToken().Value; s == strconv.FormatBool(n.Value) {
			return word{placeOf(n), s}, true
		}
	}
	return d.text(n)
}

// boolean reads true or false.
func (d *decoder) boolean(n ast.Node) bool {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		d.faultKind(n, "true or false")
		return false
	}
	return b.Value
}

// integer reads a whole number.
func (d *decoder) integer(n ast.Node) (int64, bool) {
	if i, ok := n.(*ast.IntegerNode); ok && decimal.MatchString(i.GetToken().Value) {
		if v, err := strconv.ParseInt(i.GetToken().Value, 10, 64); err == nil {
			return v, true
		}
	}
	d.faultKind(n, "a whole number")
	return 0, false
}

// scalar reads a text, a number (float64), a boolean, or null (nil).
func (d *decoder) scalar(n ast.Node) any {
	switch n := n.(type) {
	case *ast.NullNode:
		return nil
	case *ast.BoolNode:
		return n.Value
	case *ast.IntegerNode, *ast.FloatNode:
		s := n.GetToken().Value
		v, err := strconv.ParseFloat(s, 64)
		_, float := n.(*ast.FloatNode)
		if err != nil || !decimal.MatchString(s) || !float && math.Abs(v) > 1<<53 {
			d.fault(placeOf(n), "%s is not a plain decimal number; write it in quotes if it is text", s)
			return nil
		}
		return v
	case *ast.StringNode, *ast.LiteralNode:
		w, _ := d.text(n)
		return w.text
	default:
		d.faultKind(n, "text, a number, true, false or null")
		return nil
	}
}

// faultKind reports that a node is not of the wanted kind.
func (d *decoder) faultKind(n ast.Node, wanted string) {
	kind, quote := kindOf(n)
	if quote && wanted == "text" {
		wanted += " (in quotes)"
	}
	d.fault(placeOf(n), "expected %s, found %s", wanted, kind)
}

// kindOf describes a node, and reports whether quotes would turn it into text.
func kindOf(n ast.Node) (kind string, quote bool) {
	switch n.(type) {
	case ast.MapNode:
		return "a mapping", false
	case *ast.SequenceNode:
		return "a list", false
	case *ast.StringNode, *ast.LiteralNode:
		return "text", false
	case *ast.BoolNode:
		return "a boolean", true
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number", true
	default:
		return "null", false
	}
}

// placeOf returns where a node begins; a YAML mapping without braces begins at its first key.
func placeOf(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return place{1, 1}
	}
	p := n.GetToken().Position
	return place{p.Line, p.Column}
}

// names returns the keys of a map, sorted.
func names[V any](m map[string]V) []string {
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// suggestion suggests the known word nearest to a misspelled one, if any is near.
func suggestion(got string, known []string) string {
	best, least := "", (len(got)+2)/3+1
	for _, k := range known {
		if n := levenshtein.ComputeDistance(strings.ToLower(got), strings.ToLower(k)); n < least {
			best, least = k, n
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + strconv.Quote(best) + "?"
}
