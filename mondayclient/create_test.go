package mondayclient_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
)

func creates() []mondayclient.Create {
	return []mondayclient.Create{
		{BoardID: 18421858736, Group: "imported", Name: "Ada", Columns: map[string]any{"text_sfid": "003A"}},
		{BoardID: 18421858736, Name: "Grace", Columns: map[string]any{"text_sfid": "003B"}},
	}
}

// TestCreate: each item has a result of its own, and the call is sent under the given key.
func TestCreate(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":{"a0":{"id":"12736724196"},"a1":null,"complexity":{"after":7}},
		"errors":[{"message":"x","path":["a1"],"extensions":{"code":"ColumnValueException","status_code":200}}]}`))
	created, err := m.client.Create(t.Context(), creates(), "the-key")
	if err != nil {
		t.Fatal(err)
	}
	if created[0].ID != 12736724196 || created[0].Err != nil || created[1].ID != 0 {
		t.Errorf("created %+v", created)
	}
	if e := wantError(t, created[1].Err, "ColumnValueException"); !e.Permanent() {
		t.Error("a rejected value is not a permanent error")
	}
	asked := m.asked[0]
	if got := asked.header.Get("Idempotency-Key"); got != "the-key" {
		t.Errorf("key %q", got)
	}
	vars := map[string]any{
		"b0": "18421858736", "g0": "imported", "n0": "Ada", "v0": `{"text_sfid":"003A"}`,
		"b1": "18421858736", "n1": "Grace", "v1": `{"text_sfid":"003B"}`,
	}
	if diff := cmp.Diff(vars, asked.Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"create partial 1/1"}, m.seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// TestCreateKey: a key depends on the items and the scope, and on nothing else.
func TestCreateKey(t *testing.T) {
	t.Parallel()
	key := func(scope string, some []mondayclient.Create) string {
		k, err := mondayclient.CreateKey(scope, some)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	other := creates()
	other[1].Columns["text_sfid"] = "003C"
	first := key("run", creates())
	if again := key("run", creates()); again != first {
		t.Error("the same items have two keys")
	}
	if key("another", creates()) == first || key("run", other) == first {
		t.Error("other items have the same key")
	}
}

func TestItemsBy(t *testing.T) {
	t.Parallel()
	const item = `{"id":"%","name":"Ada","state":"active","updated_at":"2026-01-01T00:00:00Z","board":{"id":"7"},
		"column_values":[{"id":"sfid","type":"text","text":"003A","value":"\"003A\""}]}`
	m := setup(t, func(w http.ResponseWriter, r request) {
		if r.Variables["cursor"] == nil {
			io.WriteString(w, `{"data":{"p0":{"cursor":"next","items":[`+item[:7]+`1`+item[8:]+`]}}}`)
			return
		}
		io.WriteString(w, `{"data":{"p0":{"cursor":null,"items":[`+item[:7]+`2`+item[8:]+`]}}}`)
	})
	found, err := m.client.ItemsBy(t.Context(), 7, "sfid", []string{"003A"})
	if err != nil || len(found) != 2 {
		t.Fatalf("found %v: %v", found, err)
	}
	if found[1].ID != 2 || found[1].Columns["sfid"].Text != "003A" {
		t.Errorf("found %+v", found[1])
	}
	if _, err := m.client.ItemsBy(t.Context(), 7, "sfid", make([]string, 201)); err == nil {
		t.Error("201 texts are searched for in one call")
	}
}

// TestItemsByUnsure: what cannot be read must not count as absent.
func TestItemsByUnsure(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no page":      `{"data":{"p0":null,"complexity":{"after":1}}}`,
		"a part fails": `{"data":{"p0":{"cursor":null,"items":[]}},"errors":[{"message":"x","path":["p0","items"]}]}`,
		"odd item":     `{"data":{"p0":{"cursor":null,"items":[{"id":"1"}]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if found, err := setup(t, says(body)).client.ItemsBy(t.Context(), 7, "sfid", []string{"003A"}); err == nil {
				t.Errorf("found %v", found)
			}
		})
	}
}

// TestItemsByPages: more than a hundred texts are two pages of one call. Each continues by its own cursor.
func TestItemsByPages(t *testing.T) {
	t.Parallel()
	const item = `{"id":"%s","name":"Ada","state":"active","updated_at":"2026-01-01T00:00:00Z","board":{"id":"7"},"column_values":[]}`
	page := func(cursor, id string) string {
		return fmt.Sprintf(`{"cursor":%s,"items":[%s]}`, cursor, fmt.Sprintf(item, id))
	}
	m := setup(t, func(w http.ResponseWriter, r request) {
		if r.Variables["cursor"] == nil {
			io.WriteString(w, `{"data":{"p0":`+page(`"more"`, "1")+`,"p1":`+page("null", "2")+`}}`)
			return
		}
		io.WriteString(w, `{"data":{"p0":`+page("null", "3")+`}}`)
	})
	texts := make([]string, 150)
	for n := range texts {
		texts[n] = fmt.Sprint("00", n)
	}
	found, err := m.client.ItemsBy(t.Context(), 7, "sfid", texts)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for _, item := range found {
		ids = append(ids, item.ID)
	}
	if diff := cmp.Diff([]int64{1, 2, 3}, ids); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if len(m.asked) != 2 || m.asked[1].Variables["cursor"] != "more" {
		t.Fatalf("%d calls, want one for both pages and one for the rest of the first", len(m.asked))
	}
	for name, want := range map[string]int{"texts0": 100, "texts1": 50} {
		if got := len(m.asked[0].Variables[name].([]any)); got != want {
			t.Errorf("%s has %d texts, want %d", name, got, want)
		}
	}
	if _, err := setup(t, says(`{"data":{"p0":`+page("null", "1")+`,"p1":null}}`)).client.ItemsBy(t.Context(), 7, "sfid", texts); err == nil {
		t.Error("a missing page counts as one without items")
	}
}

func TestBoard(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":{"boards":[{"id":"7","name":"People","columns":[{"id":"name","type":"name"},{"id":"phone","type":"phone"}],
		"groups":[{"id":"topics"},null,{"id":"imported"}]}]}}`))
	board, err := m.client.Board(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	want := mondayclient.Board{
		ID: 7, Name: "People", Columns: []mondayclient.BoardColumn{{ID: "name", Type: "name"}, {ID: "phone", Type: column.Phone}},
		Groups: []string{"topics", "imported"},
	}
	if diff := cmp.Diff(want, board); diff != "" {
		t.Errorf("board (-want +got):\n%s", diff)
	}
	_, err = setup(t, says(`{"data":{"boards":[]}}`)).client.Board(t.Context(), 7)
	if e := wantError(t, err, "InvalidBoardIdException"); !e.Permanent() {
		t.Error("a missing board is not a permanent error")
	}
}

// TestRejectedColumn: the error names the column if Monday does, and reports whether its value was rejected.
func TestRejectedColumn(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		extensions, column string
		value              bool
	}{
		"named":     {`{"code":"ColumnValueException","error_data":{"column_id":"status","column_type":"color"}}`, "status", true},
		"by type":   {`{"code":"ColumnValueException","error_data":{"column_type":"color"}}`, "", true},
		"no id":     {`{"code":"ColumnValueException","error_data":{"column_id":"Ada's phone: 555"}}`, "", true},
		"gone":      {`{"code":"InvalidColumnIdException","error_data":{"column_id":"phone"}}`, "phone", true},
		"group":     {`{"code":"ResourceNotFoundException","error_data":{"resource_type":"group","resource_id":"imported"}}`, "", false},
		"board":     {`{"code":"InvalidBoardIdException","error_data":{}}`, "", false},
		"forbidden": {`{"code":"UserUnauthorizedException","status_code":403}`, "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := setup(t, says(`{"data":{"a0":null},"errors":[{"message":"x","path":["a0"],"extensions":`+tt.extensions+`}]}`))
			created, err := m.client.Create(t.Context(), creates()[:1], "key")
			if err != nil {
				t.Fatal(err)
			}
			e, ok := errors.AsType[*mondayclient.Error](created[0].Err)
			if !ok || e.Column != tt.column || e.RejectsValue() != tt.value {
				t.Errorf("error %+v, want column %q, of a value: %t", created[0].Err, tt.column, tt.value)
			}
		})
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		policy, left string
		want         mondayclient.Budget
	}{
		"all": {
			`"minuteRate";q=5000;w=60, "concurrency";q=250;qu="concurrent-requests", "complexityMinute";q=5000000;w=60;qu="content-bytes"`,
			`"minuteRate";r=4990;t=38, "concurrency";r=249, "complexityMinute";r=120;t=38`,
			mondayclient.Budget{Complexity: 120, ComplexityLimit: 5_000_000, Calls: 4990, CallsLimit: 5000, Concurrent: 250},
		},
		"over": {`"minuteRate";q=5000;w=60`, `"minuteRate";r=0;t=0`, mondayclient.Budget{Calls: 5000, CallsLimit: 5000}},
		"none": {"", "", mondayclient.Budget{}},
		"complexity in the policy alone": {
			`"minuteRate";q=5000;w=60, "complexityMinute";q=5000000;w=60`, `"minuteRate";r=4990;t=38`,
			mondayclient.Budget{Calls: 4990, CallsLimit: 5000},
		},
		"complexity of no known limit": {
			`"minuteRate";q=5000;w=60`, `"minuteRate";r=4990;t=38, "complexityMinute";r=0;t=38`,
			mondayclient.Budget{Calls: 4990, CallsLimit: 5000},
		},
		"nonsense": {";;q", `"minuteRate";r=x, =;r`, mondayclient.Budget{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := setup(t, func(w http.ResponseWriter, _ request) {
				w.Header().Set("RateLimit-Policy", tt.policy)
				w.Header().Set("RateLimit", tt.left)
				io.WriteString(w, `{"data":{"boards":[{"columns":[]}]}}`)
			})
			if _, err := m.client.Board(t.Context(), 7); err != nil {
				t.Fatal(err)
			}
			got := m.client.Budget()
			if name == "all" && time.Until(got.Resets) < 30*time.Second {
				t.Errorf("resets at %s", got.Resets)
			}
			if got.KnowsComplexity() != (tt.want.ComplexityLimit > 0) || got.KnowsCalls() != (tt.want.CallsLimit > 0) {
				t.Errorf("complexity known %v, calls known %v", got.KnowsComplexity(), got.KnowsCalls())
			}
			got.Resets = time.Time{}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("budget (-want +got):\n%s", diff)
			}
		})
	}
}
