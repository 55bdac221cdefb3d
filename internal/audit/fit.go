package audit

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// longText is the maximum number of characters in a long-text column of Monday.
const longText = 2000

// shape is the form of a value that is sent.
type shape string

const (
	unknown   shape = "" // not checked
	text      shape = "text"
	number    shape = "a number"
	boolean   shape = "true or false"
	day       shape = "a date"
	moment    shape = "a date with time"
	reference shape = "a record"
)

// fitting is a Salesforce field, with what is known of the board that fills it.
type fitting struct {
	name    string // object.field
	field   sfclient.Field
	columns columns
	timed   []string // date columns that contain dates with a time
}

// fit checks everything that a field of the mapping may write.
func (a *auditor) fit(f *mapping.Field, to fitting) {
	if value, ok := f.Fixed(); ok {
		a.literal(f.At("value"), value, to)
		return
	}
	for _, c := range f.Labels() {
		a.literal(c.At, c.Value, to)
	}
	if value, relative, ok := f.Default(); relative {
		a.checkShape(f.At("default"), day, "", to)
	} else if ok {
		a.literal(f.At("default"), value, to)
	}
	if target := f.Record(); target != nil {
		a.refers(f.At("record"), target.Object, to)
		return
	}
	if target := f.Link(); target != nil {
		a.refers(f.At("link"), target.Object, to)
		return
	}
	if f.As() == "user" {
		a.refers(f.At("as"), "User", to)
		return
	}
	if len(f.Labels()) == 0 {
		t := to.typeOf(f)
		a.checkShape(f.At("from"), shapeOf(f, t), t, to)
		a.checkTexts(f, to)
		a.timeZone(f, t, to)
	}
}

// typeOf returns the type of the only column from which a field is read, or "" if unknown.
func (to fitting) typeOf(f *mapping.Field) column.Type {
	ids := f.Columns()
	switch {
	case len(ids) != 1 || f.IsTemplate() || ids[0] == itemName:
		return column.Text
	default:
		return to.columns[ids[0]].Type
	}
}

// shapeOf returns the shape of a value from a column of the type.
func shapeOf(f *mapping.Field, t column.Type) shape {
	switch f.As() {
	case "number":
		return number
	case "datetime":
		return moment
	case "":
		if f.IsTemplate() {
			return text
		}
	default:
		return text
	}
	switch t {
	case "", column.People, column.BoardRelation:
		return unknown
	case column.Numbers:
		return number
	case column.Date:
		return day
	case column.Checkbox:
		return boolean
	}
	return text
}

// checkShape checks a value when only its shape is known.
func (a *auditor) checkShape(at mapping.Place, s shape, t column.Type, to fitting) {
	severity, advice := fits(s, t, to.field)
	if severity == "" {
		return
	}
	a.find(severity, Salesforce, at, "%s is of type %s, and gets %s%s", to.name, to.field.Type, s, advice)
}

// verdict is the result for a shape and a kind; without a severity the value fits. The advice ends the message.
type verdict struct {
	severity Severity
	advice   string
	columns  func(column.Type) bool // column types this applies to; nil: all. Others are rejected
}

// verdicts lists whether a value of a shape fits a field of a kind. Combinations not listed are rejected.
var verdicts = map[shape]map[Kind]verdict{
	text: {
		Textual:   {},
		Numeric:   {Warning, `; "as: number" finds text that is not a number before Salesforce does`, worded},
		Boolean:   {columns: isCheckbox},
		Date:      {Warning, asWritten, isText},
		DateTime:  {Warning, asWritten, isText},
		Reference: {Warning, asWritten, isText},
	},
	number:  {Numeric: {}, Textual: {Error, `; add "as: text"`, nil}},
	boolean: {Boolean: {}, Textual: {Error, `; add "as: text"`, nil}},
	day:     {Date: {}, Textual: {}, DateTime: {Error, `; add "as: datetime"`, isDate}},
	moment:  {DateTime: {}, Textual: {}},
}

const asWritten = ", which must have Salesforce's format"

func isCheckbox(t column.Type) bool { return t == column.Checkbox }
func isDate(t column.Type) bool     { return t == column.Date }
func isText(t column.Type) bool     { return t == column.Text || t == column.LongText }

// fits returns the result for a value of a shape, from a column of a type.
func fits(s shape, t column.Type, field sfclient.Field) (severity Severity, advice string) {
	kind := KindOf(field)
	if s == unknown || kind == "" {
		return "", ""
	}
	v, ok := verdicts[s][kind]
	switch {
	case !ok, v.columns != nil && !v.columns(t):
		return Error, ""
	case s == text && kind == Textual && t == column.LongText && field.Length > 0 && field.Length < longText:
		return Warning, " of up to 2,000 characters; the field holds " + strconv.Itoa(field.Length)
	}
	return v.severity, v.advice
}

// timeZone checks that the mapping sets the time zone in which a date with a time becomes a day.
func (a *auditor) timeZone(f *mapping.Field, t column.Type, to fitting) {
	if a.mapping.TimeZone != nil || t != column.Date || shapeOf(f, t) != day || KindOf(to.field) != Date {
		return
	}
	id := f.Columns()[0]
	if slices.Contains(to.timed, id) {
		a.find(Warning, Monday, f.At("from"), "column %q holds dates with a time, and %s gets the day in UTC%s",
			id, to.name, localDay)
	} else {
		a.find(Note, Monday, f.At("from"), "if column %q also holds a time, %s gets the day in UTC%s",
			id, to.name, localDay)
	}
}

const localDay = `; set "time_zone" in "defaults" to get the local day`

// refers checks a field that receives the Id of a record.
func (a *auditor) refers(at mapping.Place, object string, to fitting) {
	switch kind := KindOf(to.field); {
	case kind == Reference:
		named := func(o string) bool { return strings.EqualFold(o, object) }
		if len(to.field.ReferenceTo) > 0 && !slices.ContainsFunc(to.field.ReferenceTo, named) {
			a.find(Error, Salesforce, at, "%s refers to %s, not to %s",
				to.name, strings.Join(to.field.ReferenceTo, ", "), object)
		}
	case kind != Textual && kind != "":
		a.find(Error, Salesforce, at, "%s is of type %s, and gets the Id of a record", to.name, to.field.Type)
	}
}

var recordID = regexp.MustCompile(`^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$`)

// literal checks a value from the mapping itself. Null always fits: required fields are checked separately.
func (a *auditor) literal(at mapping.Place, value any, to fitting) {
	kind, fits := KindOf(to.field), true
	switch v := value.(type) {
	case float64:
		fits = kind == Numeric || kind == ""
	case bool:
		fits = kind == Boolean || kind == ""
	case string:
		switch kind {
		case Numeric:
			_, err := strconv.ParseFloat(v, 64)
			fits = err == nil
		case Boolean:
			fits = v == "true" || v == "false"
		case Date:
			_, err := time.Parse(time.DateOnly, v)
			fits = err == nil
		case DateTime:
			_, err := time.Parse(time.RFC3339, v)
			fits = err == nil
		case Reference:
			fits = recordID.MatchString(v)
		case Textual:
			a.literalText(at, v, to)
		}
	}
	if !fits {
		a.find(Error, Salesforce, at, "%s is of type %s, and Salesforce rejects %s", to.name, to.field.Type,
			shown(value))
	}
}

// literalText checks the length of a text and, for a picklist, that the value exists.
func (a *auditor) literalText(at mapping.Place, value string, to fitting) {
	if n := utf8.RuneCountInString(value); to.field.Length > 0 && n > to.field.Length {
		a.find(Error, Salesforce, at, "%s holds %s; this text has %d", to.name, characters(to.field.Length), n)
	}
	for _, part := range choicesIn(value, to.field) {
		if offers(to.field, part) {
			continue
		}
		severity, what := Warning, "picklist"
		if to.field.RestrictedPicklist {
			severity, what = Error, "restricted picklist"
		}
		a.find(severity, Salesforce, at, "%s is a %s without the value %q%s",
			to.name, what, part, beside(part, activeValues(to.field)))
	}
}

// checkTexts checks the texts that are written to a restricted picklist unchanged.
func (a *auditor) checkTexts(f *mapping.Field, to fitting) {
	ids := f.Columns()
	if !to.field.RestrictedPicklist || to.columns == nil || len(ids) != 1 {
		return
	}
	c, at := to.columns[ids[0]], f.At("from")
	switch {
	case c.ID == "" && ids[0] != itemName:
		return
	case len(c.Labels) == 0 || f.IsTemplate():
		a.find(Warning, Salesforce, at, "%s is a restricted picklist: text that is not one of its values is rejected",
			to.name)
		return
	case f.As() != "" && f.As() != "text" && f.As() != "trim":
		return
	}
	var missing []string
	for _, label := range c.Labels {
		if !offers(to.field, label) {
			missing = append(missing, label)
		}
	}
	if len(missing) > 0 {
		a.find(Warning, Salesforce, at, "%s is a restricted picklist, and column %q has labels that are not "+
			"values of it: %s", to.name, c.ID, quoted(missing))
	}
}

// choicesIn returns the values of a picklist in a text; none if the field is not a picklist.
func choicesIn(value string, field sfclient.Field) []string {
	switch field.Type {
	case "picklist":
		return []string{value}
	case "multipicklist":
		return strings.Split(value, ";")
	}
	return nil
}

func offers(field sfclient.Field, value string) bool {
	return slices.Contains(activeValues(field), value)
}

func activeValues(field sfclient.Field) (values []string) {
	for _, v := range field.Picklist {
		if v.Active {
			values = append(values, v.Value)
		}
	}
	return values
}

// shown formats a value from the mapping itself.
func shown(value any) string {
	switch v := value.(type) {
	case string:
		return strconv.Quote(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64) + " (a number)"
	default:
		return "true or false"
	}
}
