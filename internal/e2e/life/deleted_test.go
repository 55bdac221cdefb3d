package life_test

import (
	"strconv"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// gated creates leads only while the status says so, and creates deleted ones again.
const gated = `
version: 1
boards:
  leads:
    board: 1003
    create_when: { status: [Qualified] }
    records:
      lead:
        object: Lead
        id_column: text_sfid
        on_delete: delete
        fields: { LastName: name, Company: { from: company, default: Unknown }, Email: EMAIL }
`

// TestDeletedRecordIsRemade: an item that had a record gets another one after the first was deleted in Salesforce,
// even if the condition for new records no longer holds. Its column shows the new Id. An item that starts again after
// a delete gets none.
func TestDeletedRecordIsRemade(t *testing.T) {
	t.Parallel()
	for name, email := range map[string]string{"one way": "email", "both ways": "{ from: email, sync: both }"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.Mapped(strings.Replace(gated, "EMAIL", email, 1)), e2e.With("SALESFORCE_POLL", "off"))
			item := w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{"status": e2e.Label("Qualified")})
			w.Quiet()
			first := w.Record("Lead", item)["Id"].(string)
			w.Monday.SetColumn(item, "status", e2e.Label("New")) // the condition no longer holds
			w.Quiet()
			w.Salesforce.Delete("Lead", first)
			w.Monday.Rename(item, "Ada Byron")
			w.Monday.SetColumn(item, "email", e2e.Email("ada@example.org"))
			w.Quiet()
			again := w.Record("Lead", item)
			w.Holds(again, map[string]any{"LastName": "Ada Byron", "Email": "ada@example.org"})
			if got := w.Shown(item, "text_sfid"); got != again["Id"] || got == first {
				t.Errorf("the item shows %q, want %v", got, again["Id"])
			}
			w.Monday.DeleteItem(item)
			w.Quiet()
			w.None("Lead")
			w.Monday.RestoreItem(item)
			w.Monday.Rename(item, "Ada Lovelace")
			w.Quiet()
			w.None("Lead")
			if got := w.Shown(item, "text_sfid"); got != "" {
				t.Errorf("the item shows %q, which was deleted with it", got)
			}
			w.Healthy()
		})
	}
}

// TestDeletedRecordWaits: a comparison that finds the record deleted empties the column, and leaves it to the item's
// next change to create it again; the item's report says so. The event of the emptied column is not such a change.
func TestDeletedRecordWaits(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(strings.Replace(gated, "EMAIL", "{ from: email, sync: both }", 1)), e2e.With("SALESFORCE_POLL", "300ms"))
	item := w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{"status": e2e.Label("Qualified")})
	w.Quiet()
	w.Monday.SetColumn(item, "status", e2e.Label("New"))
	w.Quiet()
	w.Salesforce.Delete("Lead", w.Record("Lead", item)["Id"].(string))
	w.Eventually("the column is empty", func() bool { return w.Shown(item, "text_sfid") == "" })
	w.Quiet()
	w.None("Lead")
	_, out, _ := w.Command("item", strconv.FormatInt(item, 10))
	if !strings.Contains(out, "It was deleted in Salesforce; the item's next change creates it again.") || strings.Contains(out, "Not created yet") {
		t.Errorf("the report of the item:\n%s", out)
	}
	w.Monday.SetColumn(item, "email", e2e.Email("ada@example.org"))
	w.Eventually("the record is there again", func() bool { return len(w.Salesforce.Records("Lead")) == 1 })
	w.Quiet()
	if got := w.Shown(item, "text_sfid"); got != w.Record("Lead", item)["Id"] {
		t.Errorf("the item shows %q", got)
	}
	w.Healthy()
}

// TestDeletedRecordKept: an item that is kept without its record shows no Id, and its report says why.
func TestDeletedRecordKept(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(strings.NewReplacer("EMAIL", "email", "on_delete: delete", "on_record_delete: keep").Replace(gated)))
	item := w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{"status": e2e.Label("Qualified")})
	w.Quiet()
	w.Salesforce.Delete("Lead", w.Record("Lead", item)["Id"].(string))
	w.Monday.Rename(item, "Ada Byron")
	w.Quiet()
	w.None("Lead")
	if got := w.Shown(item, "text_sfid"); got != "" {
		t.Errorf("the item shows %q", got)
	}
	_, out, _ := w.Command("item", strconv.FormatInt(item, 10))
	if !strings.Contains(out, "It was deleted in Salesforce, and the mapping does not create it again.") {
		t.Errorf("the report of the item:\n%s", out)
	}
	if code, out, _ := w.Command("plan", "--check"); code != 0 {
		t.Errorf("plan:\n%s", out)
	}
}
