package column_test

import (
	"encoding/json"
	"testing"

	"crmsync/mondayclient/column"
)

func TestWritten(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value column.Value
		want  string
	}{
		"text":           {column.Value{Type: column.Text, Text: "x"}, `"x"`},
		"no text":        {column.Value{Type: column.Text}, `null`},
		"long text":      {column.Value{Type: column.LongText, Text: "x"}, `{"text":"x"}`},
		"numbers":        {column.Value{Type: column.Numbers, Text: "1.5"}, `"1.5"`},
		"status":         {column.Value{Type: column.Status, Text: "Done"}, `{"label":"Done"}`},
		"dropdown":       {column.Value{Type: column.Dropdown, Labels: []string{"A", "B"}}, `{"labels":["A","B"]}`},
		"date":           {column.Value{Type: column.Date, Text: "2026-05-31"}, `{"date":"2026-05-31"}`},
		"time":           {column.Value{Type: column.Date, Text: "2026-05-31", Time: "14:30:05"}, `{"date":"2026-05-31","time":"14:30:05"}`},
		"email":          {column.Value{Type: column.Email, Text: "a@example.org"}, `{"email":"a@example.org","text":"a@example.org"}`},
		"phone":          {column.Value{Type: column.Phone, Text: "+1", Code: "US"}, `{"countryShortName":"US","phone":"+1"}`},
		"link":           {column.Value{Type: column.Link, Text: "https://a"}, `{"text":"https://a","url":"https://a"}`},
		"country":        {column.Value{Type: column.Country, Text: "France", Code: "FR"}, `{"countryCode":"FR","countryName":"France"}`},
		"checked":        {column.Value{Type: column.Checkbox, Checked: true}, `{"checked":"true"}`},
		"unchecked":      {column.Value{Type: column.Checkbox}, `null`},
		"board relation": {column.Value{Type: column.BoardRelation, IDs: []int64{12736724196}}, `{"item_ids":[12736724196]}`},
		"people":         {column.Value{Type: column.People, IDs: []int64{7}}, `{"personsAndTeams":[{"id":7,"kind":"person"}]}`},
		"nobody":         {column.Value{Type: column.People}, `null`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(tt.value.Written())
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
		})
	}
}
