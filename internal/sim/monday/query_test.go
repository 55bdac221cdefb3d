package monday

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// filled returns a simulator with one account, one contact of it, and one lead.
func filled(t *testing.T, cfg Config) *client {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = newClock().Now
	}
	c := start(t, cfg)
	c.AddUser(7, "Ann", "ann@example.org")
	account := c.CreateItem(1001, "ACME", map[string]any{"phone": map[string]any{"phone": "+12025550123", "countryShortName": "US"}})
	c.CreateItem(1002, "Jo Doe", map[string]any{"connect_account": map[string]any{"item_ids": []int64{account}}})
	c.CreateItem(1003, "Bo \"B\" Lee", map[string]any{
		"status":     map[string]any{"label": "Qualified"},
		"amount":     "1200.50",
		"close_date": map[string]any{"date": "2026-12-01", "time": "14:30:00"},
		"owner":      map[string]any{"personsAndTeams": []any{map[string]any{"id": 7, "kind": "person"}}},
		"country":    map[string]any{"countryCode": "US", "countryName": "United States"},
		"newsletter": map[string]any{"checked": "true"},
		"interests":  map[string]any{"labels": []string{"Events", "Training"}},
		"email":      map[string]any{"email": "bo@example.org", "text": "Bo"},
		"text_note":  map[string]any{"text": "line\nbreak"},
	})
	return c
}

func TestQuery(t *testing.T) {
	t.Parallel()
	c := filled(t, Config{})
	tests := map[string]struct {
		query string
		vars  map[string]any
		want  string
	}{
		"typed values": {
			query: `query ($ids: [ID!]) { items(ids: $ids) { id name state updated_at board { id } column_values(ids: ["status", "amount", "close_date", "owner", "country", "newsletter", "interests", "email"]) { id type text
				... on StatusValue { index label } ...date ... on NumbersValue { number } ... on PeopleValue { persons_and_teams { id kind } } ... on CountryValue { country { code name } }
				... on CheckboxValue { checked } ... on DropdownValue { values { id label } } ... on EmailValue { email label } } } } fragment date on DateValue { date time }`,
			vars: map[string]any{"ids": []any{8400000003}},
			want: `{"items":[{"id":"8400000003","name":"Bo \"B\" Lee","state":"active","updated_at":"2026-09-23T12:00:00Z","board":{"id":"1003"},"column_values":[
				{"id":"status","type":"status","text":"Qualified","index":1,"label":"Qualified"},
				{"id":"email","type":"email","text":"Bo","email":"bo@example.org","label":"Bo"},
				{"id":"amount","type":"numbers","text":"1200.50","number":1200.5},
				{"id":"close_date","type":"date","text":"2026-12-01 14:30","date":"2026-12-01","time":"14:30:00"},
				{"id":"owner","type":"people","text":"Ann","persons_and_teams":[{"id":"7","kind":"person"}]},
				{"id":"country","type":"country","text":"United States","country":{"code":"US","name":"United States"}},
				{"id":"newsletter","type":"checkbox","text":"v","checked":true},
				{"id":"interests","type":"dropdown","text":"Training, Events","values":[{"id":"1","label":"Training"},{"id":"3","label":"Events"}]}]}]}`,
		},
		"stored values": {
			query: `{ items(ids: [8400000003]) { column_values(ids: ["status", "amount", "text_note", "interests", "company"]) { id value } } }`,
			want: `{"items":[{"column_values":[
				{"id":"status","value":"{\"changed_at\":\"2026-09-23T12:00:00.000Z\",\"index\":1,\"post_id\":null}"},
				{"id":"company","value":null},
				{"id":"amount","value":"\"1200.50\""},
				{"id":"interests","value":"{\"ids\":[1,3]}"},
				{"id":"text_note","value":"{\"changed_at\":\"2026-09-23T12:00:00.000Z\",\"text\":\"line\\nbreak\"}"}]}]}`,
		},
		"links": {
			query: `{ items(ids: "8400000002") { column_values { __typename id text ... on BoardRelationValue { linked_item_ids display_value linked_items { name } } ... on MirrorValue { display_value } } } }`,
			want: `{"items":[{"column_values":[{"__typename":"EmailValue","id":"email","text":""},{"__typename":"PhoneValue","id":"phone","text":""},
				{"__typename":"BoardRelationValue","id":"connect_account","text":null,"linked_item_ids":["8400000001"],"display_value":"ACME","linked_items":[{"name":"ACME"}]},
				{"__typename":"MirrorValue","id":"mirror_phone","text":null,"display_value":"+12025550123"},{"__typename":"TextValue","id":"text_sfid","text":""}]}]}`,
		},
		"aliases, interface fragment, include and skip": {
			query: `query ($yes: Boolean!, $no: Boolean!) { a: items(ids: [8400000001]) { n: name id @include(if: $no) } b: items(ids: [8400000001]) { ... @skip(if: $no) { id } ... @include(if: $no) { name }
				column_values(ids: ["phone"]) { ... on ColumnValue { id } id @skip(if: $yes) } } }`,
			vars: map[string]any{"yes": true, "no": false},
			want: `{"a":[{"n":"ACME"}],"b":[{"id":"8400000001","column_values":[{"id":"phone"}]}]}`,
		},
		"unknown items are left out, answers are sorted": {
			query: `{ items(ids: [8400000003, 5, 8400000001, 8400000003]) { id } }`,
			want:  `{"items":[{"id":"8400000001"},{"id":"8400000003"}]}`,
		},
		"board": {
			query: `{ boards(ids: [1002, 9]) { id name state columns(ids: ["name", "connect_account"]) { id type title settings } groups { id title } items_count } }`,
			want: `{"boards":[{"id":"1002","name":"Contacts","state":"active","columns":[{"id":"name","type":"name","title":"Name","settings":{}},
				{"id":"connect_account","type":"board_relation","title":"Account","settings":{"boardIds":[1001]}}],"groups":[{"id":"topics","title":"Active"},{"id":"imported","title":"Imported"}],"items_count":1}]}`,
		},
		"users": {
			query: `{ users(emails: ["ANN@example.org"]) { id name email enabled } me { id } account { slug } version { value } }`,
			want:  `{"users":[{"id":"7","name":"Ann","email":"ann@example.org","enabled":true}],"me":{"id":"67214742"},"account":{"slug":"example"},"version":{"value":"2026-07"}}`,
		},
		"status by index": {
			query: `{ boards(ids: 1003) { items_page(query_params: {rules: [{column_id: "status", compare_value: [1]}, {column_id: "company", operator: is_empty, compare_value: []}]}) { cursor items { id } } } }`,
			want:  `{"boards":[{"items_page":{"cursor":null,"items":[{"id":"8400000003"}]}}]}`,
		},
		"status by another index": {
			query: `{ boards(ids: 1003) { items_page(query_params: {rules: [{column_id: "status", compare_value: [2]}]}) { items { id } } } }`,
			want:  `{"boards":[{"items_page":{"items":[]}}]}`,
		},
		"by column values": {
			query: `{ items_page_by_column_values(board_id: 1003, columns: [{column_id: "status", column_values: ["New", "Qualified"]}, {column_id: "name", column_values: ["Bo \"B\" Lee"]}]) { items { id } } }`,
			want:  `{"items_page_by_column_values":{"items":[{"id":"8400000003"}]}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.call(tt.query, tt.vars)
			if r.body["errors"] != nil {
				t.Fatalf("answer %s", r.text)
			}
			if diff := cmp.Diff(decoded(t, tt.want), r.body["data"]); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailedQuery(t *testing.T) {
	t.Parallel()
	c := filled(t, Config{})
	tooMany := make([]any, 101)
	for i := range tooMany {
		tooMany[i] = i
	}
	tests := map[string]struct {
		query string
		vars  map[string]any
		code  string
		data  string // empty: no data member
	}{
		"unknown field":                {query: `{ boards { items { id } } }`, code: "undefinedField"},
		"unknown argument":             {query: `{ boards(id: 1) { id } }`, code: "argumentNotAccepted"},
		"missing argument":             {query: `{ webhooks { id } }`, code: "missingRequiredArguments"},
		"payload type for a webhook":   {query: `mutation { create_webhook(board_id: 1, url: "u", event: delete_pulse) { id } }`, code: "argumentLiteralsIncompatible"},
		"Int for an ID":                {query: `query ($b: Int!) { webhooks(board_id: $b) { id } }`, vars: map[string]any{"b": 1}, code: "variableMismatch"},
		"missing variable":             {query: `query ($b: ID!) { webhooks(board_id: $b) { id } }`, code: "variableMismatch"},
		"number for a String":          {query: `query ($n: String) { users(name: $n) { id } }`, vars: map[string]any{"n": 1}, code: "variableMismatch"},
		"fragment on another type":     {query: `{ items { ... on Board { id } } }`, code: "GRAPHQL_VALIDATION_FAILED"},
		"syntax":                       {query: `{ items `, code: ""},
		"over 100 items":               {query: `query ($ids: [ID!]) { items(ids: $ids) { id } }`, vars: map[string]any{"ids": tooMany}, code: "InvalidArgumentException", data: `{"items":null}`},
		"null propagates to the board": {query: `{ boards(ids: [1001]) { items_page(limit: 501) { cursor } } me { id } }`, code: "InvalidArgumentException", data: `{"boards":[null],"me":{"id":"67214742"}}`},
		"null propagates to data":      {query: `{ next_items_page(cursor: "x") { cursor } me { id } }`, code: "CursorException", data: `null`},
		"search by link":               {query: `{ items_page_by_column_values(board_id: 1002, columns: [{column_id: "connect_account", column_values: ["1"]}]) { cursor } }`, code: "InvalidArgumentException", data: `null`},
		"too complex":                  {query: `{ boards(limit: 1000) { items_page(limit: 500) { items { column_values { id } } } } }`, code: "maxComplexityExceeded"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.call(tt.query, tt.vars)
			if r.status != 200 || r.body["errors"] == nil || r.code() != tt.code {
				t.Errorf("answer %d %s, want code %q", r.status, r.text, tt.code)
			}
			if tt.data == "" {
				if _, ok := r.body["data"]; ok {
					t.Errorf("answer has data: %s", r.text)
				}
				return
			}
			if diff := cmp.Diff(decoded(t, tt.data), r.body["data"]); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
		})
	}
}

func TestItemsDefaults(t *testing.T) {
	t.Parallel()
	c := start(t, Config{})
	ids := []any{}
	for range 30 {
		ids = append(ids, c.CreateItem(1001, "x", nil))
	}
	c.DeleteItem(ids[0].(int64))
	c.ArchiveItem(ids[1].(int64))
	count := func(query string) int {
		return len(c.call(query, map[string]any{"ids": ids}).body["data"].(map[string]any)["items"].([]any))
	}
	if got := count(`query ($ids: [ID!]) { items(ids: $ids) { id } }`); got != 25 {
		t.Errorf("without a limit %d items, want 25", got)
	}
	if got := count(`query ($ids: [ID!]) { items(ids: $ids, limit: 100) { id } }`); got != 30 {
		t.Errorf("with deleted and archived ones %d items, want 30", got)
	}
	if got := count(`query ($ids: [ID!]) { items(ids: $ids, limit: 100, exclude_nonactive: true) { id } }`); got != 28 {
		t.Errorf("active %d items, want 28", got)
	}
	r := c.call(`query ($ids: [ID!]) { items(ids: $ids, limit: 2) { state } }`, map[string]any{"ids": ids})
	if diff := cmp.Diff(decoded(t, `{"items":[{"state":"deleted"},{"state":"archived"}]}`), r.body["data"]); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := start(t, Config{Now: now.Now})
	for range 25 {
		c.CreateItem(1001, "x", nil)
	}
	page := func(r reply, field string) (ids []any, cursor any) {
		data, _ := r.body["data"].(map[string]any)
		if boards, ok := data["boards"].([]any); ok {
			data = boards[0].(map[string]any)
		}
		found := data[field].(map[string]any)
		for _, it := range found["items"].([]any) {
			ids = append(ids, it.(map[string]any)["id"])
		}
		return ids, found["cursor"]
	}
	all, cursor := page(c.call(`{ boards(ids: [1001]) { items_page(limit: 10) { cursor items { id } } } }`, nil), "items_page")
	first := cursor
	for cursor != nil {
		var more []any
		more, cursor = page(c.call(`query ($c: String!) { next_items_page(cursor: $c, limit: 10) { cursor items { id } } }`, map[string]any{"c": cursor}), "next_items_page")
		all = append(all, more...)
	}
	seen := map[any]bool{}
	for _, id := range all {
		seen[id] = true
	}
	if len(all) != 25 || len(seen) != 25 {
		t.Errorf("pages have %d items, %d different ones, want 25", len(all), len(seen))
	}
	now.add(61 * time.Minute)
	r := c.call(`query ($c: String!) { next_items_page(cursor: $c) { cursor } }`, map[string]any{"c": first})
	if r.code() != "CursorException" {
		t.Errorf("old cursor: %s", r.text)
	}

	small := start(t, Config{Now: now.Now, PageSize: 2})
	for range 3 {
		small.CreateItem(1001, "x", nil)
	}
	const begin = `{ boards(ids: [1001]) { items_page(limit: 10) { cursor items { id } } } }`
	some, cursor := page(small.call(begin, nil), "items_page")
	if len(some) != 2 || cursor == nil {
		t.Errorf("a page of up to 2 has %d items", len(some))
	}
	small.ExpireCursors()
	now.add(time.Millisecond)
	_, fresh := page(small.call(begin, nil), "items_page")
	for c, want := range map[any]string{cursor: "CursorException", fresh: ""} {
		if r := small.call(`query ($c: String!) { next_items_page(cursor: $c) { cursor } }`, map[string]any{"c": c}); r.code() != want {
			t.Errorf("after the cursors have expired: %s, want code %q", r.text, want)
		}
	}
}

func TestIndexLag(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := start(t, Config{Now: now.Now, IndexLag: time.Second})
	id := c.CreateItem(1001, "x", nil)
	find := func(text string) int {
		r := c.call(`query ($t: String!) { items_page_by_column_values(board_id: 1001, columns: [{column_id: "text_sfid", column_values: [$t]}]) { items { id } } }`, map[string]any{"t": text})
		return len(r.body["data"].(map[string]any)["items_page_by_column_values"].(map[string]any)["items"].([]any))
	}
	c.SetColumn(id, "text_sfid", "one")
	now.add(time.Second / 2)
	if got := find("one"); got != 0 {
		t.Errorf("within the lag found %d, want 0", got)
	}
	now.add(2 * time.Second)
	if got := find("one"); got != 1 {
		t.Errorf("after the lag found %d, want 1", got)
	}
	c.SetColumn(id, "text_sfid", "two")
	now.add(2 * time.Second)
	if one, two := find("one"), find("two"); one != 0 || two != 1 {
		t.Errorf("after a change found %d by the old and %d by the new value, want 0 and 1", one, two)
	}
}
