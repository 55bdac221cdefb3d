package monday

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const setMutation = `mutation ($item: ID!, $board: ID!, $values: JSON!, $make: Boolean) {
	change_multiple_column_values(item_id: $item, board_id: $board, column_values: $values, create_labels_if_missing: $make) { id } }`

func TestWriteFormats(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		column string
		value  string // JSON
		board  int64  // 0: 1003
		make   bool
		text   string
		code   string // empty: accepted
	}{
		"status by label":             {column: "status", value: `{"label":"Quote"}`, text: "Quote"},
		"status by index":             {column: "status", value: `{"index":6}`, text: "Lost"},
		"status as a string":          {column: "status", value: `"MOU"`, text: "MOU"},
		"status, unknown label":       {column: "status", value: `{"label":"quote"}`, code: "ColumnValueException"},
		"status, new label":           {column: "status", value: `{"label":"Won"}`, make: true, text: "Won"},
		"status, unknown index":       {column: "status", value: `{"index":17}`, code: "ColumnValueException"},
		"text":                        {column: "company", value: `"Ä \"x\""`, text: `Ä "x"`},
		"text as an object":           {column: "company", value: `{"text":"x"}`, code: "ColumnValueException"},
		"numbers":                     {column: "amount", value: `"42"`, text: "42"},
		"numbers, JSON number":        {column: "amount", value: `4.5`, text: "4.5"},
		"numbers, not a number":       {column: "amount", value: `"12k"`, code: "ColumnValueException"},
		"date":                        {column: "close_date", value: `{"date":"2026-02-28"}`, text: "2026-02-28"},
		"impossible date":             {column: "close_date", value: `{"date":"2026-02-30"}`, code: "ColumnValueException"},
		"date, other key":             {column: "close_date", value: `{"day":"2026-02-28"}`, code: "ColumnValueException"},
		"people":                      {column: "owner", value: `{"personsAndTeams":[{"id":67214742,"kind":"person"}]}`, text: "Sync Bot"},
		"people, unknown user":        {column: "owner", value: `{"personsAndTeams":[{"id":1,"kind":"person"}]}`, code: "ColumnValueException"},
		"people, not a list":          {column: "owner", value: `{"personsAndTeams":"67214742"}`, code: "ColumnValueException"},
		"dropdown by labels":          {column: "interests", value: `{"labels":["Other","Events"]}`, text: "Events, Other"},
		"dropdown by ids":             {column: "interests", value: `{"ids":["1",2]}`, text: "Training, Mentoring"},
		"dropdown, unknown label":     {column: "interests", value: `{"labels":["events"]}`, code: "ColumnValueException"},
		"dropdown, new label":         {column: "interests", value: `{"labels":["Music"]}`, make: true, text: "Music"},
		"checkbox":                    {column: "newsletter", value: `{"checked":"true"}`, text: "v"},
		"checkbox, boolean":           {column: "newsletter", value: `{"checked":true}`, code: "ColumnValueException"},
		"checkbox off":                {column: "newsletter", value: `{"checked":"false"}`, text: ""},
		"email":                       {column: "email", value: `{"email":"a@b.org","text":"A"}`, text: "A"},
		"malformed email":             {column: "email", value: `{"email":"a.b.org","text":"A"}`, code: "ColumnValueException"},
		"phone":                       {column: "phone", value: `{"phone":"+1 (202) 555-0123","countryShortName":"US"}`, text: "+1 (202) 555-0123"},
		"phone with letters":          {column: "phone", value: `{"phone":"call me","countryShortName":"US"}`, code: "ColumnValueException"},
		"phone, unknown country":      {column: "phone", value: `{"phone":"12025550123","countryShortName":"XX"}`, code: "ColumnValueException"},
		"link":                        {column: "website", board: 1001, value: `{"url":"https://a.org","text":"A"}`, text: "A - https://a.org"},
		"country":                     {column: "country", value: `{"countryCode":"DE","countryName":"Germany"}`, text: "Germany"},
		"country, name of another":    {column: "country", value: `{"countryCode":"DE","countryName":"France"}`, code: "ColumnValueException"},
		"long text":                   {column: "text_note", value: `{"text":"x"}`, text: "x"},
		"long text over 2,000":        {column: "text_note", value: `{"text":"` + strings.Repeat("x", 2001) + `"}`, code: "ColumnValueException"},
		"relation":                    {column: "connect_account", board: 1002, value: `{"item_ids":[8400000001]}`, text: "ACME"},
		"relation as it is read":      {column: "connect_account", board: 1002, value: `{"linkedPulseIds":[{"linkedPulseId":8400000001}]}`, code: "ColumnValueException"},
		"relation to another board":   {column: "connect_account", board: 1002, value: `{"item_ids":[8400000003]}`, code: "ColumnValueException"},
		"mirror":                      {column: "mirror_phone", board: 1002, value: `"1"`, code: "ColumnValueException"},
		"null":                        {column: "country", value: `null`, text: ""},
		"name":                        {column: "name", value: `"New"`, text: "New"},
		"name, empty":                 {column: "name", value: `""`, code: "ItemNameTooLongException"},
		"name over 255":               {column: "name", value: `"` + strings.Repeat("ü", 256) + `"`, code: "ItemNameTooLongException"},
		"unknown column":              {column: "nope", value: `"1"`, code: "InvalidColumnIdException"},
		"column of a different board": {column: "website", value: `{"url":"https://a.org","text":"A"}`, code: "InvalidColumnIdException"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := filled(t, Config{})
			board, item := tt.board, int64(8400000003)
			if board == 0 {
				board = 1003
			}
			if board != 1003 {
				item = 8400000001 + board - 1001
			}
			before, _ := c.Item(item)
			r := c.call(setMutation, map[string]any{"item": item, "board": board, "make": tt.make, "values": `{"` + tt.column + `":` + tt.value + `}`})
			if r.status != 200 || r.code() != tt.code {
				t.Fatalf("answer %d %s, want code %q", r.status, r.text, tt.code)
			}
			after, _ := c.Item(item)
			if tt.code != "" {
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("a rejected value changed the item:\n%s", diff)
				}
				return
			}
			got := after.Text[tt.column]
			if tt.column == "name" {
				got = after.Name
			}
			if got != tt.text {
				t.Errorf("text %q, want %q", got, tt.text)
			}
		})
	}
}

func TestMutation(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		query string
		vars  map[string]any
		data  string
		codes []string
	}{
		"create": {
			query: `mutation ($v: JSON) { create_item(board_id: 1003, item_name: "Al", group_id: "imported", column_values: $v) { id name group { id } column_values(ids: ["company"]) { text } } }`,
			vars:  map[string]any{"v": `{"company":"ACME"}`},
			data:  `{"create_item":{"id":"8400000004","name":"Al","group":{"id":"imported"},"column_values":[{"text":"ACME"}]}}`,
		},
		"create with one rejected value": {
			query: `mutation ($v: JSON) { create_item(board_id: 1003, item_name: "Al", column_values: $v) { id } }`,
			vars:  map[string]any{"v": `{"company":"ACME","amount":"x"}`},
			data:  `{"create_item":null}`, codes: []string{"ColumnValueException"},
		},
		"create on an unknown board": {
			query: `mutation { create_item(board_id: 7, item_name: "Al") { id } }`,
			data:  `{"create_item":null}`, codes: []string{"InvalidBoardIdException"},
		},
		"each alias succeeds or fails alone": {
			query: `mutation { a0: change_simple_column_value(board_id: 1003, item_id: 8400000003, column_id: "company", value: "A") { id }
				a1: change_simple_column_value(board_id: 1003, item_id: 8400000003, column_id: "status", value: "No") { id }
				a2: change_column_value(board_id: 1003, item_id: 99, column_id: "company", value: "\"B\"") { id }
				a3: change_column_value(board_id: 1003, item_id: 8400000003, column_id: "text_sfid", value: "\"00Q\"") { column_values(ids: ["company", "text_sfid"]) { text } } }`,
			data:  `{"a0":{"id":"8400000003"},"a1":null,"a2":null,"a3":{"column_values":[{"text":"A"},{"text":"00Q"}]}}`,
			codes: []string{"ColumnValueException", "ResourceNotFoundException"},
		},
		"simple null clears": {
			query: `mutation { change_simple_column_value(board_id: 1003, item_id: 8400000003, column_id: "status", value: null) { column_values(ids: ["status"]) { text value ... on StatusValue { label index } } } }`,
			data:  `{"change_simple_column_value":{"column_values":[{"text":null,"value":null,"label":null,"index":null}]}}`,
		},
		"link by change_column_value": {
			query: `mutation { change_column_value(board_id: 1002, item_id: 8400000002, column_id: "connect_account", value: "{\"item_ids\":[]}") { id } }`,
			data:  `{"change_column_value":null}`, codes: []string{"ColumnValueException"},
		},
		"values that are not a string": {
			query: `mutation ($v: JSON!) { change_multiple_column_values(board_id: 1003, item_id: 8400000003, column_values: $v) { id } }`,
			vars:  map[string]any{"v": map[string]any{"company": "A"}},
			data:  `{"change_multiple_column_values":null}`, codes: []string{"InvalidArgumentException"},
		},
		"item of another board": {
			query: `mutation { change_simple_column_value(board_id: 1001, item_id: 8400000003, column_id: "text_sfid", value: "A") { id } }`,
			data:  `{"change_simple_column_value":null}`, codes: []string{"InvalidBoardIdException"},
		},
		"item_id missing": {
			query: `mutation ($i: ID) { delete_item(item_id: $i) { id } }`, vars: map[string]any{"i": nil},
			data: `{"delete_item":null}`, codes: []string{"InvalidArgumentException"},
		},
		"archive, then change": {
			query: `mutation { archive_item(item_id: 8400000003) { state } delete_item(item_id: 8400000003) { state } change_simple_column_value(board_id: 1003, item_id: 8400000003, column_id: "company", value: "A") { id } }`,
			data:  `{"archive_item":{"state":"archived"},"delete_item":{"state":"deleted"},"change_simple_column_value":null}`, codes: []string{"ResourceNotFoundException"},
		},
		"move": {
			query: `mutation { move_item_to_group(item_id: 8400000003, group_id: "imported") { group { title } } bad: move_item_to_group(item_id: 8400000003, group_id: "no") { id } }`,
			data:  `{"move_item_to_group":{"group":{"title":"Imported"}},"bad":null}`, codes: []string{"ResourceNotFoundException"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := filled(t, Config{})
			r := c.call(tt.query, tt.vars)
			if diff := cmp.Diff(decoded(t, tt.data), r.body["data"]); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
			var codes []string
			errs, _ := r.body["errors"].([]any)
			for _, e := range errs {
				codes = append(codes, e.(map[string]any)["extensions"].(map[string]any)["code"].(string))
			}
			if diff := cmp.Diff(tt.codes, codes); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorShape(t *testing.T) {
	t.Parallel()
	c := filled(t, Config{})
	r := c.call("mutation {\n  ok: archive_item(item_id: 8400000002) { id }\n  a1: change_simple_column_value(board_id: 1003, item_id: 8400000003, column_id: \"status\", value: \"No\") { id } }", nil)
	id := r.body["extensions"].(map[string]any)["request_id"]
	want := decoded(t, `{"data":{"ok":{"id":"8400000002"},"a1":null},"errors":[{"message":"This status label doesn't exist, possible statuses are: {0: New, 1: Qualified, 2: Follow-up, 3: Quote, 4: MOU, 6: Lost}",
		"locations":[{"line":3,"column":3}],"path":["a1"],"extensions":{"code":"ColumnValueException","status_code":200,"error_data":{"column_id":"status","column_name":"Status","column_type":"color","column_validation_error_code":"missingLabel"}}}],
		"extensions":{"request_id":"-"},"account_id":18765432}`)
	want.(map[string]any)["extensions"].(map[string]any)["request_id"] = id
	if diff := cmp.Diff(want, any(r.body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if text, ok := id.(string); !ok || len(text) != 36 {
		t.Errorf("request id %v", id)
	}
}

// TestLargeBoard: a board of 100,000 items answers like a small one.
func TestLargeBoard(t *testing.T) {
	t.Parallel()
	c := start(t, Config{})
	for i := range 100_000 {
		c.CreateItem(1001, "Account", map[string]any{"text_sfid": idText(int64(i))})
	}
	r := c.call(`{ items_page_by_column_values(board_id: 1001, columns: [{column_id: "text_sfid", column_values: ["77777"]}]) { items { id } }
		boards(ids: [1001]) { items_page(limit: 500) { items { id } } } }`, nil)
	data := r.body["data"].(map[string]any)
	hits := data["items_page_by_column_values"].(map[string]any)["items"].([]any)
	items := data["boards"].([]any)[0].(map[string]any)["items_page"].(map[string]any)["items"].([]any)
	if len(hits) != 1 || len(items) != 500 {
		t.Errorf("found %d by value and %d on a page, want 1 and 500", len(hits), len(items))
	}
}
