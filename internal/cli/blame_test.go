package cli

import (
	"net/http"
	"sync/atomic"
	"testing"

	sfsim "crmsync/internal/sim/salesforce"
)

// TestRefusedValueFailsOnlyItsOwnEvent lets the first try of an event fail, and another event of the item come before the
// second try.
func TestRefusedValueFailsOnlyItsOwnEvent(t *testing.T) {
	t.Parallel()
	w := setup(t, with("RETRY_BASE", "2s"), with("RETRY_MAX", "2s"))
	w.start("serve")
	w.subscribe()
	lead := w.monday.CreateItem(leads, "Ada Lovelace", map[string]any{"status": map[string]any{"label": "Qualified"}, "amount": "10"})
	w.quiet()
	w.salesforce.Refuse("Opportunity", "Amount", func(any) string { return "FIELD_CUSTOM_VALIDATION_EXCEPTION" })
	var failed atomic.Bool
	w.salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Object == "Opportunity" && failed.CompareAndSwap(false, true) {
			return &sfsim.Fault{Status: http.StatusServiceUnavailable}
		}
		return nil
	})
	w.monday.SetColumn(lead, "amount", "45000000")
	w.eventually("the first try has failed", func() bool {
		return failed.Load() && w.count("SELECT count(*) FROM river_job WHERE state IN ('available', 'retryable', 'scheduled')") == 1
	})
	w.monday.SetColumn(lead, "email", map[string]any{"email": "ada@example.org", "text": "ada@example.org"})
	w.quiet()
	if n := w.count("SELECT count(*) FROM dead_letters"); n != 1 {
		t.Errorf("%d dead letters, want 1: that of the amount", n)
	}
}
