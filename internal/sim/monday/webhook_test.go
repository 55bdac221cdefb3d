package monday

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

var allEvents = []string{"change_column_value", "change_name", "create_item", "item_archived", "item_deleted", "item_moved_to_any_group", "item_restored"}

// TestPayload compares each payload with Monday's; the members that every event has are checked separately.
func TestPayload(t *testing.T) {
	t.Parallel()
	const item = 8400000003
	updated := func(column, columnType, title, value, previous string) string {
		return `{"type":"update_column_value","userId":67214743,"groupId":"topics","isTopGroup":true,"pulseId":8400000003,"pulseName":"Bo \"B\" Lee","changedAt":1790164801.000000,
			"columnId":"` + column + `","columnType":"` + columnType + `","columnTitle":"` + title + `","value":` + value + `,"previousValue":` + previous + `}`
	}
	grey := `{"label":{"index":5,"text":null,"style":{"color":"#c4c4c4","border":"#b0b0b0","var_name":"grey"},"is_done":false},"post_id":null}`
	qualified := `{"label":{"index":1,"text":"Qualified","style":{"color":"#00c875","border":"#00b461","var_name":"green-shadow"},"is_done":false},"post_id":null}`
	tests := map[string]struct {
		act  func(*client)
		want string // the first event
	}{
		"status cleared": {func(c *client) { c.SetColumn(item, "status", nil) }, updated("status", "color", "Status", grey, qualified)},
		"text, never written": {func(c *client) { c.SetColumn(item, "company", "ACME") },
			updated("company", "text", "Company", `{"value":"ACME"}`, `{}`)},
		"numbers": {func(c *client) { c.SetColumn(item, "amount", "7") },
			updated("amount", "numeric", "Amount", `{"value":7,"unit":null}`, `{"value":1200.50,"unit":null}`)},
		"date": {func(c *client) { c.SetColumn(item, "close_date", map[string]any{"date": "2026-12-24"}) },
			updated("close_date", "date", "Close date", `{"date":"2026-12-24","icon":null,"time":null,"changed_at":"2026-09-23T12:00:01.000Z"}`,
				`{"date":"2026-12-01","icon":null,"time":"14:30:00","changed_at":"2026-09-23T12:00:00.000Z"}`)},
		"people cleared": {func(c *client) { c.SetColumn(item, "owner", nil) },
			updated("owner", "multiple-person", "Owner", `null`, `{"personsAndTeams":[{"id":7,"kind":"person"}],"changed_at":"2026-09-23T12:00:00.000Z"}`)},
		"dropdown": {func(c *client) { c.SetColumn(item, "interests", map[string]any{"labels": []string{"Other"}}) },
			updated("interests", "dropdown", "Interests", `{"chosenValues":[{"id":4,"name":"Other"}]}`, `{"chosenValues":[{"id":1,"name":"Training"},{"id":3,"name":"Events"}]}`)},
		"checkbox": {func(c *client) { c.SetColumn(item, "newsletter", map[string]any{"checked": "false"}) },
			updated("newsletter", "boolean", "Newsletter", `null`, `{"checked":true,"changed_at":"2026-09-23T12:00:00.000Z"}`)},
		"country": {func(c *client) { c.SetColumn(item, "country", nil) },
			updated("country", "country", "Country", `null`, `{"countryCode":"US","countryName":"United States","changed_at":"2026-09-23T12:00:00.000Z"}`)},
		"phone": {func(c *client) { c.SetColumn(item, "phone", "12025550123 US") },
			updated("phone", "phone", "Phone", `{"phone":"12025550123","countryShortName":"US","changed_at":"2026-09-23T12:00:01.000Z"}`, `{}`)},
		"email": {func(c *client) { c.SetColumn(item, "email", "b@example.org") },
			updated("email", "email", "Email", `{"email":"b@example.org","text":"b@example.org","changed_at":"2026-09-23T12:00:01.000Z"}`, `{"email":"bo@example.org","text":"Bo","changed_at":"2026-09-23T12:00:00.000Z"}`)},
		"long text": {func(c *client) { c.SetColumn(item, "text_note", map[string]any{"text": "b"}) },
			updated("text_note", "long-text", "Note", `{"text":"b","changed_at":"2026-09-23T12:00:01.000Z"}`, `{"text":"line\nbreak","changed_at":"2026-09-23T12:00:00.000Z"}`)},
		"relation": {func(c *client) {
			c.AddWebhook(1002, "change_column_value", "http://example.org")
			c.SetColumn(8400000002, "connect_account", nil)
		}, `{"type":"update_column_value","userId":67214743,"groupId":"topics","isTopGroup":true,"pulseId":8400000002,"pulseName":"Jo Doe","changedAt":1790164801.000000,
			"columnId":"connect_account","columnType":"board-relation","columnTitle":"Account","value":null,
			"previousValue":{"linkedPulseIds":[{"linkedPulseId":8400000001}],"changed_at":"2026-09-23T12:00:00.000Z"}}`},
		"rename": {func(c *client) { c.Rename(item, "Bo Li") },
			`{"type":"update_name","userId":67214743,"groupId":"topics","pulseId":8400000003,"value":{"name":"Bo Li"},"previousValue":{"name":"Bo \"B\" Lee"}}`},
		"delete":  {func(c *client) { c.DeleteItem(item) }, `{"type":"delete_pulse","userId":67214743,"itemId":8400000003,"itemName":"Bo \"B\" Lee"}`},
		"archive": {func(c *client) { c.ArchiveItem(item) }, `{"type":"archive_pulse","userId":67214743,"itemId":8400000003,"itemName":"Bo \"B\" Lee"}`},
		"create by a form": {func(c *client) {
			c.CreateItem(1003, "Al", map[string]any{"company": "ACME", "status": map[string]any{"label": "Qualified"}})
		},
			`{"type":"create_pulse","userId":-6,"pulseId":8400000004,"pulseName":"Al","groupId":"topics","groupName":"Active","groupColor":"#579bfc","isTopGroup":true,"columnValues":{"company":{"value":"ACME"},"status":` + qualified + `}}`},
		"create by a person": {func(c *client) { c.CreateItem(1003, "Al", nil) },
			`{"type":"create_pulse","userId":67214743,"pulseId":8400000004,"pulseName":"Al","groupId":"topics","groupName":"Active","groupColor":"#579bfc","isTopGroup":true,"columnValues":{}}`},
		"echo of the API": {func(c *client) {
			c.call(`mutation { change_simple_column_value(board_id: 1003, item_id: 8400000003, column_id: "text_sfid", value: "00Q") { id } }`, nil)
		}, `{"type":"update_column_value","userId":67214742,"groupId":"topics","isTopGroup":true,"pulseId":8400000003,"pulseName":"Bo \"B\" Lee","changedAt":1790164801.000000,
			"columnId":"text_sfid","columnType":"text","columnTitle":"Salesforce Id","value":{"value":"00Q"},"previousValue":{}}`},
		"move": {func(c *client) {
			c.call(`mutation { move_item_to_group(item_id: 8400000003, group_id: "imported") { id } }`, nil)
		}, `{"type":"move_pulse_into_group","userId":67214742,"pulseId":8400000003,"pulseName":"Bo \"B\" Lee","sourceGroupId":"topics","destGroupId":"imported",
			"destGroup":{"id":"imported","title":"Imported","color":"#a25ddc","is_top_group":false}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var in inbox
			now := newClock()
			c := filled(t, Config{Now: now.Now, Deliver: in.deliver})
			for _, event := range allEvents {
				c.AddWebhook(1003, event, "http://example.org")
			}
			now.add(time.Second)
			tt.act(c)
			in.mu.Lock()
			if len(in.all) != 1 {
				t.Fatalf("%d deliveries, want 1", len(in.all))
			}
			got := decoded(t, string(in.all[0].Body)).(map[string]any)["event"].(map[string]any)
			in.mu.Unlock()
			common := map[string]any{"app": "monday", "triggerTime": "2026-09-23T12:00:01.000Z", "isRetry": false, "originalTriggerUuid": nil}
			for key, want := range common {
				if diff := cmp.Diff(want, got[key]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
				delete(got, key)
			}
			for _, key := range []string{"subscriptionId", "boardId", "triggerUuid"} {
				if got[key] == nil {
					t.Errorf("no %s", key)
				}
				delete(got, key)
			}
			if diff := cmp.Diff(decoded(t, tt.want), any(got)); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRestoreAndTimes(t *testing.T) {
	t.Parallel()
	var in inbox
	c := filled(t, Config{Deliver: in.deliver})
	for _, event := range allEvents {
		c.AddWebhook(1003, event, "http://example.org")
	}
	const item = 8400000003
	c.SetColumn(item, "company", "A")
	c.SetColumn(item, "company", "A")
	c.SetColumn(item, "company", "B")
	c.DeleteItem(item)
	c.RestoreItem(item)
	c.SetColumn(item, "company", nil)
	types, uuids := []any{}, map[any]bool{}
	last := 0.0
	for _, e := range in.events(t) {
		types = append(types, e["type"])
		uuids[e["triggerUuid"]] = true
		at, ok := e["changedAt"].(float64)
		if ok && at <= last {
			t.Errorf("changedAt %f after %f", at, last)
		}
		last = max(last, at)
	}
	want := []any{"update_column_value", "update_column_value", "delete_pulse", "restore_pulse", "update_column_value"}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	if len(uuids) != len(want) {
		t.Errorf("%d trigger ids, want %d", len(uuids), len(want))
	}
	restored := in.events(t)[3]
	if restored["itemId"] != float64(item) || restored["pulseId"] != nil || restored["value"].(map[string]any)["is_undo"] != true {
		t.Errorf("restore: %v", restored)
	}
}

// receiver is an endpoint like ours, with what it has received.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []map[string]any
	tokens []string
	answer func(n int) int // the status of the nth event, from 1
}

func listen(t *testing.T, answer func(n int) int) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		text, _ := io.ReadAll(req.Body)
		var body map[string]any
		_ = json.Unmarshal(text, &body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if body["challenge"] != nil {
			_, _ = w.Write(text)
			return
		}
		event, _ := body["event"].(map[string]any)
		r.bodies = append(r.bodies, event)
		r.tokens = append(r.tokens, req.Header.Get("Authorization"))
		w.WriteHeader(r.answer(len(r.bodies)))
	}))
	t.Cleanup(r.Close)
	return r
}

func TestRetry(t *testing.T) {
	t.Parallel()
	now := newClock()
	to := listen(t, func(n int) int {
		now.add(time.Minute)
		if n < 3 {
			return 503
		}
		return 200
	})
	c := start(t, Config{Now: now.Now, SigningSecret: "sign", RetryEvery: time.Millisecond})
	c.AddWebhook(1001, "create_item", to.URL)
	c.CreateItem(1001, "ACME", nil)
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	var got []any
	for _, e := range to.bodies {
		got = append(got, []any{e["isRetry"], e["triggerTime"], e["triggerUuid"] == to.bodies[0]["triggerUuid"]})
	}
	want := []any{
		[]any{false, "2026-09-23T12:00:00.000Z", true},
		[]any{true, "2026-09-23T12:01:00.000Z", true},
		[]any{true, "2026-09-23T12:02:00.000Z", true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	if events, deliveries := c.DeliveryCounts(); events != 1 || deliveries != 3 {
		t.Errorf("delivered %d, %d times, want 1 and 3", events, deliveries)
	}
	claims := jwt.MapClaims{}
	at := jwt.WithTimeFunc(func() time.Time { return time.Date(2026, 9, 23, 12, 0, 1, 0, time.UTC) })
	if _, err := jwt.ParseWithClaims(to.tokens[0], claims, func(*jwt.Token) (any, error) { return []byte("sign"), nil }, at, jwt.WithValidMethods([]string{"HS256"})); err != nil {
		t.Fatalf("token: %v", err)
	}
	if claims["aud"] != to.URL || claims["exp"].(float64)-claims["iat"].(float64) != 300 || claims["accountId"] == nil || claims["userId"] == nil || claims["shortLivedToken"] == nil {
		t.Errorf("claims %v", claims)
	}
}

func TestFailedDelivery(t *testing.T) {
	t.Parallel()
	to := listen(t, func(int) int { return 500 })
	c := start(t, Config{RetryEvery: time.Microsecond})
	c.AddWebhook(1001, "create_item", to.URL)
	c.CreateItem(1001, "ACME", nil)
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, deliveries := c.DeliveryCounts(); deliveries != 30 || c.FailedDeliveries() != 1 || c.Pending() != 0 {
		t.Errorf("%d attempts, %d failed, %d pending; want 30, 1, 0", deliveries, c.FailedDeliveries(), c.Pending())
	}
}

func TestDoubledAndShuffled(t *testing.T) {
	t.Parallel()
	to := listen(t, func(int) int { return 200 })
	c := start(t, Config{Doubled: 0.5, Shuffle: 20 * time.Millisecond, Seed: 1})
	c.AddWebhook(1001, "create_item", to.URL)
	for range 200 {
		c.CreateItem(1001, "ACME", nil)
	}
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	byUUID, order := map[any]int{}, []float64{}
	for _, e := range to.bodies {
		byUUID[e["triggerUuid"]]++
		order = append(order, e["pulseId"].(float64))
	}
	twice := 0
	for _, n := range byUUID {
		if n == 2 {
			twice++
		}
	}
	if len(byUUID) != 200 || twice < 60 || twice > 140 || slices.IsSorted(order) {
		t.Errorf("%d events, %d of them twice, sorted %t; want 200, about 100, false", len(byUUID), twice, slices.IsSorted(order))
	}
	if events, deliveries := c.DeliveryCounts(); events != 200 || deliveries != 200+twice {
		t.Errorf("delivered %d, %d times, want 200 and %d", events, deliveries, 200+twice)
	}
}

func TestCreateWebhook(t *testing.T) {
	t.Parallel()
	const create = `mutation ($u: String!, $c: JSON) { create_webhook(board_id: 1003, event: change_specific_column_value, url: $u, config: $c) { id board_id event config } }`
	c := filled(t, Config{})
	good := listen(t, func(int) int { return 200 })
	r := c.call(create, map[string]any{"u": good.URL, "c": `{"columnId":"company"}`})
	want := `{"create_webhook":{"id":"810700001","board_id":"1003","event":"change_specific_column_value","config":"{\"columnId\":\"company\"}"}}`
	if diff := cmp.Diff(decoded(t, want), r.body["data"]); diff != "" {
		t.Fatalf("data (-want +got):\n%s", diff)
	}
	c.SetColumn(8400000003, "amount", "1")
	c.SetColumn(8400000003, "company", "ACME")
	r = c.call(`mutation { delete_webhook(id: 810700001) { id } }`, nil)
	c.SetColumn(8400000003, "company", "EMCA")
	if err := c.Wait(t.Context()); err != nil || r.body["errors"] != nil {
		t.Fatal(err, r.text)
	}
	good.mu.Lock()
	if len(good.bodies) != 1 || good.bodies[0]["columnId"] != "company" {
		t.Errorf("events %v, want one of company", good.bodies)
	}
	good.mu.Unlock()

	bad := map[string]http.HandlerFunc{
		"returns nothing": func(http.ResponseWriter, *http.Request) {},
		"fails":           func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404); _, _ = io.Copy(w, r.Body) },
		"returns other":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"challenge":"x"}`) },
	}
	for name, handler := range bad {
		server := httptest.NewServer(handler)
		if r := c.call(create, map[string]any{"u": server.URL}); r.code() != "InvalidArgumentException" {
			t.Errorf("an endpoint that %s: %s", name, r.text)
		}
		server.Close()
	}
	if r := c.call(`{ webhooks(board_id: 1003) { id } }`, nil); !cmp.Equal(r.body["data"], decoded(t, `{"webhooks":[]}`)) {
		t.Errorf("webhooks %s", r.text)
	}
}

func TestStatusWebhook(t *testing.T) {
	t.Parallel()
	var in inbox
	c := filled(t, Config{Deliver: in.deliver})
	c.mu.Lock()
	for _, want := range []any{map[string]any{"index": json.Number("3")}, map[string]any{"$any$": true}} {
		c.subscribe(&webhook{board: c.boards[1003], event: "change_status_column_value", config: object{"columnId": "status", "columnValue": want}})
	}
	c.mu.Unlock()
	c.SetColumn(8400000003, "status", "MOU")
	c.SetColumn(8400000003, "status", "Quote")
	c.SetColumn(8400000003, "company", "ACME")
	if got := len(in.events(t)); got != 3 {
		t.Errorf("%d events, want 1 of the label and 2 of any", got)
	}
}

// TestClose: Close ends a hanging delivery, and nothing is sent afterwards.
func TestClose(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		reached <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	s := New(Config{RetryEvery: time.Nanosecond})
	s.AddWebhook(1001, "create_item", server.URL)
	s.CreateItem(1001, "ACME", nil)
	<-reached
	s.Close()
	s.CreateItem(1001, "EMCA", nil)
	if _, deliveries := s.DeliveryCounts(); deliveries != 1 || s.Pending() != 2 {
		t.Errorf("%d deliveries, %d pending, want 1 and 2", deliveries, s.Pending())
	}
}
