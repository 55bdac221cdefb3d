package mapping

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"crmsync/mondayclient/column"
)

// Back returns the column's value for a value of the field: Desired in reverse. now is what the column holds. It
// determines the column's type, and which of several labels with the same value a dropdown keeps. Back is not ok if
// the column has no unique value. For a field with a Link, item is the item of the record that the value refers to, or
// 0.
func (f *Field) Back(value any, now column.Value, item int64) (column.Value, bool) {
	v := column.Value{Type: now.Type}
	switch {
	case f.from == itemName && !isName(literalText(value)):
		return v, false
	case f.link != nil:
		if value != nil && item != 0 {
			v.IDs = []int64{item}
		}
		return v, now.Type == column.BoardRelation && (value == nil || item != 0)
	case f.labels != nil && value != nil && Fillable(now.Type):
		return f.unlabeled(value, now)
	}
	return backwards(value, v, f.locale.region)
}

// maxName is the maximum length of an item's name in characters.
const maxName = 255

// isName reports whether an item can have the text as its name.
func isName(text string) bool { return !blank(text) && utf8.RuneCountInString(text) <= maxName }

// backwards returns the value of a column of v's type for a value that is used unchanged.
func backwards(value any, v column.Value, region string) (column.Value, bool) {
	switch {
	case !Fillable(v.Type):
		return v, false
	case value == nil:
		return v, true
	}
	return filled(v, literalText(value), region)
}

// Fillable reports whether a Salesforce value can fill a column of the type, that is, determines everything the
// column holds.
func Fillable(typ column.Type) bool {
	switch typ {
	case column.Checkbox, column.Date, column.Dropdown, column.Email, column.Link, column.LongText, column.Numbers,
		column.Phone, column.Status, column.Text:
		return true
	}
	return false
}

// unlabeled returns the label with the value, and nothing for the default's value. If several labels have the same
// value, it returns the first, unless a dropdown currently shows another one.
func (f *Field) unlabeled(value any, now column.Value) (column.Value, bool) {
	v := column.Value{Type: now.Type}
	if v.Type == column.Dropdown {
		for part := range strings.SplitSeq(literalText(value), ";") {
			label, ok := f.labelOf(part, now.Labels)
			if !ok {
				return column.Value{Type: v.Type}, f.isDefault(value)
			}
			v.Labels = append(v.Labels, label)
		}
		return v, true
	}
	label, ok := f.labelOf(literalText(value), nil)
	if !ok {
		return v, f.isDefault(value)
	}
	return filled(v, label, f.locale.region)
}

// labelOf returns the label with the value, one of the preferred ones if there is any.
func (f *Field) labelOf(text string, preferred []string) (string, bool) {
	for _, labels := range [][]string{preferred, f.order} {
		for _, label := range labels {
			if mapped := f.labels[label]; mapped != nil && literalText(mapped) == text {
				return label, true
			}
		}
	}
	return "", false
}

func (f *Field) isDefault(value any) bool {
	d := f.fallback
	return d != nil && !d.relative && d.literal != nil && literalText(d.literal) == literalText(value)
}

// filled stores text in a column value of v's type.
func filled(v column.Value, text, region string) (column.Value, bool) {
	if blank(text) {
		return v, true
	}
	switch v.Type {
	case column.Checkbox:
		v.Checked = text == "true"
		return v, text == "true" || text == "false"
	case column.Numbers:
		v.Text = text
		_, code := number(v, "")
		return v, code == ""
	case column.Date:
		return dated(v, text)
	case column.Dropdown:
		v.Labels = strings.Split(text, ";")
		return v, true
	case column.Phone:
		v.Text, v.Code = text, regionOf(text, region)
		return v, true
	}
	v.Text = text
	return v, true
}

// dated parses a date, or a time in the format of Salesforce or RFC 3339.
func dated(v column.Value, text string) (column.Value, bool) {
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		v.Text = text
		return v, true
	}
	at, ok := instant(text)
	if ok {
		v.Text, v.Time = at.Format(time.DateOnly), at.Format(time.TimeOnly)
	}
	return v, ok
}

// instant parses a time in the format of Salesforce or RFC 3339.
func instant(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.000-0700"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// regionOf returns the country of a phone number, or "": Monday shows its flag.
func regionOf(text, region string) string {
	n, err := phonenumbers.Parse(text, region)
	if err != nil {
		return ""
	}
	if code := phonenumbers.GetRegionCodeForNumber(n); len(code) == 2 && code != "ZZ" {
		return code
	}
	return ""
}

// literalText returns a field's value as text.
func literalText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
