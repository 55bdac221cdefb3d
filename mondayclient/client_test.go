package mondayclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
)

const token = "the-api-token"

// request is a request that the server received.
type request struct {
	Query     string         `json:"query"`
	Variables map[string]any `json:"variables"`
	header    http.Header
}

// monday is a server that replies by answer and records the requests.
type monday struct {
	client *mondayclient.Client
	mu     sync.Mutex
	asked  []request
	seen   []string // by Observe
	left   []int    // by Complexity
}

func setup(t *testing.T, answer func(w http.ResponseWriter, r request)) *monday {
	t.Helper()
	m := &monday{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := request{header: r.Header}
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			t.Errorf("request: %v", err)
		}
		m.mu.Lock()
		m.asked = append(m.asked, req)
		m.mu.Unlock()
		answer(w, req)
	}))
	t.Cleanup(server.Close)
	var err error
	m.client, err = mondayclient.New(mondayclient.Config{
		URL: server.URL + "/v2", Token: token, Version: "2026-07", HTTPClient: server.Client(),
		Observe: func(operation, code string, took time.Duration, succeeded, failed int) {
			m.seen = append(m.seen, fmt.Sprintf("%s %s %d/%d", operation, code, succeeded, failed))
		},
		Complexity: func(remaining int) { m.left = append(m.left, remaining) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// says returns a handler that answers 200 with this body.
func says(body string) func(http.ResponseWriter, request) {
	return func(w http.ResponseWriter, _ request) { io.WriteString(w, body) }
}

func wantError(t *testing.T, err error, code string) *mondayclient.Error {
	t.Helper()
	var e *mondayclient.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *Error", err)
	}
	if e.Code != code {
		t.Errorf("code %q, want %q", e.Code, code)
	}
	return e
}

const twoItems = `{"items":[
	{"id":"12736724196","name":"ACME","state":"active","updated_at":"2026-09-23T12:03:55Z","board":{"id":"18421858736"},"column_values":[
		{"id":"status","type":"status","text":"Go","value":"{\"index\":3,\"changed_at\":\"2026-09-23T12:03:38.628Z\"}","label":"Go"},
		{"id":"connect","type":"board_relation","text":null,"value":null,"linked_item_ids":["9607665733"]}]},
	{"id":2,"name":"B","state":"archived","updated_at":"2026-09-23T14:03:55+02:00","board":null,"column_values":[]}]`

func TestItems(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":`+twoItems+`,"complexity":{"after":4999000}},"extensions":{"request_id":"x"}}`))
	got, err := m.client.Items(t.Context(), []int64{12736724196, 2, 3}, []string{"status", "connect", "nowhere"})
	if err != nil {
		t.Fatal(err)
	}
	want := []mondayclient.Item{{
		ID: 12736724196, BoardID: 18421858736, Name: "ACME", State: "active", UpdatedAt: time.Date(2026, 9, 23, 12, 3, 55, 0, time.UTC),
		Columns: map[string]column.Value{
			"status":  {Type: column.Status, Text: "Go"},
			"connect": {Type: column.BoardRelation, IDs: []int64{9607665733}},
		},
		ChangedAt: map[string]time.Time{"status": time.Date(2026, 9, 23, 12, 3, 38, 628e6, time.UTC)},
	}, {
		ID: 2, Name: "B", State: "archived", UpdatedAt: time.Date(2026, 9, 23, 12, 3, 55, 0, time.UTC),
		Columns: map[string]column.Value{}, ChangedAt: map[string]time.Time{},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	asked := m.asked[0]
	if !strings.Contains(asked.Query, "limit: 100") {
		t.Error("without a limit Monday returns only 25 items")
	}
	vars := map[string]any{"ids": []any{"12736724196", "2", "3"}, "columns": []any{"status", "connect", "nowhere"}}
	if diff := cmp.Diff(vars, asked.Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"Authorization": token, "Api-Version": "2026-07", "User-Agent": "crmsync", "Idempotency-Key": ""} {
		if got := asked.header.Get(name); got != want {
			t.Errorf("header %s: %q, want %q", name, got, want)
		}
	}
	if diff := cmp.Diff([]string{"items ok 2/0"}, m.seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{4999000}, m.left); diff != "" {
		t.Errorf("complexity (-want +got):\n%s", diff)
	}
}

func TestItemsColumns(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":{"items":[]}}`))
	for _, columns := range [][]string{nil, {}, {"a"}} {
		if _, err := m.client.Items(t.Context(), []int64{1}, columns); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"column_values {", "", "column_values(ids: $columns) {"} {
		if got := m.asked[i].Query; !strings.Contains(got, want) || want == "" && strings.Contains(got, "column_values") {
			t.Errorf("query %d: %s", i, got)
		}
	}
}

// TestItemsWithoutTime: the time of an item may be null by Monday's schema. Then every event counts as newer.
func TestItemsWithoutTime(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":{"items":[{"id":"1","name":"A","state":"active","updated_at":null}]}}`))
	items, err := m.client.Items(t.Context(), []int64{1}, nil)
	if err != nil || items[0].Name != "A" || items[0].UpdatedAt.Unix() != 0 {
		t.Errorf("items %v, error %v", items, err)
	}
}

// TestItemsInPart: an item that is missing from an answer with an error must not count as unknown to Monday.
func TestItemsInPart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body   string
		code   string
		items  int
		single bool
		outage bool
	}{
		"an item failed":    {`{"data":{"items":[{"id":"1","name":"A","state":"active","updated_at":"2026-09-23T12:03:55Z"},null]},"errors":[{"message":"SECRET","path":["items",1,"column_values"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`, "INTERNAL_SERVER_ERROR", 1, true, false},
		"null, unexplained": {`{"data":{"items":[null]}}`, "UNEXPECTED_ANSWER", 0, true, false},
		"unknown state":     {`{"data":{"items":[{"id":"1","name":"A","state":"frozen","updated_at":"2026-09-23T12:03:55Z"}]}}`, "UNEXPECTED_ANSWER", 0, true, false},
		"no state":          {`{"data":{"items":[{"id":"1","name":"A","state":null,"updated_at":"2026-09-23T12:03:55Z"}]}}`, "UNEXPECTED_ANSWER", 0, true, false},
		"malformed time":    {`{"data":{"items":[{"id":"1","name":"A","state":"active","updated_at":"SECRET"}]}}`, "UNEXPECTED_ANSWER", 0, true, false},
		"all failed":        {`{"data":{"items":null},"errors":[{"message":"SECRET","path":["items"],"extensions":{"code":"UserUnauthorizedException","status_code":403}}]}`, "UserUnauthorizedException", 0, false, true},
		"all failed, list":  {`{"data":[],"errors":[{"message":"SECRET","path":["items"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`, "INTERNAL_SERVER_ERROR", 0, false, true},
		"throttled":         {`{"data":{"items":null},"errors":[{"message":"SECRET","extensions":{"code":"COMPLEXITY_BUDGET_EXHAUSTED"}}]}`, "COMPLEXITY_BUDGET_EXHAUSTED", 0, false, false},
		"no items":          {`{"data":{"complexity":{"after":1}}}`, "UNEXPECTED_ANSWER", 0, false, false},
		"only the budget":   {`{"data":{"items":null,"complexity":null},"errors":[{"path":["complexity"]}]}`, "UNEXPECTED_ANSWER", 0, false, false},
		"malformed id":      {`{"data":{"items":[{"id":"SECRET"}]}}`, "UNEXPECTED_ANSWER", 0, false, false},
		"not a list":        {`{"data":{"items":"SECRET"}}`, "UNEXPECTED_ANSWER", 0, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := setup(t, says(tt.body))
			items, err := m.client.Items(t.Context(), []int64{1, 2}, nil)
			e := wantError(t, err, tt.code)
			if len(items) != tt.items || e.Single != tt.single || e.Outage() != tt.outage {
				t.Errorf("%d items, single %v, outage %v; want %d, %v, %v", len(items), e.Single, e.Outage(), tt.items, tt.single, tt.outage)
			}
			if strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error's text repeats a value: %s", err)
			}
		})
	}
}

func TestItemsBounds(t *testing.T) {
	t.Parallel()
	m := setup(t, says(``))
	if items, err := m.client.Items(t.Context(), nil, nil); err != nil || items != nil {
		t.Errorf("no ids: %v, %v", items, err)
	}
	if _, err := m.client.Items(t.Context(), make([]int64, 101), nil); err == nil {
		t.Error("101 ids: no error")
	}
	if len(m.asked) > 0 {
		t.Errorf("asked %d times", len(m.asked))
	}
}

func TestUserEmails(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":{"users":[{"id":"67214742","email":"a@b.example"}],"complexity":{"after":7}}}`))
	ids := make([]int64, 201)
	got, err := m.client.UserEmails(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int64]string{67214742: "a@b.example"}, got); diff != "" {
		t.Errorf("e-mails (-want +got):\n%s", diff)
	}
	if len(m.asked) != 2 || m.asked[0].Variables["limit"] != 200.0 || m.asked[1].Variables["limit"] != 1.0 {
		t.Errorf("asked %+v", m.asked)
	}
	m = setup(t, says(`{"data":{"users":null},"errors":[{"path":["users"],"extensions":{"code":"USER_ACCESS_DENIED"}}]}`))
	_, err = m.client.UserEmails(t.Context(), []int64{1})
	wantError(t, err, "USER_ACCESS_DENIED")
}

func TestClientUnanswered(t *testing.T) {
	t.Parallel()
	arrived, done := make(chan struct{}, 3), make(chan struct{})
	m := setup(t, func(http.ResponseWriter, request) {
		arrived <- struct{}{}
		<-done
	})
	t.Cleanup(func() { close(done) })

	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if _, err := m.client.Items(ctx, []int64{1}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if _, err := m.client.Items(ctx, []int64{1}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled before: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := m.client.Items(ctx, []int64{1}, nil)
	if e := wantError(t, err, "TIMEOUT"); !e.Outage() || e.RetryAfter() != 5*time.Second || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v, wait %v", err, e.RetryAfter())
	}
	want := []string{"items canceled 0/1", "items canceled 0/1", "items TIMEOUT 0/1"}
	if diff := cmp.Diff(want, m.seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestClientUnreachable(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(hang) })
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"data":`)
	}))
	t.Cleanup(broken.Close)
	tests := map[string]struct {
		url, code string
		timeout   time.Duration
	}{
		"closed":           {"http://127.0.0.1:1", "UNREACHABLE", 0},
		"answer cut off":   {broken.URL, "UNREACHABLE", 0},
		"client's timeout": {slow.URL, "TIMEOUT", 20 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := mondayclient.New(mondayclient.Config{URL: tt.url, Token: token, HTTPClient: &http.Client{Timeout: tt.timeout}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Items(t.Context(), []int64{1}, nil)
			e := wantError(t, err, tt.code)
			if !e.Outage() || e.RetryAfter() != 5*time.Second || e.Permanent() {
				t.Errorf("outage %v, wait %v", e.Outage(), e.RetryAfter())
			}
			if strings.Contains(err.Error(), token) {
				t.Errorf("the error's text has the token: %s", err)
			}
		})
	}
}

// TestClientRedirect: the token is sent to Monday and nowhere else.
func TestClientRedirect(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("followed, with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	m := setup(t, func(w http.ResponseWriter, _ request) {
		w.Header().Set("Location", elsewhere.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	_, err := m.client.Items(t.Context(), []int64{1}, nil)
	if e := wantError(t, err, ""); e.Status != http.StatusTemporaryRedirect {
		t.Errorf("status %d", e.Status)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]mondayclient.Config{
		"no URL":              {Token: token},
		"another scheme":      {URL: "ftp://api.example", Token: token},
		"credentials in URL":  {URL: "https://user:SECRET@api.example", Token: token},
		"no host":             {URL: "https:///v2", Token: token},
		"plain http":          {URL: "http://api.example/v2", Token: token},
		"almost loopback":     {URL: "http://localhost.example/v2", Token: token},
		"a private address":   {URL: "http://10.0.0.1/v2", Token: token},
		"no token":            {URL: "https://api.example"},
		"a line in the token": {URL: "https://api.example", Token: "SECRET\n"},
		"no version":          {URL: "https://api.example", Token: token, Version: "v2"},
	} {
		if _, err := mondayclient.New(config); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewAllowsLoopback(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://127.0.0.1:8080/v2", "http://localhost/v2", "http://[::1]:8080/v2", "https://api.monday.com/v2"} {
		if _, err := mondayclient.New(mondayclient.Config{URL: url, Token: token}); err != nil {
			t.Errorf("New with %s: %v", url, err)
		}
	}
}
