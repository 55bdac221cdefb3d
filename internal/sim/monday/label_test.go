package monday

import "testing"

// TestRenameLabel: all items show the new text of a label at once and without an event.
func TestRenameLabel(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	c := start(t, Config{Deliver: in.deliver})
	c.AddWebhook(1003, "change_column_value", "https://example.org")
	it := c.CreateItem(1003, "Ada", map[string]any{"status": map[string]any{"label": "Quote"}, "interests": map[string]any{"labels": []any{"Training", "Other"}}})
	before, _ := c.Item(it)
	c.RenameLabel(1003, "status", "Quote", "Offer")
	c.RenameLabel(1003, "interests", "Other", "More")
	after, _ := c.Item(it)
	if after.Text["status"] != "Offer" || after.Text["interests"] != "Training, More" || after.Updated != before.Updated {
		t.Errorf("%v before, %v after", before, after)
	}
	if events := in.events(t); len(events) != 0 {
		t.Errorf("%d events, want none", len(events))
	}
	c.SetColumn(it, "status", map[string]any{"label": "New"})
	c.SetColumn(it, "status", map[string]any{"label": "Offer"})
}
