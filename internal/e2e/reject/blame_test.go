package reject_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestRejectedValueFailsOnlyItsOwnEvent makes the first attempt of an event fail, and delivers another event of the
// item before the second attempt.
func TestRejectedValueFailsOnlyItsOwnEvent(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("RETRY_BASE", "2s"), e2e.With("RETRY_MAX", "2s"))
	w.Start("serve")
	w.Subscribe()
	lead := w.Monday.CreateItem(e2e.Leads, "Ada Lovelace", map[string]any{"status": map[string]any{"label": "Qualified"}, "amount": "10"})
	w.Quiet()
	w.Salesforce.Reject("Opportunity", "Amount", func(any) string { return "FIELD_CUSTOM_VALIDATION_EXCEPTION" })
	var failed atomic.Bool
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Object == "Opportunity" && failed.CompareAndSwap(false, true) {
			return &sfsim.Fault{Status: http.StatusServiceUnavailable}
		}
		return nil
	})
	w.Monday.SetColumn(lead, "amount", "45000000")
	w.Eventually("the first attempt has failed", func() bool {
		return failed.Load() && w.Count("SELECT count(*) FROM river_job WHERE state IN ('available', 'retryable', 'scheduled')") == 1
	})
	w.Monday.SetColumn(lead, "email", map[string]any{"email": "ada@example.org", "text": "ada@example.org"})
	w.Quiet()
	if n := w.Count("SELECT count(*) FROM dead_letters"); n != 1 {
		t.Errorf("%d dead letters, want 1: that of the amount", n)
	}
}
