package column

import (
	"cmp"
	"encoding/json"
	"time"
)

// Selection is the part of a query that selects every column value, to be decoded into an Answer. The name of a linked
// or mirrored item is in display_value: text is empty for it.
//
// https://developer.monday.com/api-reference/reference/column-values-v2
const Selection = `id type text value
			... on StatusValue { label }
			... on DateValue { date time }
			... on EmailValue { email }
			... on PhoneValue { phone country_short_name }
			... on LinkValue { url }
			... on CountryValue { country { code name } }
			... on CheckboxValue { checked }
			... on DropdownValue { values { label } }
			... on PeopleValue { persons_and_teams { id kind } }
			... on BoardRelationValue { linked_item_ids }
			... on MirrorValue { display_value }
			... on FormulaValue { display_value }`

// Answer is a column value as the API gives it for Selection: members of other types than its own are absent.
type Answer struct {
	ID    string          `json:"id"`
	Type  Type            `json:"type"`
	Text  string          `json:"text"`
	Value json.RawMessage `json:"value"` // a string that holds JSON, or null

	Label            string   `json:"label"`
	Date             string   `json:"date"`
	Time             string   `json:"time"`
	Email            string   `json:"email"`
	Phone            string   `json:"phone"`
	CountryShortName string   `json:"country_short_name"`
	URL              string   `json:"url"`
	Country          *Nation  `json:"country"`
	Checked          bool     `json:"checked"`
	Values           []Option `json:"values"`
	PersonsAndTeams  []Person `json:"persons_and_teams"`
	LinkedItemIDs    []ID     `json:"linked_item_ids"`
	DisplayValue     string   `json:"display_value"`
}

// Nation is the country of a country column.
type Nation struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// Option is a chosen label of a dropdown.
type Option struct {
	Label string `json:"label"`
}

// Person is a person, a team or an agent of a people column.
type Person struct {
	ID   ID     `json:"id"`
	Kind string `json:"kind"`
}

// FromAPI converts a column value from the items query. Types without a form of their own become text. changedAt is
// the time inside the raw value, or zero.
func FromAPI(a Answer) (v Value, changedAt time.Time) {
	raw := a.raw()
	stored, _ := objectOf(raw)
	changedAt, _ = stored.changedAt()
	v.Type = a.Type
	switch a.Type {
	case Status:
		v.Text = cmp.Or(a.Label, a.Text) // a board of several levels answers with a summary that has no label
	case Numbers:
		v.Text = a.number(raw)
	case Date:
		v.Text, v.Time = a.date(stored)
	case Email:
		v.Text = a.Email
	case Phone:
		v.Text, v.Code = a.Phone, a.CountryShortName
	case Link:
		v.Text = a.URL
	case Country:
		if a.Country != nil {
			v.Text, v.Code = a.Country.Name, a.Country.Code
		}
	case Checkbox:
		v.Checked = a.Checked
	case Dropdown:
		for _, option := range a.Values {
			v.Labels = append(v.Labels, option.Label)
		}
	case People:
		v.IDs = a.persons()
	case BoardRelation:
		for _, id := range a.LinkedItemIDs {
			v.IDs = append(v.IDs, int64(id))
		}
	default:
		v.Text = cmp.Or(a.DisplayValue, a.Text)
	}
	return v, changedAt
}

// raw returns the stored value: JSON, possibly inside a string.
func (a Answer) raw() json.RawMessage {
	if text, ok := unquote(a.Value); ok {
		return json.RawMessage(text)
	}
	return a.Value
}

// number prefers the stored value: it has every digit and nothing around them.
func (a Answer) number(raw json.RawMessage) string {
	if text, ok := decimal(raw); ok {
		return text
	}
	return a.Text
}

// date prefers the stored value, which is in UTC; the other fields may follow the time zone of the token's user.
func (a Answer) date(stored object) (date, clock string) {
	date, clock = a.Date, a.Time
	if text, ok := stored.text("date"); ok {
		date = text
		clock, _ = stored.text("time")
	}
	if t, err := time.Parse("15:04", clock); err == nil {
		clock = t.Format(time.TimeOnly)
	}
	return date, clock
}

func (a Answer) persons() (ids []int64) {
	for _, p := range a.PersonsAndTeams {
		if p.Kind == "person" {
			ids = append(ids, int64(p.ID))
		}
	}
	return ids
}
