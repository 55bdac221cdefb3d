package column_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient/column"
)

// captured are values as Monday sent them, or as its clients expect them.
var captured = map[string]struct {
	typ, raw string
	want     column.Value
	at       string
}{
	"status":            {"color", `{"label":{"index":3,"text":"Go","style":{"color":"#007eb5","border":"#3db0df","var_name":"blue-links"},"is_done":false},"post_id":null}`, column.Value{Type: column.Status, Text: "Go"}, ""},
	"status, no label":  {"color", `{"label":{"index":5,"text":null,"style":{"color":"#c4c4c4"},"is_done":false},"post_id":null}`, column.Value{Type: column.Status}, ""},
	"status, API name":  {"status", `{"label":{"index":1,"text":"Done"}}`, column.Value{Type: column.Status, Text: "Done"}, ""},
	"status, cleared":   {"color", `{}`, column.Value{Type: column.Status}, ""},
	"text":              {"text", `{"value":"Zoë \"Z\" O'Neil"}`, column.Value{Type: column.Text, Text: `Zoë "Z" O'Neil`}, ""},
	"long text":         {"long-text", `{"text":"a\nb","changed_at":"2025-02-05T16:28:02.630Z"}`, column.Value{Type: column.LongText, Text: "a\nb"}, "2025-02-05T16:28:02.63Z"},
	"long_text":         {"long_text", `{"text":""}`, column.Value{Type: column.LongText}, ""},
	"number":            {"numeric", `{"value":7,"unit":null}`, column.Value{Type: column.Numbers, Text: "7"}, ""},
	"number in string":  {"numeric", `{"value":"7.50","unit":{"symbol":"$"}}`, column.Value{Type: column.Numbers, Text: "7.50"}, ""},
	"number, exact":     {"numbers", `{"value":-12345678901234567890.123456789}`, column.Value{Type: column.Numbers, Text: "-12345678901234567890.123456789"}, ""},
	"date":              {"date", `{"date":"2025-02-05","icon":null,"time":null,"changed_at":"2025-02-05T16:28:02.630Z"}`, column.Value{Type: column.Date, Text: "2025-02-05"}, "2025-02-05T16:28:02.63Z"},
	"date and time":     {"date", `{"date":"2025-02-05","icon":null,"time":"14:30:00"}`, column.Value{Type: column.Date, Text: "2025-02-05", Time: "14:30:00"}, ""},
	"dropdown":          {"dropdown", `{"chosenValues":[{"id":8,"name":"Other"},{"id":9,"name":"A;B"}]}`, column.Value{Type: column.Dropdown, Labels: []string{"Other", "A;B"}}, ""},
	"dropdown, none":    {"dropdown", `{"chosenValues":[]}`, column.Value{Type: column.Dropdown}, ""},
	"dropdown, cleared": {"dropdown", ` null `, column.Value{Type: column.Dropdown}, ""},
	"people":            {"multiple-person", `{"personsAndTeams":[{"id":67214742,"kind":"person"},{"id":5,"kind":"team"}],"changed_at":"2025-02-05T16:28:02+02:00"}`, column.Value{Type: column.People, IDs: []int64{67214742}}, "2025-02-05T14:28:02Z"},
	"relation":          {"board-relation", `{"linkedPulseIds":[{"linkedPulseId":9607665733},{"linkedPulseId":9223372036854775807}],"changed_at":null}`, column.Value{Type: column.BoardRelation, IDs: []int64{9607665733, 9223372036854775807}}, ""},
	"relation, cleared": {"board-relation", `{}`, column.Value{Type: column.BoardRelation}, ""},
	"email":             {"email", `{"email":"a@b.example","text":"A","changed_at":"2025-02-05T16:28:02.630Z"}`, column.Value{Type: column.Email, Text: "a@b.example"}, "2025-02-05T16:28:02.63Z"},
	"phone":             {"phone", `{"phone":"+1 (202) 555-0100","countryShortName":"US"}`, column.Value{Type: column.Phone, Text: "+1 (202) 555-0100", Code: "US"}, ""},
	"link":              {"link", `{"url":"https://b.example","text":null}`, column.Value{Type: column.Link, Text: "https://b.example"}, ""},
	"country":           {"country", `{"countryCode":"CH","countryName":"Switzerland"}`, column.Value{Type: column.Country, Text: "Switzerland", Code: "CH"}, ""},
	"checkbox":          {"boolean", `{"checked":true}`, column.Value{Type: column.Checkbox, Checked: true}, ""},
	"checkbox, off":     {"checkbox", `{"checked":false}`, column.Value{Type: column.Checkbox}, ""},
	"checkbox, cleared": {"boolean", `null`, column.Value{Type: column.Checkbox}, ""},
	"email, cleared":    {"email", `null`, column.Value{Type: column.Email}, ""},
}

func TestFromWebhook(t *testing.T) {
	t.Parallel()
	for name, tt := range captured {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, at, err := column.FromWebhook(tt.typ, json.RawMessage(tt.raw))
			if err != nil {
				t.Fatalf("FromWebhook(%q, %s): %v", tt.typ, tt.raw, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
			var want time.Time
			if tt.at != "" {
				want, _ = time.Parse(time.RFC3339, tt.at)
			}
			if !at.Equal(want) {
				t.Errorf("changedAt = %v, want %v", at, want)
			}
		})
	}
}

// A value that is not known for certain must be read, and never counts as empty.
func TestFromWebhookUnsure(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ typ, raw string }{
		"no type":             {"", `{"value":"x"}`},
		"no type, null":       {"", `null`},
		"unknown type":        {"rainbow", `{"value":"x"}`},
		"unknown, null":       {"rainbow", `null`},
		"mirror":              {"lookup", `{"text":"x"}`},
		"mirror, null":        {"lookup", `null`},
		"formula":             {"formula", `{"value":"x"}`},
		"timeline":            {"timerange", `{"from":"2025-02-05","to":"2025-02-06"}`},
		"type in capitals":    {"TEXT", `{"value":"x"}`},
		"no value":            {"text", ``},
		"bare string":         {"text", `"x"`},
		"list":                {"text", `["x"]`},
		"text is a number":    {"text", `{"value":7}`},
		"text is null":        {"text", `{"value":null}`},
		"text, other key":     {"text", `{"text":"x"}`},
		"text, key in case":   {"text", `{"Value":"x"}`},
		"long text, old key":  {"long-text", `{"value":"x"}`},
		"status without text": {"color", `{"label":{"index":3}}`},
		"status, API form":    {"color", `{"index":3,"post_id":null}`},
		"status, label null":  {"color", `{"label":null}`},
		"number, words":       {"numeric", `{"value":"seven"}`},
		"number, empty":       {"numeric", `{"value":""}`},
		"number, grouped":     {"numeric", `{"value":"1,000"}`},
		"number, null":        {"numeric", `{"value":null}`},
		"number, {}":          {"numeric", `{}`},
		"date, other order":   {"date", `{"date":"05.02.2025","time":null}`},
		"date, impossible":    {"date", `{"date":"2025-02-30","time":null}`},
		"date, null":          {"date", `{"date":null,"time":null}`},
		"date, odd time":      {"date", `{"date":"2025-02-05","time":"2 pm"}`},
		"dropdown, API form":  {"dropdown", `{"ids":[8]}`},
		"dropdown, no name":   {"dropdown", `{"chosenValues":[{"id":8}]}`},
		"dropdown, null list": {"dropdown", `{"chosenValues":null}`},
		"people, no kind":     {"multiple-person", `{"personsAndTeams":[{"id":8}]}`},
		"people, float":       {"multiple-person", `{"personsAndTeams":[{"id":1.27e10,"kind":"person"}]}`},
		"people, too big":     {"multiple-person", `{"personsAndTeams":[{"id":9223372036854775808,"kind":"person"}]}`},
		"relation, id 0":      {"board-relation", `{"linkedPulseIds":[{"linkedPulseId":0}]}`},
		"date, parts of sec.": {"date", `{"date":"2025-02-05","time":"14:30:00.5"}`},
		"relation, write key": {"board-relation", `{"item_ids":[8]}`},
		"relation, only time": {"board-relation", `{"changed_at":"2025-02-05T16:28:02.630Z"}`},
		"email, no text":      {"email", `{"email":"a@b.example"}`},
		"email, {}":           {"email", `{}`},
		"phone, number":       {"phone", `{"phone":12025550100,"countryShortName":"US"}`},
		"link, null":          {"link", `{"url":null,"text":"x"}`},
		"country, code only":  {"country", `{"countryCode":"CH"}`},
		"checkbox, string":    {"boolean", `{"checked":"true"}`},
		"checkbox, {}":        {"boolean", `{}`},
		"odd time inside":     {"long-text", `{"text":"x","changed_at":"yesterday"}`},
		"number as time":      {"long-text", `{"text":"x","changed_at":1738772882}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, at, err := column.FromWebhook(tt.typ, json.RawMessage(tt.raw))
			if !errors.Is(err, column.ErrUnsure) {
				t.Errorf("FromWebhook(%q, %s) = %+v, %v, want ErrUnsure", tt.typ, tt.raw, v, err)
			}
			if v.Type != "" || !at.IsZero() {
				t.Errorf("FromWebhook(%q, %s) says something: %+v, %v", tt.typ, tt.raw, v, at)
			}
		})
	}
}

// A value that is accepted can be stored and comes back the same.
func FuzzFromWebhook(f *testing.F) {
	for _, tt := range captured {
		f.Add(tt.typ, tt.raw)
	}
	f.Add("lookup", `{"text":"x"}`)
	f.Add("numeric", `{"value":"1e9"}`)
	f.Fuzz(func(t *testing.T, typ, raw string) {
		v, at, err := column.FromWebhook(typ, json.RawMessage(raw))
		if err != nil {
			if !errors.Is(err, column.ErrUnsure) || v.Type != "" {
				t.Fatalf("got %+v, %v", v, err)
			}
			return
		}
		if v.Type == "" || !at.IsZero() && (at.Year() < 1970 || at.Year() > 9999) {
			t.Fatalf("got %+v at %v", v, at)
		}
		stored, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back column.Value
		if err := json.Unmarshal(stored, &back); err != nil || !back.Equal(v) {
			t.Fatalf("stored as %s, came back as %+v, %v", stored, back, err)
		}
	})
}
