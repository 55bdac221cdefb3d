// Package column represents the values of Monday's columns in one form, whether they come from a webhook or from the
// API. The two use the same types but shape the values differently.
package column

import (
	"fmt"
	"slices"
	"strings"
)

// Type is a column's type by its name in Monday's GraphQL API (ColumnType).
//
// https://developer.monday.com/api-reference/reference/column-types-reference
type Type string

// The types that have a form of their own. Every other type is carried as text.
const (
	BoardRelation Type = "board_relation"
	Checkbox      Type = "checkbox"
	Country       Type = "country"
	Date          Type = "date"
	Dropdown      Type = "dropdown"
	Email         Type = "email"
	Link          Type = "link"
	LongText      Type = "long_text"
	Numbers       Type = "numbers"
	People        Type = "people"
	Phone         Type = "phone"
	Status        Type = "status"
	Text          Type = "text"
)

// Value is what one column of one item holds. Its JSON form is stored in the items table:
// never rename a tag.
type Value struct {
	Type Type `json:"t"`

	// Text is a text, an e-mail address, a phone number as written, a URL, a status label, a
	// number in decimal, a date as YYYY-MM-DD, or a country's name.
	Text string `json:"s,omitempty"`

	// Code is the ISO 3166-1 alpha-2 code of a country, or of the country of a phone number.
	Code string `json:"c,omitempty"`

	// Time is a date's time of day in UTC as HH:MM:SS, if it has one.
	Time string `json:"h,omitempty"`

	// Labels are the chosen labels of a dropdown.
	Labels []string `json:"l,omitempty"`

	// IDs are the linked items of a board relation, or the persons (not teams) of a people column.
	IDs []int64 `json:"i,omitempty"`

	// Checked is the state of a checkbox.
	Checked bool `json:"b,omitempty"`
}

// Empty reports whether the column is cleared. An unchecked checkbox is not empty: its value is false.
func (v Value) Empty() bool {
	return v.Type != Checkbox && v.Text == "" && len(v.Labels) == 0 && len(v.IDs) == 0
}

// Words returns the value as the column shows it; empty: the column is empty.
func (v Value) Words() string {
	switch v.Type {
	case Dropdown:
		return strings.Join(v.Labels, ", ")
	case Checkbox:
		if v.Checked {
			return "yes"
		}
		return "no"
	case People:
		return Named("person", v.IDs...)
	case BoardRelation:
		return Named("item", v.IDs...)
	case Date:
		return strings.TrimSpace(v.Text + " " + v.Time)
	}
	return v.Text
}

// Named lists ids of things that are called so.
func Named(noun string, ids ...int64) string {
	words := make([]string, len(ids))
	for n, id := range ids {
		words[n] = fmt.Sprintf("%s %d", noun, id)
	}
	return strings.Join(words, ", ")
}

// Equal reports whether both are the same value; the order of labels and ids counts.
func (v Value) Equal(w Value) bool {
	return v.Type == w.Type && v.Text == w.Text && v.Code == w.Code && v.Time == w.Time && v.Checked == w.Checked &&
		slices.Equal(v.Labels, w.Labels) && slices.Equal(v.IDs, w.IDs)
}
