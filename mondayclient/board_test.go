package mondayclient_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
)

func TestBoards(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":{"boards":[null,{"id":"1003","name":"Leads","columns":[
		{"id":"name","title":"Name","type":"name","archived":false,"settings":null},
		{"id":"old","title":"Old","type":"text","archived":true,"settings":{}},
		{"id":"status","title":"Status","type":"status","archived":false,"settings":{"labels":[{"id":0,"label":"New"},{"id":5,"label":""},{"id":1,"label":"Gone","is_deactivated":true},{"id":2,"label":"Lost"}]}},
		{"id":"stage","title":"Stage","type":"status","archived":false,"settings":"{\"labels\":{\"10\":\"Last\",\"2\":\"First\",\"5\":\"\"}}"},
		{"id":"tags","title":"Tags","type":"dropdown","archived":false,"settings":{"labels":[{"id":1,"name":"A"}]}},
		{"id":"link","title":"Account","type":"board_relation","archived":false,"settings":{"boardIds":[1001,"1002"]}},
		{"id":"odd","title":"Odd","type":"status","archived":false,"settings":[1]}
	]}],"complexity":{"after":1}}}`))
	got, err := m.client.Boards(t.Context(), []int64{1003, 9})
	if err != nil {
		t.Fatal(err)
	}
	want := []mondayclient.Board{{ID: 1003, Name: "Leads", Columns: []mondayclient.BoardColumn{
		{ID: "name", Title: "Name", Type: "name"},
		{ID: "status", Title: "Status", Type: column.Status, Labels: []string{"New", "Lost"}},
		{ID: "stage", Title: "Stage", Type: column.Status, Labels: []string{"First", "Last"}},
		{ID: "tags", Title: "Tags", Type: column.Dropdown, Labels: []string{"A"}},
		{ID: "link", Title: "Account", Type: column.BoardRelation, Boards: []int64{1001, 1002}},
		{ID: "odd", Title: "Odd", Type: column.Status},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("boards (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"boards ok 1/0"}, m.seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestBoardNames(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":{"boards":[null,{"id":"1003","name":"Leads"},{"id":"1001","name":"Accounts"}],"complexity":{"after":1}}}`))
	got, err := m.client.BoardNames(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]mondayclient.Board{{ID: 1003, Name: "Leads"}, {ID: 1001, Name: "Accounts"}}, got); diff != "" {
		t.Errorf("boards (-want +got):\n%s", diff)
	}
	_, err = setup(t, says(`{"data":{"complexity":{"after":1}}}`)).client.BoardNames(t.Context())
	wantError(t, err, "UNEXPECTED_ANSWER")
}

// TestBoardsInGroups: all boards are read, although Monday returns at most 25 by default.
func TestBoardsInGroups(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":{"boards":[]}}`))
	if _, err := m.client.Boards(t.Context(), make([]int64, 30)); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, r := range m.asked {
		sizes = append(sizes, len(r.Variables["ids"].([]any)))
		if r.Variables["limit"] != float64(len(r.Variables["ids"].([]any))) {
			t.Errorf("limit %v for %d boards", r.Variables["limit"], len(r.Variables["ids"].([]any)))
		}
	}
	if diff := cmp.Diff([]int{25, 5}, sizes); diff != "" {
		t.Errorf("sizes of the calls (-want +got):\n%s", diff)
	}
}

func TestBoardsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ answer, code string }{
		"no boards":  {`{"data":{"complexity":{"after":1}}}`, "UNEXPECTED_ANSWER"},
		"a part":     {`{"data":{"boards":null},"errors":[{"message":"x","path":["boards"],"extensions":{"code":"UserUnauthorizedException"}}]}`, "UserUnauthorizedException"},
		"the whole":  {`{"errors":[{"message":"Not Authenticated"}]}`, "NOT_AUTHENTICATED"},
		"not a list": {`{"data":{"boards":{}}}`, "UNEXPECTED_ANSWER"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := setup(t, says(tt.answer)).client.Boards(t.Context(), []int64{1})
			wantError(t, err, tt.code)
		})
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":{"webhooks":[{"id":"7","event":"create_item"},null,{"id":8,"event":"change_name"}]}}`))
	got, err := m.client.Webhooks(t.Context(), 1001)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]mondayclient.Webhook{{ID: 7, Event: "create_item"}, {ID: 8, Event: "change_name"}}, got); diff != "" {
		t.Errorf("webhooks (-want +got):\n%s", diff)
	}
	if got := m.asked[0].Variables["board"]; got != "1001" {
		t.Errorf("board %v, want 1001", got)
	}
}

func TestCreateWebhook(t *testing.T) {
	t.Parallel()
	const url = "https://sync.example.org/webhooks/monday/the-secret"
	m := setup(t, says(`{"data":{"create_webhook":{"id":"9"}}}`))
	id, err := m.client.CreateWebhook(t.Context(), 1001, "create_item", url)
	if err != nil || id != 9 {
		t.Errorf("CreateWebhook: %d, %v, want 9", id, err)
	}
	if diff := cmp.Diff(map[string]any{"board": "1001", "event": "create_item", "url": url}, m.asked[0].Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}

	refusing := setup(t, says(`{"data":{"create_webhook":null},"errors":[{"message":"`+url+` did not answer","path":["create_webhook"],"extensions":{"code":"InvalidArgumentException"}}]}`))
	_, err = refusing.client.CreateWebhook(t.Context(), 1001, "create_item", url)
	if e := wantError(t, err, "InvalidArgumentException"); !e.Permanent() {
		t.Error("a rejected URL is not a permanent error")
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error repeats the URL: %v", err)
	}

	silent := setup(t, func(w http.ResponseWriter, _ request) { t.Error("a URL that is too long was sent") })
	if _, err := silent.client.CreateWebhook(t.Context(), 1, "create_item", url+strings.Repeat("x", mondayclient.MaxWebhookURL)); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("CreateWebhook of a long URL: %v", err)
	}
}

// TestSubscriptions: each subscription's event arrives under a type that ReadWebhook knows.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	if n := len(mondayclient.Subscriptions()); n != 6 {
		t.Errorf("%d subscriptions, want 6", n)
	}
	for _, event := range mondayclient.Subscriptions() {
		d, err := mondayclient.ReadWebhook([]byte(`{"event":{"type":"` + event + `","boardId":1,"pulseId":2,"itemId":2,"columnId":"c","columnType":"text","value":{"name":"x"}}}`))
		if err != nil || d.Event.ItemID != 2 {
			t.Errorf("%s: %+v, %v", event, d.Event, err)
		}
	}
}
