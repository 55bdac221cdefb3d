package mapping

import (
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"crmsync/mondayclient/column"
)

// conversion turns a column's value into a field's. It returns the zero Value if the column is empty, or the code of
// a ValueError. The region applies to phone numbers without a country code.
type conversion func(v column.Value, region string) (Value, string)

// conversions maps the names used by `as`.
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

// plain converts a value by the type of its column.
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

// text returns a column's value as text: the labels of a dropdown joined by semicolons, a checkbox as true or false.
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

// refers reports whether the column holds people or items, which have no text of their own.
func refers(v column.Value) bool {
	return v.Type == column.People || v.Type == column.BoardRelation
}

// blank reports whether a text is empty or consists of spaces, which Salesforce stores as null.
func blank(s string) bool { return strings.TrimSpace(s) == "" }

// literal returns a text as a value, or nothing if it is blank.
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

// firstName returns all but the last word, or "" if there is only one.
func firstName(s string) string {
	words := strings.Fields(s)
	return strings.Join(words[:max(0, len(words)-1)], " ")
}

// lastName returns the last word, or the only one.
func lastName(s string) string {
	words := strings.Fields(s)
	return strings.Join(words[max(0, len(words)-1):], " ")
}

// number parses a decimal number. ParseFloat alone would also accept "Inf" and "0x1p-2", which are not valid JSON or
// not what people mean.
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

// day returns a date without its time: the day at that time in the time zone. Without a zone or a time, it returns
// the date unchanged.
func (in locale) day(v column.Value) column.Value {
	if v.Type != column.Date || v.Time == "" || in.zone == nil {
		return v
	}
	if t, err := time.Parse(time.DateTime, v.Text+" "+v.Time); err == nil {
		v.Text, v.Time = t.In(in.zone).Format(time.DateOnly), ""
	}
	return v
}

// datetime returns a date with its time in UTC, or midnight.
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

// phone returns the number in E.164, followed by its extension. Its length must be possible; whether the number is
// assigned changes faster than any list, and is not checked.
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

// dialable formats a phone number as E.164. Since that has no place for an extension, it appends one as people write
// it: +12125550100 ext. 12. A phone field of Salesforce is text of up to 40 characters and accepts this.
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
