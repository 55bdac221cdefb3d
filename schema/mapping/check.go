package mapping

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/nyaruka/phonenumbers"
)

var (
	apiName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	ownName  = regexp.MustCompile(`^[\pL\pN_-]+$`)
	columnID = regexp.MustCompile(`^[^\s{}]+$`)
	userID   = regexp.MustCompile(`^005[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$`)
	days     = regexp.MustCompile(`^\+([0-9]{1,5})d$`)
	period   = regexp.MustCompile(`^[+-] ?[0-9]+ ?[A-Za-z]+$`)
)

// exclusions lists the keys of a field that cannot be combined.
var exclusions = []struct {
	key    string
	others []string
}{
	{"from", []string{"value", "template", "record"}},
	{"value", []string{"template", "record", "as", "labels", "default", "link"}},
	{"template", []string{"record", "labels", "link"}},
	{"record", []string{"as", "labels", "default", "link"}},
	{"link", []string{"as", "labels", "default"}},
	{"labels", []string{"as"}},
}

// typed lists the conversions that read more than the text of a column.
var typed = []string{"country_code", "datetime", "user"}

// checkForm checks that the keys of a field make one form.
func (d *decoder) checkForm(f *Field, field place, at map[string]place) {
	for _, x := range exclusions {
		if _, ok := at[x.key]; !ok {
			continue
		}
		for _, other := range x.others {
			if p, ok := at[other]; ok {
				d.fault(p, "%q cannot be combined with %q", other, x.key)
			}
		}
	}
	if f.form == "" {
		d.fault(field, `one of "from", "value", "template" or "record" is missing`)
	}
	if p, ok := at["link"]; ok && f.from == itemName {
		d.fault(p, "the item's name is text and cannot link to an item")
	}
	if p, ok := at["as"]; ok && slices.Contains(typed, f.as) && (f.from == itemName || f.form == template) {
		d.fault(p, "text cannot be read as %q", f.as)
	}
}

// checkField checks the name of a field against earlier ones.
func (d *decoder) checkField(r *Record, name word) {
	switch {
	case !apiName.MatchString(name.text):
		d.fault(name.place, "%q is not a valid Salesforce API name", name.text)
	case strings.EqualFold(name.text, "Id"):
		d.fault(name.place, "Salesforce assigns the Id; it cannot be written")
	}
	for _, f := range r.Fields {
		if strings.EqualFold(f.Name, name.text) {
			d.fault(name.place, "field %q is already mapped on line %d", name.text, f.Line)
		}
	}
}

// checkMatch checks that the fields of `match` can identify an existing record.
func (d *decoder) checkMatch(r *Record, match []word) {
	for i, w := range match {
		n := slices.IndexFunc(r.Fields, func(f *Field) bool { return f.Name == w.text })
		switch {
		case slices.Contains(r.Match[:i], w.text):
			d.fault(w.place, "field %q is listed twice", w.text)
		case n < 0:
			fields := make([]string, len(r.Fields))
			for i, f := range r.Fields {
				fields[i] = f.Name
			}
			d.fault(w.place, "record %q has no field %q%s", r.Name, w.text, suggestion(w.text, fields))
		case r.Fields[n].form == sibling || r.Fields[n].as == "user" || d.links(r.Fields[n]):
			d.fault(w.place, "field %q refers to a record; only plain values can be matched", w.text)
		}
	}
}

func (d *decoder) links(f *Field) bool {
	return slices.ContainsFunc(d.refs, func(r reference) bool { return r.field == f })
}

// checkRecord checks a record by itself and against earlier records of its board.
func (d *decoder) checkRecord(r *Record, at map[string]place) {
	if r.Shared && at["match"] == (place{}) {
		d.fault(at["shared"], `a shared record needs "match", by which it is found`)
	}
	if r.Shared && r.DeleteWithItem {
		d.fault(at["on_delete"], "a shared record belongs to several items and is never deleted with one")
	}
	for _, other := range r.Board.Records {
		if r.Object != "" && strings.EqualFold(r.Object, other.Object) && !r.Shared && !other.Shared {
			d.fault(at["object"], "record %q already writes the object %s; both would carry the item's id in the key field",
				other.Name, other.Object)
			return
		}
	}
}

// checkName checks the name of a board or record; a link joins the two with a dot.
func (d *decoder) checkName(w word) {
	if !ownName.MatchString(w.text) {
		d.fault(w.place, "%q is not a valid name: use only letters, digits, _ and -", w.text)
	}
}

func (d *decoder) checkColumn(w word) string {
	if !columnID.MatchString(w.text) {
		d.fault(w.place, "%q is not a column id (ids contain no spaces; the column's menu in Monday shows them)",
			w.text)
	}
	return w.text
}

func (d *decoder) column(n ast.Node) string {
	w, ok := d.text(n)
	if !ok {
		return ""
	}
	return d.checkColumn(w)
}

// idColumn reads the column that shows a record's Id. No other record may use it.
func (d *decoder) idColumn(b *Board, n ast.Node) string {
	id := d.column(n)
	if id == itemName {
		d.fault(placeOf(n), "the item's name cannot hold the Salesforce Id")
	}
	for _, r := range b.Records {
		if id != "" && r.IDColumn == id {
			d.fault(placeOf(n), "column %q already shows the Id of record %q", id, r.Name)
		}
	}
	return id
}

func (d *decoder) boardID(m *Mapping, b *Board, n ast.Node) int64 {
	id, ok := d.integer(n)
	if !ok {
		return 0
	}
	switch other := m.byID[id]; {
	case id <= 0:
		d.fault(placeOf(n), "%d is not a valid board id", id)
	case other != nil:
		d.fault(placeOf(n), "board %d is already mapped as %q", id, other.Name)
	default:
		m.byID[id] = b
	}
	return id
}

func (d *decoder) onDelete(n ast.Node) bool {
	return d.oneOf(n, "on_delete", "keep", "delete") == "delete"
}

func (d *decoder) as(n ast.Node) string {
	return d.oneOf(n, "as", slices.Sorted(maps.Keys(conversions))...)
}

// oneOf reads one of the words; the fault for any other word lists them.
func (d *decoder) oneOf(n ast.Node, key string, words ...string) string {
	w, ok := d.text(n)
	if ok && !slices.Contains(words, w.text) {
		d.fault(w.place, "%q is not a valid value of %q%s (%s)",
			w.text, key, suggestion(w.text, words), strings.Join(words, ", "))
		return ""
	}
	return w.text
}

// apiName reads the name of a Salesforce object or field.
func (d *decoder) apiName(n ast.Node) string {
	w, ok := d.text(n)
	if ok && !apiName.MatchString(w.text) {
		d.fault(w.place, "%q is not a valid Salesforce API name", w.text)
	}
	return w.text
}

func (d *decoder) region(n ast.Node) string {
	w, ok := d.text(n)
	if ok && !phonenumbers.GetSupportedRegions()[w.text] {
		d.fault(w.place, "%q is not a country code such as US", w.text)
	}
	return w.text
}

func (d *decoder) user(n ast.Node) string {
	w, ok := d.text(n)
	if ok && !userID.MatchString(w.text) {
		d.fault(w.place, "%q is not the Id of a Salesforce user: it must have 15 or 18 characters and begin with "+
			"005", w.text)
	}
	return w.text
}

// fallback reads a default.
func (d *decoder) fallback(n ast.Node) *fallback {
	v := d.scalar(n)
	s, _ := v.(string)
	if m := days.FindStringSubmatch(s); m != nil {
		after, _ := strconv.Atoi(m[1])
		return &fallback{relative: true, days: after}
	}
	if period.MatchString(s) {
		d.fault(placeOf(n), "%q is not a valid delay: +90d means 90 days later, and +0d to +99999d are allowed", s)
	}
	return &fallback{literal: v}
}

// template splits a template at its columns. A doubled brace stands for a single one.
func (d *decoder) template(n ast.Node) []part {
	w, ok := d.text(n)
	if !ok {
		return nil
	}
	parts, err := splitTemplate(w.text)
	if err != nil {
		d.fault(w.place, "%v", err)
	}
	return parts
}

func splitTemplate(s string) (parts []part, err error) {
	columns := 0
	for s != "" {
		i := strings.IndexAny(s, "{}")
		switch {
		case i < 0:
			parts, s = append(parts, part{text: s}), ""
		case i > 0:
			parts, s = append(parts, part{text: s[:i]}), s[i:]
		case strings.HasPrefix(s, "{{"), strings.HasPrefix(s, "}}"):
			parts, s = append(parts, part{text: s[:1]}), s[2:]
		default:
			id, rest, closed := strings.Cut(s[1:], "}")
			if s[0] == '}' || !closed || !columnID.MatchString(id) {
				return nil, fmt.Errorf("the template has a brace without a column id; double it to use it as text")
			}
			parts, s = append(parts, part{column: id}), rest
			columns++
		}
	}
	if columns == 0 {
		return nil, fmt.Errorf(`the template names no column; use "value" for fixed text`)
	}
	return parts, nil
}
