package monday

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// textContent is a text. Monday stores it as a JSON string.
type textContent string

func plainText(_ *write, text string) (content, error) { return textContent(text), nil }

func (c textContent) text() string      { return string(c) }
func (c textContent) stored(string) any { return string(c) }
func (c textContent) hooked(string) any { return object{"value": string(c)} }
func (c textContent) field(string) any  { return nil }

// longText is a text of up to 2,000 characters.
type longText string

func parseLongText(w *write, raw object) (content, error) {
	if !only(raw, "text") {
		return nil, errForm
	}
	text, err := str(raw, "text")
	if err != nil || text == "" {
		return nil, err
	}
	return plainLongText(w, text)
}

func plainLongText(_ *write, text string) (content, error) {
	if utf8.RuneCountInString(text) > 2000 {
		return nil, errForm
	}
	return longText(text), nil
}

func (c longText) text() string         { return string(c) }
func (c longText) stored(at string) any { return object{"text": string(c), "changed_at": at} }
func (c longText) hooked(at string) any { return c.stored(at) }
func (c longText) field(string) any     { return nil }

// number keeps the digits unchanged.
type number string

func plainNumber(_ *write, text string) (content, error) {
	text = strings.TrimSpace(text)
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || !json.Valid([]byte(text)) {
		return nil, errForm
	}
	return number(text), nil
}

func (c number) text() string      { return string(c) }
func (c number) stored(string) any { return string(c) }
func (c number) hooked(string) any { return object{"value": json.Number(c), "unit": nil} }

func (c number) field(name string) any {
	if name != "number" {
		return nil
	}
	f, _ := strconv.ParseFloat(string(c), 64)
	return f
}

// date is a day, with or without a time of day in UTC.
type date struct{ day, clock string }

func parseDate(_ *write, raw object) (content, error) {
	day, clock, err := two(raw, "date", "time")
	if err != nil || day == "" {
		return nil, err
	}
	return newDate(day, clock)
}

func plainDate(_ *write, text string) (content, error) {
	day, clock, _ := strings.Cut(text, " ")
	return newDate(day, clock)
}

func newDate(day, clock string) (content, error) {
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return nil, errForm
	}
	if clock != "" {
		if _, err := time.Parse(time.TimeOnly, clock); err != nil {
			return nil, errForm
		}
	}
	return date{day, clock}, nil
}

func (c date) text() string {
	if c.clock == "" {
		return c.day
	}
	return c.day + " " + c.clock[:len("15:04")]
}

func (c date) stored(at string) any {
	return object{"date": c.day, "time": orNil(c.clock), "icon": nil, "changed_at": at}
}

func (c date) hooked(at string) any { return c.stored(at) }

func (c date) field(name string) any {
	switch name {
	case "date":
		return c.day
	case "time":
		return c.clock
	}
	return nil
}

// checked is a checked checkbox; an unchecked one is empty.
type checked struct{}

func parseCheckbox(w *write, raw object) (content, error) {
	if !only(raw, "checked") {
		return nil, errForm
	}
	text, err := str(raw, "checked")
	if err != nil {
		return nil, err
	}
	return plainCheckbox(w, text)
}

func plainCheckbox(_ *write, text string) (content, error) {
	switch text {
	case "true":
		return checked{}, nil
	case "false":
		return nil, nil
	}
	return nil, errForm
}

func (checked) text() string         { return "v" }
func (checked) stored(at string) any { return object{"checked": true, "changed_at": at} }
func (c checked) hooked(at string) any {
	return c.stored(at)
}
func (checked) field(string) any { return true }

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
