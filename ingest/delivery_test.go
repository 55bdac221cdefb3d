package ingest_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/ingest"
	"crmsync/schema/schematest"
)

// TestOneTriggerManyEvents edits two columns of two items at once: Monday sends four events with one triggerUuid, and
// then each of them again.
func TestOneTriggerManyEvents(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{Secrets: []string{secret}})
	const trigger = `"triggerUuid":"9347407c17576bdfcd3161bdf73f262"`
	for _, want := range []string{"accepted", "duplicate"} {
		for _, item := range []int64{12736724196, 12736724197} {
			for _, column := range []string{"status", "text"} {
				body := fmt.Sprintf(`{"event":{"type":"update_column_value","boardId":%d,"pulseId":%d,"columnId":%q,"columnType":"text","value":null,%s}}`,
					board, item, column, trigger)
				if w := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", body); w.Body.String() != `{"status":"`+want+`"}` {
					t.Errorf("answer to %s of %d = %d %s, want %s", column, item, w.Code, w.Body, want)
				}
			}
		}
	}
	_, args := b.jobs(t)
	var got [][2]any
	for _, a := range args {
		got = append(got, [2]any{a["item_id"], a["column_id"]})
	}
	want := [][2]any{{12736724196.0, "status"}, {12736724196.0, "text"}, {12736724197.0, "status"}, {12736724197.0, "text"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}
