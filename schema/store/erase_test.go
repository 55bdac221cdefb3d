package store_test

import (
	"testing"
	"time"
)

// TestForgetDeleted: values of deleted items are removed after the retention period, and those of all others stay.
func TestForgetDeleted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`INSERT INTO items (item_id, board_id, name, columns, known, deleted_at, lease_until) VALUES
		(1, 1001, 'Ada', '{"a": {}}', true, now() - interval '100 days', NULL),
		(2, 1001, '', '{"a": {}}', true, now() - interval '100 days', now() - interval '1 minute'),
		(3, 1001, 'Ada', '{}', true, now() - interval '100 days', now() + interval '1 minute'),
		(4, 1001, 'Ada', '{"a": {}}', true, now() - interval '10 days', NULL),
		(5, 1001, 'Ada', '{"a": {}}', true, NULL, NULL)`)
	w.exec(`INSERT INTO links (item_id, record, object, ended_id, written, refused, held)
		SELECT item_id, 'lead', 'Lead', '00Q000000000001AAA', '{"Name": "Ada"}', '{"City": {"value": "x"}}', '{"Phone": {"v": "x"}}' FROM items`)
	w.exec(`INSERT INTO item_keys (item_id, column_id, key) SELECT item_id, 'a', 'ada@example.org' FROM items`)
	must[int64](t)(w.Forget(t.Context(), time.Now().AddDate(0, 0, -90)))
	if n := ask[int](w, "SELECT count(*) FROM items WHERE item_id IN (1, 2) AND name = '' AND columns = '{}' AND NOT known AND deleted_at IS NOT NULL"); n != 2 {
		t.Errorf("%d items lost their values, want 2", n)
	}
	if n := ask[int](w, "SELECT count(*) FROM links WHERE item_id IN (1, 2) AND written = '{}' AND refused = '{}' AND held = '{}' AND ended_id IS NOT NULL"); n != 2 {
		t.Errorf("%d links lost their values, want 2", n)
	}
	if got := ask[string](w, "SELECT string_agg(item_id::text, ' ' ORDER BY item_id) FROM item_keys"); got != "3 4 5" {
		t.Errorf("items %s can be found by their keys, want 3 4 5", got)
	}
	if n := ask[int](w, "SELECT count(*) FROM items JOIN links USING (item_id) WHERE item_id > 2 AND name = 'Ada' AND known AND written <> '{}'"); n != 3 {
		t.Errorf("%d items kept their values, want 3", n)
	}
}
