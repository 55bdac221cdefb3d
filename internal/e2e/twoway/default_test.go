package twoway_test

import (
	"testing"

	"crmsync/internal/e2e"
)

// TestDefaultOfSalesforce: what Salesforce fills in when a record is created, because the column is empty, goes to
// Monday.
func TestDefaultOfSalesforce(t *testing.T) {
	t.Parallel()
	w := leads(t, "labels: { Qualified: Qualified, Quote: Open - Not Contacted }")
	item := w.Monday.CreateItem(e2e.Leads, "King", map[string]any{"company": "Engines"})
	w.Quiet()
	w.Holds(w.Record("Lead", item), map[string]any{"Status": "Open - Not Contacted"})
	ring(w, e2e.Leads, item)
	shows(w, item, map[string]string{"status": "Quote"})
	w.Holds(w.Record("Lead", item), map[string]any{"Status": "Open - Not Contacted"})
	command(w, 0, "plan", "--check")
	w.Healthy()
}
