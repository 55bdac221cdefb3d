package column

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"time"
)

// ErrUnsure means that a value's type or shape is not known for certain, so that the column must be read through the
// API. It never means that the column is empty.
var ErrUnsure = errors.New("the column's value is not certain from the webhook")

// shape describes the values of one type in webhooks.
type shape struct {
	typ    Type
	seen   bool // captured from Monday, so that {} is known to mean cleared
	decode func(o object, v *Value) bool
}

// shapes maps the types as webhooks name them, and as the API does if it differs. Mirrors (lookup), formulas and all
// others are missing on purpose.
var shapes = map[string]shape{
	"color":           {Status, true, readStatus},
	"status":          {Status, true, readStatus},
	"text":            {Text, true, readText("value")},
	"long-text":       {LongText, true, readText("text")},
	"long_text":       {LongText, true, readText("text")},
	"numeric":         {Numbers, false, readNumber},
	"numbers":         {Numbers, false, readNumber},
	"date":            {Date, true, readDate},
	"dropdown":        {Dropdown, true, readDropdown},
	"multiple-person": {People, true, readPeople},
	"people":          {People, true, readPeople},
	"board-relation":  {BoardRelation, true, readLinks},
	"board_relation":  {BoardRelation, true, readLinks},
	"email":           {Email, false, readPair("email", "text")},
	"phone":           {Phone, false, readCoded("phone", "countryShortName")},
	"link":            {Link, false, readPair("url", "text")},
	"country":         {Country, false, readCoded("countryName", "countryCode")},
	"boolean":         {Checkbox, false, readCheckbox},
	"checkbox":        {Checkbox, false, readCheckbox},
}

// FromWebhook reads a value as a webhook carries it; typ is the webhook's columnType, such as "color" for a status. A
// value of null is a cleared column: an empty Value of its type. changedAt is the time inside the value, or zero. The
// error is ErrUnsure or nil.
//
// https://developer.monday.com/api-reference/reference/webhooks
func FromWebhook(typ string, raw json.RawMessage) (v Value, changedAt time.Time, err error) {
	known, ok := shapes[typ]
	if !ok {
		return Value{}, time.Time{}, ErrUnsure
	}
	v.Type = known.typ
	if string(bytes.TrimSpace(raw)) == "null" {
		return v, time.Time{}, nil
	}
	o, ok := objectOf(raw)
	if !ok {
		return Value{}, time.Time{}, ErrUnsure
	}
	if len(o) == 0 && known.seen {
		return v, time.Time{}, nil
	}
	changedAt, ok = o.changedAt()
	if !ok || !known.decode(o, &v) {
		return Value{}, time.Time{}, ErrUnsure
	}
	return v, changedAt, nil
}

// readStatus reads the label's text; a status without a label has the text null.
func readStatus(o object, v *Value) bool {
	label, ok := objectOf(o["label"])
	if !ok {
		return false
	}
	v.Text, ok = label.textOrNull("text")
	return ok
}

func readText(key string) func(object, *Value) bool {
	return func(o object, v *Value) (ok bool) {
		v.Text, ok = o.text(key)
		return ok
	}
}

// readPair reads one text and requires the other, which is only displayed.
func readPair(key, shown string) func(object, *Value) bool {
	return func(o object, v *Value) (ok bool) {
		v.Text, ok = o.text(key)
		_, whole := o.textOrNull(shown)
		return ok && whole
	}
}

func readCoded(key, code string) func(object, *Value) bool {
	return func(o object, v *Value) (ok bool) {
		v.Text, ok = o.text(key)
		var coded bool
		v.Code, coded = o.textOrNull(code)
		return ok && coded
	}
}

// readNumber keeps the digits unchanged, whether Monday sends a number or a string.
func readNumber(o object, v *Value) (ok bool) {
	v.Text, ok = decimal(o["value"])
	return ok
}

func readDate(o object, v *Value) (ok bool) {
	if v.Text, ok = o.text("date"); !ok || !isTime(time.DateOnly, v.Text) {
		return false
	}
	if _, present := o["time"]; !present {
		return true
	}
	v.Time, ok = o.textOrNull("time")
	return ok && (v.Time == "" || isTime(time.TimeOnly, v.Time))
}

func readDropdown(o object, v *Value) bool {
	return o.each("chosenValues", func(chosen object) bool {
		name, ok := chosen.text("name")
		v.Labels = append(v.Labels, name)
		return ok
	})
}

func readPeople(o object, v *Value) bool {
	return o.each("personsAndTeams", func(one object) bool {
		kind, ok := one.text("kind")
		if kind != "person" {
			return ok
		}
		id, ok := one.id("id")
		v.IDs = append(v.IDs, id)
		return ok
	})
}

func readLinks(o object, v *Value) bool {
	return o.each("linkedPulseIds", func(link object) bool {
		id, ok := link.id("linkedPulseId")
		v.IDs = append(v.IDs, id)
		return ok
	})
}

func readCheckbox(o object, v *Value) bool {
	switch string(o["checked"]) {
	case "true":
		v.Checked = true
		return true
	case "false":
		return true
	}
	return false
}

// number matches JSON's own form of a number; Monday's strings are accepted in the same form.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// decimal is a number as it is written, from a JSON number or a string that holds one.
func decimal(raw json.RawMessage) (string, bool) {
	text := string(raw)
	if unquoted, ok := unquote(raw); ok {
		text = unquoted
	}
	return text, number.MatchString(text)
}

func isTime(layout, text string) bool {
	t, err := time.Parse(layout, text)
	return err == nil && t.Format(layout) == text
}
