package item_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestReadByFalseEvent: changes found by a read are synced to Salesforce, even if the event that caused the read is
// false and the first attempt fails.
func TestReadByFalseEvent(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"delete_pulse", "archive_pulse", "restore_pulse"} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.ByHand)
			item := w.Lead("Ada Lovelace", "Analytical Engines")
			w.Flush()
			w.Monday.SetColumn(item, "company", "Engines")
			w.Mail.Take() // lost
			var failed atomic.Bool
			w.Failing(sfsim.Fault{Status: 500}, func(c sfsim.Call) bool { return c.Has("update", "") && failed.CompareAndSwap(false, true) })
			w.Deliver(fmt.Sprintf(`{"event":{"type":%q,"boardId":1003,"itemId":%d,"itemName":"x","triggerUuid":"u","triggerTime":"2026-09-23T12:03:55.044Z"}}`, event, item))
			w.Quiet()
			if !failed.Load() {
				t.Error("nothing failed")
			}
			w.Holds(w.Record("Lead", item), map[string]any{"Company": "Engines"})
			w.Expect(0, "SELECT count(*) FROM dead_letters")
		})
	}
}
