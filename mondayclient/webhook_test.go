package mondayclient_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient"
)

// Deliveries captured from Monday.
const (
	statusChanged = `{"event":{"app":"monday","type":"update_column_value","triggerTime":"2026-09-23T12:03:55.044Z","subscriptionId":810765988,"isRetry":false,"userId":107870718,"originalTriggerUuid":null,"boardId":18421858736,"groupId":"topics","pulseId":12736724196,"pulseName":"ACME","columnId":"color_mm76s2eq","columnType":"color","columnTitle":"Stage","value":{"label":{"index":3,"text":"Go","style":{"color":"#007eb5","border":"#3db0df","var_name":"blue-links"},"is_done":false},"post_id":null},"previousValue":{"label":{"index":5,"text":null,"style":{"color":"#c4c4c4","border":"#b0b0b0","var_name":"grey"},"is_done":false},"post_id":null},"changedAt":1790165018.6281064,"isTopGroup":true,"triggerUuid":"9347407c17576bdfcd3161bdf73f262"}}`
	itemCreated   = `{"event":{"app":"monday","type":"create_pulse","triggerTime":"2025-02-05T16:28:02.630Z","subscriptionId":466701503,"isRetry":false,"userId":-6,"originalTriggerUuid":null,"boardId":7786783342,"pulseId":8409778368,"pulseName":"New item 1","groupId":"topics","groupName":"Assignments","groupColor":"#579bfc","isTopGroup":true,"columnValues":{},"triggerUuid":"c95b27e82a81cc6a81db4f5e97d80858"}}`
	itemRenamed   = `{"event":{"app":"monday","type":"update_name","triggerTime":"2025-02-05T16:10:40.628Z","subscriptionId":466701496,"isRetry":true,"userId":67214742,"originalTriggerUuid":null,"boardId":7786783342,"groupId":"topics","pulseId":7786784003,"value":{"name":"New Name 2"},"previousValue":{"name":"New Name"},"triggerUuid":"4aff9597f96cc3d3bafa206540e308ff"}}`
	itemDeleted   = `{"event":{"app":"monday","type":"delete_pulse","triggerTime":"2025-02-05T16:42:35.957Z","subscriptionId":466701507,"isRetry":false,"userId":67214742,"originalTriggerUuid":null,"boardId":7786783342,"itemId":8409778368,"itemName":"New item 1","triggerUuid":"b95777fd072aab62280dfb409b81232b"}}`
)

func TestReadWebhook(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	tests := map[string]struct {
		body string
		want mondayclient.Event
	}{
		"status changed": {statusChanged, mondayclient.Event{
			Type: "update_column_value", BoardID: 18421858736, ItemID: 12736724196, ColumnID: "color_mm76s2eq", ColumnType: "color",
			Value: json.RawMessage(`{"label":{"index":3,"text":"Go","style":{"color":"#007eb5","border":"#3db0df","var_name":"blue-links"},"is_done":false},"post_id":null}`),
			Name:  "ACME", ChangedAt: 1790165018.6281064, TriggeredAt: at("2026-09-23T12:03:55.044Z"),
			TriggerUUID: "9347407c17576bdfcd3161bdf73f262", SubscriptionID: 810765988, UserID: 107870718,
		}},
		"item created": {itemCreated, mondayclient.Event{
			Type: "create_pulse", BoardID: 7786783342, ItemID: 8409778368, Name: "New item 1", TriggeredAt: at("2025-02-05T16:28:02.630Z"),
			TriggerUUID: "c95b27e82a81cc6a81db4f5e97d80858", SubscriptionID: 466701503, UserID: -6,
		}},
		"item renamed, delivered again": {itemRenamed, mondayclient.Event{
			Type: "update_name", BoardID: 7786783342, ItemID: 7786784003, Name: "New Name 2", TriggeredAt: at("2025-02-05T16:10:40.628Z"),
			TriggerUUID: "4aff9597f96cc3d3bafa206540e308ff", Redelivered: true, SubscriptionID: 466701496, UserID: 67214742,
		}},
		"item deleted": {itemDeleted, mondayclient.Event{
			Type: "delete_pulse", BoardID: 7786783342, ItemID: 8409778368, Name: "New item 1", TriggeredAt: at("2025-02-05T16:42:35.957Z"),
			TriggerUUID: "b95777fd072aab62280dfb409b81232b", SubscriptionID: 466701507, UserID: 67214742,
		}},
		"ids as strings": {`{"event":{"type":"archive_pulse","boardId":"9007199254740993","pulseId":"9223372036854775807"}}`,
			mondayclient.Event{Type: "archive_pulse", BoardID: 9007199254740993, ItemID: 9223372036854775807}},
		"pulseId before itemId": {`{"event":{"type":"restore_pulse","boardId":1,"pulseId":2,"itemId":3}}`,
			mondayclient.Event{Type: "restore_pulse", BoardID: 1, ItemID: 2}},
		"pulseId null": {`{"event":{"type":"restore_pulse","boardId":1,"pulseId":null,"itemId":3,"subscriptionId":null,"triggerUuid":null,"isRetry":null,"changedAt":null,"triggerTime":null}}`,
			mondayclient.Event{Type: "restore_pulse", BoardID: 1, ItemID: 3}},
		"cleared": {`{"event":{"type":"update_column_value","boardId":1,"pulseId":2,"columnId":"c","columnType":"text","value":null}}`,
			mondayclient.Event{Type: "update_column_value", BoardID: 1, ItemID: 2, ColumnID: "c", ColumnType: "text", Value: json.RawMessage("null")}},
		"no value is not cleared": {`{"event":{"type":"update_column_value","boardId":1,"pulseId":2,"columnId":"c","columnType":"text"}}`,
			mondayclient.Event{Type: "update_column_value", BoardID: 1, ItemID: 2, ColumnID: "c", Value: json.RawMessage("null")}},
		"a surrogate pair": {`{"event":{"type":"create_item","boardId":1,"pulseId":2,"pulseName":"\ud83d\ude00\\u0000"}}`,
			mondayclient.Event{Type: "create_pulse", BoardID: 1, ItemID: 2, Name: `😀\u0000`}},
		"last of two keys": {`{"event":{"type":"create_item","boardId":1,"pulseId":2,"pulseId":3}}`,
			mondayclient.Event{Type: "create_pulse", BoardID: 1, ItemID: 3}},
		"keys are exact": {`{"event":{"type":"create_pulse","boardId":1,"pulseId":2,"PulseId":3,"Type":"x"}}`,
			mondayclient.Event{Type: "create_pulse", BoardID: 1, ItemID: 2}},
		"as deep as may be": {`{"event":{"type":"create_pulse","boardId":1,"pulseId":2,"x":` + strings.Repeat("[", 98) + strings.Repeat("]", 98) + `}}`,
			mondayclient.Event{Type: "create_pulse", BoardID: 1, ItemID: 2}},
		"other type": {`{"event":{"type":"create_update","boardId":"7","pulseId":{},"triggerTime":4,"value":7}}`,
			mondayclient.Event{Type: "create_update", BoardID: 7}},
		"other type, no board": {`{"event":{"type":"move_pulse_into_group"}}`, mondayclient.Event{Type: "move_pulse_into_group"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := mondayclient.ReadWebhook([]byte(tt.body))
			if err != nil {
				t.Fatalf("ReadWebhook: %v", err)
			}
			if d.HasChallenge || d.Event == nil {
				t.Fatalf("ReadWebhook = %+v, want an event", d)
			}
			if diff := cmp.Diff(tt.want, *d.Event); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadWebhookTypes(t *testing.T) {
	t.Parallel()
	for came, want := range map[string]string{
		"update_column_value": "update_column_value", "change_column_value": "update_column_value",
		"change_specific_column_value": "update_column_value", "change_status_column_value": "update_column_value",
		"create_pulse": "create_pulse", "create_item": "create_pulse", "update_name": "update_name", "change_name": "update_name",
		"delete_pulse": "delete_pulse", "item_deleted": "delete_pulse", "archive_pulse": "archive_pulse",
		"item_archived": "archive_pulse", "restore_pulse": "restore_pulse", "item_restored": "restore_pulse",
		"create_subitem": "create_subitem", "subitem_deleted": "subitem_deleted",
	} {
		d, err := mondayclient.ReadWebhook([]byte(`{"event":{"type":"` + came + `","boardId":1,"pulseId":2,"columnId":"c","value":{"name":"n"}}}`))
		if err != nil || d.Event.Type != want {
			t.Errorf("%s: got %+v, %v, want %s", came, d.Event, err, want)
		}
	}
}

func TestReadWebhookChallenge(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"challenge":"abc"}`:                                "abc",
		` {"challenge":"","event":{"type":7},"token":null} `: "",
		`{"challenge":"\u00e9\n\""}`:                         "é\n\"",
	} {
		d, err := mondayclient.ReadWebhook([]byte(body))
		if err != nil || !d.HasChallenge || d.Challenge != want || d.Event != nil {
			t.Errorf("ReadWebhook(%s) = %+v, %v", body, d, err)
		}
	}
}

// TestReadWebhookRejects: SECRET marks the places where a customer's value may be.
func TestReadWebhookRejects(t *testing.T) {
	t.Parallel()
	event := func(members string) string {
		return `{"event":{"boardId":1,"pulseId":2,"pulseName":"SECRET",` + members + `}}`
	}
	changed := func(value string) string {
		return event(`"type":"update_column_value","columnId":"c","columnType":"text","value":` + value)
	}
	tests := map[string]struct{ body, want string }{
		"nothing":                 {``, "body: not a JSON object"},
		"null":                    {`null`, "body: not a JSON object"},
		"list":                    {`["SECRET"]`, "body: not a JSON object"},
		"broken":                  {`{"event":SECRET}`, "body: not a JSON object"},
		"cut off":                 {statusChanged[:200], "body: not a JSON object"},
		"trailing garbage":        {itemCreated + `SECRET`, "body: not a JSON object"},
		"two bodies":              {itemCreated + itemCreated, "body: not a JSON object"},
		"not UTF-8":               {changed(`"SECRET` + "\xff" + `"`), "body: not UTF-8"},
		"NUL":                     {changed(`{"value":"SECRET\u0000"}`), "body: holds a NUL character"},
		"NUL in a key":            {event(`"type":"create_pulse","\u0000":1`), "body: holds a NUL character"},
		"NUL in a challenge":      {`{"challenge":"\u0000"}`, "body: holds a NUL character"},
		"high half alone":         {changed(`{"value":"\ud83dSECRET"}`), "body: holds half of a surrogate pair"},
		"high half at the end":    {changed(`{"value":"\uD83D"}`), "body: holds half of a surrogate pair"},
		"high half twice":         {changed(`{"value":"\ud83d\ud83d"}`), "body: holds half of a surrogate pair"},
		"low half alone":          {changed(`{"value":"\ude00"}`), "body: holds half of a surrogate pair"},
		"deep":                    {changed(strings.Repeat("[", 99) + strings.Repeat("]", 99)), "body: nested too deeply"},
		"number of many digits":   {changed(strings.Repeat("9", 10_001)), "body: holds a number that is too long"},
		"number beyond numeric":   {changed(`1e200000`), "body: holds a number that is too long"},
		"number beyond all":       {changed(`1e-99999999999999999999`), "body: holds a number that is too long"},
		"no event":                {`{"evnt":{}}`, "event: not an object"},
		"event null":              {`{"event":null}`, "event: not an object"},
		"event a string":          {`{"event":"SECRET"}`, "event: not an object"},
		"challenge a number":      {`{"challenge":7}`, "challenge: not a string"},
		"challenge null":          {`{"challenge":null}`, "challenge: not a string"},
		"no type":                 {event(`"x":1`), "event.type: missing"},
		"type a number":           {event(`"type":7`), "event.type: not a string"},
		"board a word":            {event(`"type":"create_pulse","boardId":"SECRET"`), "event.boardId: not an id"},
		"board a float":           {event(`"type":"create_pulse","boardId":1.5`), "event.boardId: not an id"},
		"board with exponent":     {event(`"type":"create_pulse","boardId":1e3`), "event.boardId: not an id"},
		"board too big":           {event(`"type":"create_pulse","boardId":9223372036854775808`), "event.boardId: not an id"},
		"no board":                {event(`"type":"create_pulse","boardId":null`), "event.boardId: missing"},
		"board 0":                 {event(`"type":"create_pulse","boardId":0`), "event.boardId: missing"},
		"no item":                 {event(`"type":"create_pulse","pulseId":null`), "event.pulseId: missing, and so is itemId"},
		"item an object":          {event(`"type":"delete_pulse","pulseId":null,"itemId":{"a":"SECRET"}`), "event.itemId: not an id"},
		"item negative":           {event(`"type":"delete_pulse","pulseId":-2`), "event.pulseId: missing, and so is itemId"},
		"no column":               {event(`"type":"update_column_value","value":null`), "event.columnId: missing"},
		"column a number":         {event(`"type":"update_column_value","columnId":7,"value":null`), "event.columnId: not a string"},
		"column type a list":      {event(`"type":"update_column_value","columnId":"c","columnType":["SECRET"],"value":null`), "event.columnType: not a string"},
		"name a number":           {event(`"type":"create_pulse","pulseName":7`), "event.pulseName: not a string"},
		"rename without value":    {event(`"type":"update_name"`), "event.value: not an object"},
		"rename without name":     {event(`"type":"update_name","value":{"n":"SECRET"}`), "event.value.name: missing or not a string"},
		"rename to a number":      {event(`"type":"update_name","value":{"name":7}`), "event.value.name: missing or not a string"},
		"changedAt a string":      {event(`"type":"create_pulse","changedAt":"SECRET"`), "event.changedAt: not a time in seconds"},
		"changedAt milliseconds":  {event(`"type":"create_pulse","changedAt":1790165018628`), "event.changedAt: not a time in seconds"},
		"changedAt negative":      {event(`"type":"create_pulse","changedAt":-1`), "event.changedAt: not a time in seconds"},
		"changedAt out of range":  {event(`"type":"create_pulse","changedAt":1e999`), "event.changedAt: not a time in seconds"},
		"triggerTime in words":    {event(`"type":"create_pulse","triggerTime":"SECRET"`), "event.triggerTime: not a time"},
		"triggerTime a number":    {event(`"type":"create_pulse","triggerTime":1790165018`), "event.triggerTime: not a string"},
		"triggerTime in 10000":    {event(`"type":"create_pulse","triggerTime":"9999-12-31T23:59:59-01:00"`), "event.triggerTime: not a time"},
		"triggerUuid a number":    {event(`"type":"create_pulse","triggerUuid":7`), "event.triggerUuid: not a string"},
		"isRetry a string":        {event(`"type":"create_pulse","isRetry":"SECRET"`), "event.isRetry: not true or false"},
		"subscriptionId a word":   {event(`"type":"create_pulse","subscriptionId":"SECRET"`), "event.subscriptionId: not an id"},
		"broken board, any event": {event(`"type":"create_update","boardId":{}`), "event.boardId: not an id"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := mondayclient.ReadWebhook([]byte(tt.body))
			if err == nil {
				t.Fatalf("ReadWebhook = %+v, want an error", d)
			}
			if err.Error() != tt.want {
				t.Errorf("error %q, want %q", err, tt.want)
			}
		})
	}
}

// FuzzReadWebhook: what is accepted is complete and can be stored.
func FuzzReadWebhook(f *testing.F) {
	for _, seed := range []string{statusChanged, itemCreated, itemRenamed, itemDeleted, `{"challenge":"abc"}`,
		`{"event":{"type":"update_column_value","boardId":1,"itemId":"2","columnId":"c","value":1e10}}`, `{"event":{"a":"\ud83d\ude00"}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := mondayclient.ReadWebhook(body)
		if err != nil {
			return
		}
		if !utf8.Valid(body) || strings.Contains(d.Challenge, "\x00") || d.HasChallenge != (d.Event == nil) {
			t.Fatalf("%q was read as %+v", body, d)
		}
		if d.Event == nil {
			return
		}
		stored, err := json.Marshal(d.Event)
		if err != nil {
			t.Fatalf("%q cannot be stored: %v", body, err)
		}
		for tokens := json.NewDecoder(bytes.NewReader(stored)); ; {
			token, err := tokens.Token()
			if err != nil {
				break
			}
			if text, ok := token.(string); ok && strings.Contains(text, "\x00") {
				t.Fatalf("%q is stored as %s", body, stored)
			}
		}
		switch d.Event.Type {
		case mondayclient.UpdateColumnValue, mondayclient.CreatePulse, mondayclient.UpdateName, mondayclient.DeletePulse,
			mondayclient.ArchivePulse, mondayclient.RestorePulse:
			if d.Event.BoardID <= 0 || d.Event.ItemID <= 0 {
				t.Fatalf("%q was read as %+v", body, d.Event)
			}
		}
	})
}

func BenchmarkReadWebhook(b *testing.B) {
	body := []byte(statusChanged)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mondayclient.ReadWebhook(body); err != nil {
			b.Fatal(err)
		}
	}
}
