package column_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient/column"
)

func TestFromAPI(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		raw  string
		want column.Value
		at   string
	}{
		"status":          {`{"type":"status","text":"Go","value":"{\"index\":3,\"post_id\":null,\"changed_at\":\"2025-02-05T16:28:02.630Z\"}","label":"Go"}`, column.Value{Type: column.Status, Text: "Go"}, "2025-02-05T16:28:02.63Z"},
		"status, none":    {`{"type":"status","text":null,"value":null,"label":null}`, column.Value{Type: column.Status}, ""},
		"status, summary": {`{"type":"status","text":"Done","value":null}`, column.Value{Type: column.Status, Text: "Done"}, ""},
		"text":            {`{"type":"text","text":"x","value":"\"x\""}`, column.Value{Type: column.Text, Text: "x"}, ""},
		"text, looks raw": {`{"type":"text","text":"{}","value":"\"{}\""}`, column.Value{Type: column.Text, Text: "{}"}, ""},
		"long text":       {`{"type":"long_text","text":"a\nb","value":"{\"text\":\"a\\nb\"}"}`, column.Value{Type: column.LongText, Text: "a\nb"}, ""},
		"number":          {`{"type":"numbers","text":"12,345,678.5","value":"\"12345678901234567890.5\"","number":12345678901234567000}`, column.Value{Type: column.Numbers, Text: "12345678901234567890.5"}, ""},
		"number, none":    {`{"type":"numbers","text":"","value":null}`, column.Value{Type: column.Numbers}, ""},
		"number, no raw":  {`{"type":"numbers","text":"7","value":null}`, column.Value{Type: column.Numbers, Text: "7"}, ""},
		"date":            {`{"type":"date","text":"2025-02-05","value":"{\"date\":\"2025-02-05\",\"icon\":null,\"changed_at\":\"2025-02-05T16:28:02.630Z\"}","date":"2025-02-05","time":""}`, column.Value{Type: column.Date, Text: "2025-02-05"}, "2025-02-05T16:28:02.63Z"},
		"date in UTC":     {`{"type":"date","text":"2025-02-06 01:30","value":"{\"date\":\"2025-02-05\",\"time\":\"23:30:00\"}","date":"2025-02-06","time":"01:30"}`, column.Value{Type: column.Date, Text: "2025-02-05", Time: "23:30:00"}, ""},
		"date, no raw":    {`{"type":"date","text":"","value":null,"date":"2025-02-06","time":"01:30"}`, column.Value{Type: column.Date, Text: "2025-02-06", Time: "01:30:00"}, ""},
		"email":           {`{"type":"email","text":"A - a@b.example","value":"{\"email\":\"a@b.example\"}","email":"a@b.example","label":"A"}`, column.Value{Type: column.Email, Text: "a@b.example"}, ""},
		"phone":           {`{"type":"phone","text":"12025550100","value":"{}","phone":"12025550100","country_short_name":"US"}`, column.Value{Type: column.Phone, Text: "12025550100", Code: "US"}, ""},
		"link":            {`{"type":"link","text":"B - https://b.example","value":"{}","url":"https://b.example"}`, column.Value{Type: column.Link, Text: "https://b.example"}, ""},
		"country":         {`{"type":"country","text":"Switzerland","value":"{}","country":{"code":"CH","name":"Switzerland"}}`, column.Value{Type: column.Country, Text: "Switzerland", Code: "CH"}, ""},
		"country, none":   {`{"type":"country","text":"","value":null,"country":null}`, column.Value{Type: column.Country}, ""},
		"checkbox":        {`{"type":"checkbox","text":"v","value":"{\"checked\":\"true\"}","checked":true}`, column.Value{Type: column.Checkbox, Checked: true}, ""},
		"checkbox, off":   {`{"type":"checkbox","text":"","value":null,"checked":null}`, column.Value{Type: column.Checkbox}, ""},
		"dropdown":        {`{"type":"dropdown","text":"Other, A;B","value":"{\"ids\":[8,9]}","values":[{"label":"Other"},{"label":"A;B"}]}`, column.Value{Type: column.Dropdown, Labels: []string{"Other", "A;B"}}, ""},
		"people":          {`{"type":"people","text":"P","value":"{}","persons_and_teams":[{"id":"67214742","kind":"person"},{"id":"5","kind":"team"},{"id":"6","kind":"agent"},{"id":"7","kind":null}]}`, column.Value{Type: column.People, IDs: []int64{67214742}}, ""},
		"relation":        {`{"type":"board_relation","text":null,"value":null,"linked_item_ids":["9607665733",12]}`, column.Value{Type: column.BoardRelation, IDs: []int64{9607665733, 12}}, ""},
		"mirror":          {`{"type":"mirror","text":null,"value":null,"display_value":"a, b"}`, column.Value{Type: "mirror", Text: "a, b"}, ""},
		"formula":         {`{"type":"formula","text":"","value":null,"display_value":"42"}`, column.Value{Type: "formula", Text: "42"}, ""},
		"any other":       {`{"type":"timeline","text":"2025-02-05 - 2025-02-06","value":{"from":"2025-02-05","changed_at":"2025-02-05T16:28:02Z"}}`, column.Value{Type: "timeline", Text: "2025-02-05 - 2025-02-06"}, "2025-02-05T16:28:02Z"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a column.Answer
			if err := json.Unmarshal([]byte(tt.raw), &a); err != nil {
				t.Fatal(err)
			}
			got, at := column.FromAPI(a)
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

// A value must be equal in a webhook and in a read, or every read would be a change.
func TestBothWaysAgree(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ typ, webhook, api string }{
		"status":   {"color", `{"label":{"index":3,"text":"Go"}}`, `{"type":"status","label":"Go"}`},
		"number":   {"numeric", `{"value":7,"unit":null}`, `{"type":"numbers","value":"\"7\"","text":"7"}`},
		"date":     {"date", `{"date":"2025-02-05","time":null}`, `{"type":"date","date":"2025-02-05","time":""}`},
		"dropdown": {"dropdown", `null`, `{"type":"dropdown","values":[]}`},
		"relation": {"board-relation", `{"linkedPulseIds":[{"linkedPulseId":12}]}`, `{"type":"board_relation","linked_item_ids":["12"]}`},
		"checkbox": {"boolean", `null`, `{"type":"checkbox","checked":null}`},
		"text":     {"text", `null`, `{"type":"text","text":"","value":null}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hooked, _, err := column.FromWebhook(tt.typ, json.RawMessage(tt.webhook))
			if err != nil {
				t.Fatal(err)
			}
			var a column.Answer
			if err := json.Unmarshal([]byte(tt.api), &a); err != nil {
				t.Fatal(err)
			}
			if read, _ := column.FromAPI(a); !read.Equal(hooked) {
				t.Errorf("webhook says %+v, API says %+v", hooked, read)
			}
		})
	}
}

func TestIDRejects(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`null`, `1.5`, `1e3`, `"+1"`, `""`, `" 1"`, `9223372036854775808`, `true`, `{}`} {
		var id column.ID
		if err := json.Unmarshal([]byte(raw), &id); err == nil {
			t.Errorf("%s was read as %d", raw, id)
		}
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	if (column.Value{Type: column.Checkbox}).Empty() {
		t.Error("an unchecked checkbox counts as empty")
	}
	if !(column.Value{Type: column.Text}).Empty() {
		t.Error("a cleared text does not count as empty")
	}
}
