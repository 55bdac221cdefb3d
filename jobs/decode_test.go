package jobs_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/jobs"
)

// FuzzReadJSON compares the quick decoding with encoding/json's, errors included.
func FuzzReadJSON(f *testing.F) {
	for _, seed := range []string{
		`{"key": "k:7", "type": "update_column_value", "value": {"label": {"text": "Ä\n\"", "index": 1}}, "item_id": 7, ` +
			`"user_id": -4, "board_id": 1001, "column_id": "status", "changed_at": 1795756800.123456, ` +
			`"column_type": "color", "received_at": "2026-11-27T06:00:00.000001Z", "redelivered": true, ` +
			`"triggered_at": "2026-11-27T06:00:00Z"}`,
		`{}`, `{"value": null}`, `{"key": null, "item_id": null, "redelivered": null, "changed_at": null, "received_at": null}`,
		`{"Item_ID": 7}`, `{"item_id": 1, "item_id": null}`, `{"item_id": 1, "Item_id": 2}`, `{"item_id": 7.5}`, `{"item_id": 1e3}`,
		`{"item_id": "7"}`, `{"item_id": 9223372036854775808}`, `{"key": 7}`, `{"key": "\ud800"}`, "{\"key\": \"\xff\"}", `{"redelivered": 1}`,
		`{"received_at": "yesterday"}`, `{"received_at": "2026-11-27T06:00:00,5Z"}`, `{"changed_at": 1e999}`, `{"changed_at": "1"}`,
		`{"other": 1}`, `{"value": {"item_id": 3}}`, `[]`, `null`, ` {"item_id": 1}`, `{"item_id": 1`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var slow jobs.ColumnUpdateArgs
		quick := jobs.ColumnUpdateArgs{ColumnID: "of an earlier event"}
		want, got := json.Unmarshal(text, &slow), quick.ReadJSON(text)
		if (got == nil) != (want == nil) || got != nil && got.Error() != want.Error() {
			t.Fatalf("%q: error %v, want %v", text, got, want)
		}
		if diff := cmp.Diff(slow, quick); want == nil && diff != "" {
			t.Fatalf("%q: json.Unmarshal (-) and ReadJSON (+):\n%s", text, diff)
		}
	})
}

// TestReadJSONIsQuick: stored args do not need json.Unmarshal, whose allocations would show.
func TestReadJSONIsQuick(t *testing.T) {
	at := time.Date(2026, 11, 27, 6, 0, 0, 1000, time.UTC)
	text := jobs.ColumnUpdateArgs{
		Event: jobs.Event{Key: "k", Type: "update_column_value", BoardID: 1, ItemID: 2, UserID: 3, TriggeredAt: at, ReceivedAt: at,
			Redelivered: true},
		ColumnID: "c", ColumnType: "text", Value: json.RawMessage(`{"value":"x"}`), ChangedAt: 1.5,
	}.AppendJSON(nil)
	var args jobs.ColumnUpdateArgs
	allocs := testing.AllocsPerRun(100, func() {
		if err := args.ReadJSON(text); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 3 {
		t.Errorf("%.0f allocations, want at most 3: the text, the value, and the list of members if it was dropped", allocs)
	}
}
