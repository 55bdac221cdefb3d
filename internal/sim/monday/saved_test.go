package monday

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestSaved performs any actions, also across saves, and expects an account that is loaded from what was saved to
// answer like the original, and to continue its numbers.
func TestSaved(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		play := &play{t: rt, clock: newClock(), names: rapid.StringN(1, 20, 60)}
		cfg := Config{Token: testToken, Now: play.clock.Now, Deliver: func(Delivery) {}, ComplexityPerMinute: 1 << 40}
		play.client = start(t, cfg)
		for range rapid.IntRange(0, 40).Draw(rt, "actions") {
			play.clock.add(1234567 * time.Microsecond)
			play.act()
			if rapid.IntRange(0, 9).Draw(rt, "reload") == 0 {
				play.client = reloaded(t, play.client, cfg)
			}
		}
		second := reloaded(t, play.client, cfg)
		if diff := cmp.Diff(view(play.client), view(second)); diff != "" {
			rt.Fatalf("answers (-saved +loaded):\n%s", diff)
		}
		for _, c := range []*client{play.client, second} {
			c.ask(create, map[string]any{"b": "1003", "n": "Next", "v": `{"status": {"label": "Fresh"}, "interests": {"labels": ["Fresh"]}}`})
			c.AddWebhook(1003, "create_item", "https://example.org/next")
		}
		if diff := cmp.Diff(view(play.client), view(second)); diff != "" {
			rt.Fatalf("answers after more actions (-saved +loaded):\n%s", diff)
		}
	})
}

// reloaded returns an account with the content of another one, which went through JSON.
func reloaded(t *testing.T, from *client, cfg Config) *client {
	text, err := json.Marshal(from.Save())
	if err != nil {
		t.Fatal(err)
	}
	to := start(t, cfg)
	if err := to.Load(decodeSaved(t, string(text))); err != nil {
		t.Fatalf("loading %s: %v", text, err)
	}
	return to
}

func decodeSaved(t *testing.T, text string) Saved {
	t.Helper()
	var saved Saved
	in := json.NewDecoder(strings.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&saved); err != nil {
		t.Fatal(err)
	}
	return saved
}

// view returns what an account answers, and what it would save.
func view(c *client) map[string]any {
	const values = `id name state created_at updated_at creator_id board { id } group { id } column_values { id text value
		... on BoardRelationValue { linked_item_ids display_value } ... on MirrorValue { display_value }
		... on StatusValue { index label updated_at } ... on DropdownValue { values { id label } }
		... on NumbersValue { number } ... on CheckboxValue { checked updated_at } }`
	out := map[string]any{}
	ask := func(name, query string, vars map[string]any) {
		r := c.call(query, vars)
		out[name] = r.body["data"]
		if r.code() != "" {
			c.t.Errorf("%s: %s", name, r.text)
		}
	}
	ask("boards", `{ boards { id items_count columns { id settings_str } items_page(limit: 500) { items { `+values+` } } } }`, nil)
	ask("users", `{ users { id name email } }`, nil)
	ids := []any{"1"}
	for _, board := range Example() {
		ask(fmt.Sprint("webhooks of ", board.ID), `query ($b: ID!) { webhooks(board_id: $b) { id event config board_id } }`,
			map[string]any{"b": idText(board.ID)})
		for _, it := range c.Items(board.ID) {
			ids = append(ids, idText(it.ID))
		}
	}
	for chunk := range slices.Chunk(ids, 100) {
		ask(fmt.Sprint("items from ", chunk[0]), `query ($ids: [ID!]) { items(ids: $ids, limit: 100) { `+values+` } }`, map[string]any{"ids": chunk})
	}
	ask("found", `{ items_page_by_column_values(board_id: 1003, columns: [{column_id: "company", column_values: ["ACME"]}]) { items { id } } }`, nil)
	out["saved"] = c.Save()
	return out
}

const (
	create = `mutation ($b: ID!, $n: String!, $v: JSON) { create_item(board_id: $b, item_name: $n, column_values: $v, create_labels_if_missing: true) { id } }`
	write1 = `mutation ($b: ID!, $i: ID!, $v: JSON!) { change_multiple_column_values(board_id: $b, item_id: $i, column_values: $v, create_labels_if_missing: true) { id } }`
)

// play performs actions on an account, including some that it rejects.
type play struct {
	*client
	t     *rapid.T
	clock *clock
	names *rapid.Generator[string]
}

func (p *play) act() {
	board := rapid.SampledFrom(Example()).Draw(p.t, "board")
	item, isItem := p.item()
	id := map[string]any{"i": idText(item.ID)}
	actions := map[string]func(){
		"create": func() { p.ask(create, p.creation(board)) },
		"create once": func() {
			p.ask(create, p.creation(board), "Idempotency-Key", rapid.StringMatching(`[ab]`).Draw(p.t, "key"))
		},
		"user": func() {
			p.AddUser(rapid.Int64Range(1, 99).Draw(p.t, "user"), p.names.Draw(p.t, "name"), "u@example.org")
		},
		"subscribe": func() { p.subscribed(board.ID) },
		"unsubscribe": func() {
			p.ask(`mutation ($i: ID!) { delete_webhook(id: $i) { id } }`, map[string]any{"i": idText(firstHook + rapid.Int64Range(0, 3).Draw(p.t, "webhook"))})
		},
		"label": func() {
			p.RenameLabel(1003, "status", p.Save().Boards[2].Labels["status"][0].Text, p.names.Draw(p.t, "label"))
		},
	}
	if isItem {
		maps.Copy(actions, map[string]func(){
			"write": func() {
				p.ask(write1, map[string]any{"b": idText(item.Board), "i": idText(item.ID), "v": p.values(item.Board)})
			},
			"delete":  func() { p.ask(`mutation ($i: ID!) { delete_item(item_id: $i) { id } }`, id) },
			"archive": func() { p.ask(`mutation ($i: ID!) { archive_item(item_id: $i) { id } }`, id) },
			"move to group": func() {
				p.ask(`mutation ($i: ID!) { move_item_to_group(item_id: $i, group_id: "imported") { id } }`, id)
			},
			"move to board": func() {
				p.ask(`mutation ($i: ID!, $b: ID!) { move_item_to_board(item_id: $i, board_id: $b, group_id: "topics") { id } }`, map[string]any{"i": id["i"], "b": idText(board.ID)})
			},
			"purge": func() { p.PurgeItem(item.ID) },
		})
		if item.State != stateActive {
			actions["restore"] = func() { p.RestoreItem(item.ID) }
		}
	}
	before := p.Save()
	revision := p.Revision()
	actions[rapid.SampledFrom(slices.Sorted(maps.Keys(actions))).Draw(p.t, "action")]()
	if diff := cmp.Diff(before, p.Save()); diff != "" && p.Revision() == revision {
		p.t.Fatalf("the revision stays the same, although the content changed:\n%s", diff)
	}
}

func (p *play) item() (Item, bool) {
	var all []Item
	for _, board := range Example() {
		all = append(all, p.Items(board.ID)...)
	}
	if len(all) == 0 {
		return Item{}, false
	}
	return rapid.SampledFrom(all).Draw(p.t, "item"), true
}

func (p *play) creation(board Board) map[string]any {
	return map[string]any{"b": idText(board.ID), "n": p.names.Draw(p.t, "name"), "v": p.values(board.ID)}
}

func (p *play) subscribed(board int64) {
	p.Sim.mu.Lock()
	defer p.Sim.mu.Unlock()
	h := &webhook{board: p.boards[board], event: "change_specific_column_value", url: "https://example.org", owner: tokenUser}
	if rapid.Bool().Draw(p.t, "configured") {
		h.config = object{"columnId": "phone", "n": json.Number("12345678901234567")}
	}
	p.subscribe(h)
}

// values returns values of some columns of a board as the JSON scalar.
func (p *play) values(board int64) string {
	values := map[string]any{}
	for _, c := range p.boards[board].columns {
		if value, ok := p.value(c); ok && rapid.Bool().Draw(p.t, c.ID) {
			values[c.ID] = value
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

func (p *play) value(c *column) (any, bool) {
	linked := []int64{}
	for _, it := range p.Items(1001) {
		if it.State == stateActive && len(linked) < 2 {
			linked = append(linked, it.ID)
		}
	}
	choices := map[string][]any{
		"board_relation": {nil, object{"item_ids": linked}},
		"checkbox":       {nil, object{"checked": "true"}},
		"country":        {nil, object{"countryCode": "DE", "countryName": "Germany"}},
		"date":           {nil, object{"date": "2026-02-28"}, object{"date": "2026-02-28", "time": "23:59:30"}},
		"dropdown":       {nil, object{"labels": []string{c.labelText(0)}}, object{"labels": []string{"Z", "A,b"}}},
		"email":          {nil, object{"email": "ada@b.example"}, object{"email": "ada@b.example", "text": p.names.Draw(p.t, "text")}},
		"link":           {nil, object{"url": "https://example.org"}, object{"url": "https://example.org", "text": "T"}, "https://example.org"},
		"long_text":      {nil, object{"text": p.names.Draw(p.t, "text")}},
		"numbers":        {nil, "0", "12.50", "-1e3"},
		"people":         {nil, object{"personsAndTeams": []object{{"id": tokenUser, "kind": "person"}, {"id": 7, "kind": "team"}}}},
		"phone":          {nil, object{"phone": "+49 30 1", "countryShortName": "DE"}, object{"phone": "030"}},
		"status":         {nil, object{"label": c.labelText(1)}, object{"label": p.names.Draw(p.t, "label")}},
		"text":           {nil, "ACME", p.names.Draw(p.t, "text")},
	}[c.Type]
	if choices == nil {
		return nil, false
	}
	return rapid.SampledFrom(choices).Draw(p.t, c.ID+" value"), true
}

func (c *column) labelText(n int) string {
	if n >= len(c.labels) {
		return ""
	}
	return c.labels[n].text
}

// TestLoadRefuses breaks saved content in one place at a time.
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	c := start(t, Config{Deliver: func(Delivery) {}})
	c.AddWebhook(1003, "create_item", "https://example.org")
	c.CreateItem(1003, "Ada", map[string]any{"amount": "12", "status": map[string]any{"label": "Quote"}})
	text, err := json.Marshal(c.Save())
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[[2]string]string{
		{`"id":1002,`, `"id":1009,`}:                     "there is no board 1009",
		{`"status":[`, `"company":[`}:                    `there is no column "company" that has labels`,
		{`"group":"topics"`, `"group":"nowhere"`}:        `board 1003 has no group "nowhere"`,
		{`"state":"active"`, `"state":"lost"`}:           `an item cannot be "lost"`,
		{`"value":"12"`, `"value":"twelve"`}:             `column "amount": the value does not have the form of a numbers column`,
		{`"value":"12"`, `"value":{}`}:                   `column "amount": the value does not have the form`,
		{`"amount":{`, `"sum":{`}:                        `board 1003 has no column "sum"`,
		{`"index":3`, `"index":77`}:                      `column "status": the value does not have the form`,
		{`"next_item":8400000002`, `"next_item":1`}:      "item 8400000001: another item has, or will get, the same id",
		{`"next_webhook":810700002`, `"next_webhook":1`}: "webhook 810700001: another webhook has, or will get, the same id",
		{`"event":"create_item"`, `"event":"party"`}:     `there is no event "party"`,
		{`"users":[`, `"users":null,"x":[`}:              "there are no users",
	} {
		broken := bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(broken, text) {
			t.Fatalf("%s is not in %s", change[0], text)
		}
		var saved Saved
		if err := json.Unmarshal(broken, &saved); err != nil {
			t.Fatal(err)
		}
		if err := start(t, Config{}).Load(saved); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", change[1], err, want)
		}
	}
}
