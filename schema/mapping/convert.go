package mapping

import (
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"crmsync/mondayclient/column"
)

// conversion turns a column's value into a field's: the zero Value where the column is empty, or
// the code of a ValueError. The region is that of phone numbers that say none.
type conversion func(v column.Value, region string) (Value, string)

// conversions are those that `as` names.
var conversions = map[string]conversion{
	"country_code": countryCode,
	"datetime":     datetime,
	"email":        textual(func(s string) string { return strings.ToLower(strings.TrimSpace(s)) }),
	"first_name":   textual(firstName),
	"last_name":    textual(lastName),
	"lower":        textual(strings.ToLower),
	"number":       number,
	"phone":        phone,
	"text":         textual(func(s string) string { return s }),
	"trim":         textual(strings.TrimSpace),
	"upper":        textual(strings.ToUpper),
	"user":         user,
}

// plain is the form that a column's type has by itself.
func plain(v column.Value, region string) (Value, string) {
	switch v.Type {
	case column.Numbers:
		return number(v, region)
	case column.Date:
		return date(v)
	case column.Checkbox:
		return Value{Literal: v.Checked}, ""
	default:
		return conversions["text"](v, region)
	}
}

// text is a column's value as text: the labels of a dropdown joined by semicolons, a checkbox as true or false.
func text(v column.Value) string {
	switch v.Type {
	case column.Dropdown:
		return strings.Join(v.Labels, ";")
	case column.Checkbox:
		return strconv.FormatBool(v.Checked)
	default:
		return v.Text
	}
}

// refers reports whether the column holds persons or items, which have no text of their own.
func refers(v column.Value) bool {
	return v.Type == column.People || v.Type == column.BoardRelation
}

// blank reports whether a text says nothing. Salesforce stores spaces alone as null.
func blank(s string) bool { return strings.TrimSpace(s) == "" }

// literal is a text as a value, or nothing if it is blank.
func literal(s string) Value {
	if blank(s) {
		return Value{}
	}
	return Value{Literal: s}
}

// textual turns a function of the column's text into a conversion.
func textual(change func(string) string) conversion {
	return func(v column.Value, _ string) (Value, string) {
		if refers(v) {
			return Value{}, WrongColumnType
		}
		return literal(change(text(v))), ""
	}
}

// firstName is all but the last word: of a single word, nothing.
func firstName(s string) string {
	words := strings.Fields(s)
	return strings.Join(words[:max(0, len(words)-1)], " ")
}

// lastName is the last word, or the only one.
func lastName(s string) string {
	words := strings.Fields(s)
	return strings.Join(words[max(0, len(words)-1):], " ")
}

// number reads a decimal. ParseFloat alone would also take "Inf" and "0x1p-2", which JSON or people do not.
func number(v column.Value, _ string) (Value, string) {
	s := strings.TrimSpace(text(v))
	switch {
	case refers(v):
		return Value{}, WrongColumnType
	case s == "":
		return Value{}, ""
	case strings.Trim(s, "0123456789+-.eE") != "":
		return Value{}, InvalidNumber
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return Value{}, InvalidNumber
	}
	return Value{Literal: n}, ""
}

func date(v column.Value) (Value, string) {
	if blank(v.Text) {
		return Value{}, ""
	}
	if _, err := time.Parse(time.DateOnly, v.Text); err != nil {
		return Value{}, InvalidDate
	}
	return Value{Literal: v.Text}, ""
}

// day is a date without its time: the day on which that is, by the clocks of the time zone. Without a zone, or a time,
// it is the date as it stands.
func (in locale) day(v column.Value) column.Value {
	if v.Type != column.Date || v.Time == "" || in.zone == nil {
		return v
	}
	if t, err := time.Parse(time.DateTime, v.Text+" "+v.Time); err == nil {
		v.Text, v.Time = t.In(in.zone).Format(time.DateOnly), ""
	}
	return v
}

// datetime is a date with its time in UTC, or midnight.
func datetime(v column.Value, _ string) (Value, string) {
	if v.Type != column.Date {
		return Value{}, WrongColumnType
	}
	if blank(v.Text) {
		return Value{}, ""
	}
	clock := v.Time
	if clock == "" {
		clock = "00:00:00"
	}
	t, err := time.Parse(time.DateTime, v.Text+" "+clock)
	if err != nil {
		return Value{}, InvalidDate
	}
	return Value{Literal: t.Format(time.RFC3339)}, ""
}

// phone is the number in E.164, with its extension behind it. It must be of a possible length: whether it is assigned
// changes faster than any list, and is not ours to judge.
func phone(v column.Value, region string) (Value, string) {
	switch {
	case refers(v):
		return Value{}, WrongColumnType
	case blank(text(v)):
		return Value{}, ""
	}
	if phonenumbers.GetCountryCodeForRegion(v.Code) != 0 {
		region = v.Code
	}
	n, err := phonenumbers.Parse(text(v), region)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return Value{}, InvalidPhone
	}
	return Value{Literal: dialable(n)}, ""
}

// dialable writes a phone number as E.164 and, since that has no place for it, its extension as people write it:
// +12125550100 ext. 12. A phone field of Salesforce is a text of 40 characters, and takes it so.
func dialable(n *phonenumbers.PhoneNumber) string {
	s := phonenumbers.Format(n, phonenumbers.E164)
	if n.GetExtension() != "" {
		s += " ext. " + n.GetExtension()
	}
	return s
}

func countryCode(v column.Value, _ string) (Value, string) {
	if v.Type != column.Country && v.Type != column.Phone {
		return Value{}, WrongColumnType
	}
	return literal(v.Code), ""
}

func user(v column.Value, _ string) (Value, string) {
	switch {
	case v.Type != column.People:
		return Value{}, WrongColumnType
	case len(v.IDs) == 0:
		return Value{}, ""
	default:
		return Value{Person: v.IDs[0]}, ""
	}
}
