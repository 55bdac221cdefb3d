package monday

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ask returns the data of an answer as text, without the extensions that differ each time.
func (c *client) ask(query string, vars map[string]any, header ...string) string {
	c.t.Helper()
	r := c.call(query, vars, header...)
	if code := r.code(); code != "" {
		return code
	}
	return fmt.Sprint(r.body["data"])
}

func TestMoveToBoard(t *testing.T) {
	t.Parallel()
	var in inbox
	c := start(t, Config{Deliver: in.deliver})
	for _, board := range []int64{1002, 1003} {
		c.AddWebhook(board, "change_column_value", "https://example.org")
		c.AddWebhook(board, "item_moved_to_any_group", "https://example.org")
	}
	lead := c.CreateItem(1003, "Ada", map[string]any{
		"email": map[string]any{"email": "ada@b.example", "text": "ada@b.example"}, "company": "ACME", "status": map[string]any{"label": "Quote"}, "text_sfid": "00Q",
	})
	c.MoveItem(lead, 1002)
	got, _ := c.Item(lead)
	want := map[string]string{"email": "ada@b.example", "phone": "", "connect_account": "", "mirror_phone": "", "text_sfid": "00Q"}
	if diff := cmp.Diff(want, got.Text); diff != "" || got.Board != 1002 || got.State != "active" {
		t.Errorf("on board %d, %s; values (-want +got):\n%s", got.Board, got.State, diff)
	}
	if n := len(c.Items(1003)); n != 0 {
		t.Errorf("%d items are left on the first board", n)
	}
	if events := in.events(t); len(events) != 0 {
		t.Errorf("a move to another board has events: %v", events)
	}
	c.SetColumn(lead, "text_sfid", "003")
	if events := in.events(t); len(events) != 1 || events[0]["boardId"] != 1002.0 {
		t.Errorf("events after the move: %v", events)
	}
	const found = `query { items_page_by_column_values(board_id: 1002, columns: [{column_id: "email", column_values: ["ada@b.example"]}]) { items { id board { id } } } }`
	if got, want := c.ask(found, nil), fmt.Sprintf("map[items_page_by_column_values:map[items:[map[board:map[id:1002] id:%d]]]]", lead); got != want {
		t.Errorf("found %s, want %s", got, want)
	}
}

func TestMoveItemToBoardMutation(t *testing.T) {
	t.Parallel()
	c := start(t, Config{Boards: []Board{
		{ID: 1, Columns: []Column{{ID: "a", Type: "text"}, {ID: "s", Type: "status", Labels: []string{"Go", "Stop"}}, {ID: "x", Type: "text", Title: "Extra"}}},
		{ID: 2, Groups: []Group{{ID: "g"}}, Columns: []Column{{ID: "b", Type: "text"}, {ID: "s", Type: "status", Labels: []string{"Other", "Go"}}, {ID: "y", Type: "text", Title: "Extra"}}},
	}})
	const move = `mutation ($i: ID!, $m: [ColumnMappingInput!], $g: ID!) { move_item_to_board(item_id: $i, board_id: 2, group_id: $g, columns_mapping: $m) { id board { id } group { id } } }`
	tests := map[string]struct {
		mapping any
		group   string
		code    string
		text    map[string]string
	}{
		"best match":      {nil, "g", "", map[string]string{"b": "", "s": "Go", "y": "extra"}},
		"by the mapping":  {[]any{map[string]any{"source": "a", "target": "b"}, map[string]any{"source": "s", "target": nil}}, "g", "", map[string]string{"b": "text", "s": "", "y": ""}},
		"another type":    {[]any{map[string]any{"source": "a", "target": "s"}}, "g", "InvalidColumnIdException", nil},
		"no such group":   {nil, "nowhere", "ResourceNotFoundException", nil},
		"no such column":  {[]any{map[string]any{"source": "nowhere", "target": "b"}}, "g", "InvalidColumnIdException", nil},
		"an empty object": {[]any{}, "g", "", map[string]string{"b": "", "s": "", "y": ""}},
	}
	for name, tt := range tests {
		id := c.CreateItem(1, "A", map[string]any{"a": "text", "s": map[string]any{"label": "Go"}, "x": "extra"})
		r := c.call(move, map[string]any{"i": fmt.Sprint(id), "m": tt.mapping, "g": tt.group})
		if r.code() != tt.code {
			t.Errorf("%s: %s", name, r.text)
			continue
		}
		got, _ := c.Item(id)
		if tt.code != "" {
			if got.Board != 1 {
				t.Errorf("%s: the item was moved", name)
			}
			continue
		}
		if diff := cmp.Diff(tt.text, got.Text); diff != "" || got.Board != 2 || got.Group != "g" {
			t.Errorf("%s: board %d, group %s; values (-want +got):\n%s", name, got.Board, got.Group, diff)
		}
	}
}

// TestStates reads items by id in every state, and one that was purged.
func TestStates(t *testing.T) {
	t.Parallel()
	c := start(t, Config{})
	var ids []any
	var all []int64
	for range 4 {
		id := c.CreateItem(1001, "A", nil)
		ids, all = append(ids, fmt.Sprint(id)), append(all, id)
	}
	c.ArchiveItem(all[1])
	c.DeleteItem(all[2])
	c.DeleteItem(all[3])
	c.PurgeItem(all[3])
	const states = `query ($ids: [ID!]) { items(ids: $ids) { state } }`
	if got, want := c.ask(states, map[string]any{"ids": ids}), "map[items:[map[state:active] map[state:archived] map[state:deleted]]]"; got != want {
		t.Errorf("states %s, want %s", got, want)
	}
	if _, ok := c.Item(all[3]); ok || len(c.Items(1001)) != 3 {
		t.Error("a purged item still exists")
	}
}

// TestAccess checks what each level of access allows.
func TestAccess(t *testing.T) {
	t.Parallel()
	c := start(t, Config{})
	account, contact := c.CreateItem(1001, "ACME", nil), c.CreateItem(1002, "Ada", nil)
	calls := map[string]string{
		"items":  fmt.Sprintf(`query { items(ids: [%d, %d]) { name } }`, account, contact),
		"boards": `query { boards(ids: [1001, 1002]) { id } }`,
		"search": `query { items_page_by_column_values(board_id: 1002, columns: [{column_id: "name", column_values: ["Ada"]}]) { items { name } } }`,
		"write":  fmt.Sprintf(`mutation { change_simple_column_value(board_id: 1002, item_id: %d, column_id: "text_sfid", value: "003") { id } }`, contact),
		"create": `mutation { create_item(board_id: 1002, item_name: "Bob") { name } }`,
		"hooks":  `query { webhooks(board_id: 1002) { id } }`,
		"me":     `query { me { name } }`,
	}
	both := "map[items:[map[name:ACME] map[name:Ada]]]"
	tests := []struct {
		access Access
		want   map[string]string
	}{
		{ReadOnly, map[string]string{
			"items": both, "boards": "map[boards:[map[id:1001] map[id:1002]]]", "search": "map[items_page_by_column_values:map[items:[map[name:Ada]]]]",
			"write": "USER_UNAUTHORIZED", "create": "USER_UNAUTHORIZED", "hooks": "map[webhooks:[]]", "me": "map[me:map[name:Sync Bot]]",
		}},
		{Hidden, map[string]string{
			"items": "map[items:[map[name:ACME]]]", "boards": "map[boards:[map[id:1001]]]", "search": "InvalidBoardIdException",
			"write": "InvalidBoardIdException", "create": "InvalidBoardIdException", "hooks": "InvalidBoardIdException", "me": "map[me:map[name:Sync Bot]]",
		}},
		{Denied, map[string]string{
			"items": "USER_UNAUTHORIZED", "boards": "map[boards:[map[id:1001]]]", "search": "USER_UNAUTHORIZED",
			"write": "USER_UNAUTHORIZED", "create": "USER_UNAUTHORIZED", "hooks": "USER_UNAUTHORIZED", "me": "map[me:map[name:Sync Bot]]",
		}},
	}
	for _, tt := range tests {
		c.SetAccess(1002, tt.access)
		got := map[string]string{}
		for name, query := range calls {
			got[name] = c.ask(query, nil)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("access %d (-want +got):\n%s", tt.access, diff)
		}
	}
	if got := c.ask(calls["items"], nil, "API-Version", "2025-04"); got != "UserUnauthorizedException" {
		t.Errorf("an older version says %s", got)
	}
	c.SetColumn(contact, "text_sfid", "by a person")
	c.SetAccess(1002, Full)
	if got := c.ask(calls["items"], nil); got != both {
		t.Errorf("with access again: %s", got)
	}
}

// TestPageLag reads pages that lag by 30 s, of a board where everything has changed since.
func TestPageLag(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := start(t, Config{Now: now.Now, PageLag: 30 * time.Second})
	page := func(board int64) string {
		return c.ask(`query ($b: [ID!]) { boards(ids: $b) { items_page { items { name state board { id } column_values(ids: ["text_sfid"]) { text } } } } }`,
			map[string]any{"b": []any{fmt.Sprint(board)}})
	}
	const begin = "map[boards:[map[items_page:map[items:["
	const end = "]]]]]"
	item := func(board int, name, text string) string {
		return fmt.Sprintf("map[board:map[id:%d] column_values:[map[text:%s]] name:%s state:active]", board, text, name)
	}
	old, deleted, moved := c.CreateItem(1001, "Old", map[string]any{"text_sfid": "1"}), c.CreateItem(1001, "Deleted", nil), c.CreateItem(1001, "Moved", nil)
	if got, want := page(1001), begin+end; got != want {
		t.Errorf("at once: %s, want %s", got, want)
	}
	now.add(time.Minute)
	before := begin + item(1001, "Old", "1") + " " + item(1001, "Deleted", "") + " " + item(1001, "Moved", "") + end
	if got := page(1001); got != before {
		t.Errorf("a minute later: %s, want %s", got, before)
	}
	c.SetColumn(old, "text_sfid", "2")
	c.Rename(old, "New")
	c.DeleteItem(deleted)
	c.MoveItem(moved, 1002)
	now.add(29 * time.Second)
	if got := page(1001); got != before {
		t.Errorf("29 s after the changes: %s, want %s", got, before)
	}
	if got, want := page(1002), begin+end; got != want {
		t.Errorf("the other board, 29 s after the move: %s, want %s", got, want)
	}
	if got, want := c.ask(`query ($i: [ID!]) { items(ids: $i) { name } }`, map[string]any{"i": []any{fmt.Sprint(old)}}), "map[items:[map[name:New]]]"; got != want {
		t.Errorf("by id: %s, want %s", got, want)
	}
	now.add(2 * time.Second)
	if got, want := page(1001), begin+item(1001, "New", "2")+end; got != want {
		t.Errorf("31 s after the changes: %s, want %s", got, want)
	}
	if got, want := page(1002), begin+item(1002, "Moved", "")+end; got != want {
		t.Errorf("the other board, 31 s after the move: %s, want %s", got, want)
	}
}

// TestIndexFindsByOldValue searches for the value that an item had until a moment ago.
func TestIndexFindsByOldValue(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := start(t, Config{Now: now.Now, IndexLag: 10 * time.Second})
	id := c.CreateItem(1001, "ACME", map[string]any{"text_sfid": "old"})
	now.add(time.Minute)
	c.SetColumn(id, "text_sfid", "new")
	find := func(text string) string {
		return c.ask(`query ($t: [String]!) { items_page_by_column_values(board_id: 1001, columns: [{column_id: "text_sfid", column_values: $t}]) { items { column_values(ids: ["text_sfid"]) { text } } } }`,
			map[string]any{"t": []any{text}})
	}
	const none, hit = "map[items_page_by_column_values:map[items:[]]]", "map[items_page_by_column_values:map[items:[map[column_values:[map[text:new]]]]]]"
	if found := []string{find("old"), find("new")}; !cmp.Equal(found, []string{hit, none}) {
		t.Errorf("at once: %q", found)
	}
	now.add(10 * time.Second)
	if found := []string{find("old"), find("new")}; !cmp.Equal(found, []string{none, hit}) {
		t.Errorf("10 s later: %q", found)
	}
}

func TestCursorLife(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := start(t, Config{Now: now.Now, CursorLife: time.Minute})
	for range 3 {
		c.CreateItem(1001, "A", nil)
	}
	r := c.call(`query { boards(ids: [1001]) { items_page(limit: 1) { cursor } } }`, nil)
	boards := r.body["data"].(map[string]any)["boards"].([]any)
	cursor := boards[0].(map[string]any)["items_page"].(map[string]any)["cursor"]
	const next = `query ($c: String!) { next_items_page(cursor: $c, limit: 1) { items { name } } }`
	now.add(time.Minute)
	if got := c.ask(next, map[string]any{"c": cursor}); got != "map[next_items_page:map[items:[map[name:A]]]]" {
		t.Errorf("after a minute: %s", got)
	}
	now.add(time.Second)
	if got := c.ask(next, map[string]any{"c": cursor}); got != "CursorException" {
		t.Errorf("later: %s", got)
	}
}

// TestTriggers counts the triggerUuids of actions that cause several events.
func TestTriggers(t *testing.T) {
	t.Parallel()
	var in inbox
	c := start(t, Config{Deliver: in.deliver})
	c.AddWebhook(1001, "change_column_value", "https://example.org")
	c.AddWebhook(1001, "change_name", "https://example.org")
	ids := []int64{c.CreateItem(1001, "A", nil), c.CreateItem(1001, "B", nil)}
	c.SetColumns(ids, map[string]any{"text_sfid": "1", "text_note": "2", "name": "C"})
	c.SetColumn(ids[0], "text_sfid", "3")
	triggers := map[any]int{}
	for _, e := range in.events(t) {
		triggers[e["triggerUuid"]]++
	}
	var counts []int
	for _, n := range triggers {
		counts = append(counts, n)
	}
	if len(counts) != 2 || counts[0]+counts[1] != 7 || counts[0] != 1 && counts[1] != 1 {
		t.Errorf("events by triggerUuid: %v, want 6 of one action and 1 of another", counts)
	}
}

func TestFreshTriggers(t *testing.T) {
	t.Parallel()
	to := listen(t, func(n int) int { return map[bool]int{true: 503, false: 200}[n < 3] })
	c := start(t, Config{RetryEvery: time.Millisecond, FreshTriggers: true})
	c.AddWebhook(1001, "create_item", to.URL)
	c.CreateItem(1001, "ACME", nil)
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	triggers := map[any]bool{}
	for _, e := range to.bodies {
		triggers[e["triggerUuid"]] = true
	}
	if len(to.bodies) != 3 || len(triggers) != 3 {
		t.Errorf("%d attempts with %d triggerUuids, want 3 of each", len(to.bodies), len(triggers))
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	var in inbox
	c := start(t, Config{Deliver: in.deliver})
	c.AddWebhook(1001, "create_item", "https://example.org")
	c.SetLost(1)
	c.CreateItem(1001, "A", nil)
	c.SetLost(0)
	c.CreateItem(1001, "B", nil)
	if events := in.events(t); len(events) != 1 || events[0]["pulseName"] != "B" {
		t.Errorf("delivered %v", events)
	}
	if n := c.Pending(); n != 0 {
		t.Errorf("%d deliveries are pending", n)
	}
}

func TestRetiredVersion(t *testing.T) {
	t.Parallel()
	c := start(t, Config{})
	c.RetireVersion("2026-07")
	if got := c.ask(`query { me { name } }`, nil, "API-Version", "2026-07"); got != "InvalidVersionException" {
		t.Errorf("a retired version: %s", got)
	}
	if got := c.ask(`query { me { name } }`, nil, "API-Version", "2026-10"); got != "map[me:map[name:Sync Bot]]" {
		t.Errorf("another one: %s", got)
	}
}

func TestPlatform(t *testing.T) {
	t.Parallel()
	const query = `query { platform_api { daily_limit { total } daily_analytics { by_day { day usage } } } }`
	now := newClock()
	c := start(t, Config{Now: now.Now, DailyLimit: 1000})
	c.ask(query, nil)
	want := "map[platform_api:map[daily_analytics:map[by_day:[map[day:2026-09-23 usage:2]]] daily_limit:map[total:1000]]]"
	if got := c.ask(query, nil); got != want {
		t.Errorf("second call of the day: %s, want %s", got, want)
	}
	now.add(24 * time.Hour)
	want = "map[platform_api:map[daily_analytics:map[by_day:[map[day:2026-09-24 usage:1]]] daily_limit:map[total:1000]]]"
	if got := c.ask(query, nil); got != want {
		t.Errorf("first call of the next: %s, want %s", got, want)
	}
}

func TestNoComplexityHeader(t *testing.T) {
	t.Parallel()
	r := start(t, Config{NoComplexity: true}).call(`query { me { name } }`, nil)
	if got := r.header.Get("RateLimit"); got != `"minuteRate";r=4999;t=60, "concurrency";r=249` {
		t.Errorf("RateLimit: %s", got)
	}
}
