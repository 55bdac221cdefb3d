package migrate_test

import (
	"strconv"
	"testing"

	"crmsync/internal/e2e"
)

// TestMigrateSuppressed: an import neither updates an item that was erased for good, nor creates another one.
func TestMigrateSuppressed(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	w.Plant(3)
	w.Crmsync("migrate", "accounts")
	items := w.Paired("Account", e2e.Accounts, 3)
	account := w.Salesforce.Records("Account")[0]["Id"].(string)
	item := items[account].ID
	w.Crmsync("erase", "--item", strconv.FormatInt(item, 10), "--suppress")
	for id := range items {
		w.Salesforce.Update("Account", id, map[string]any{"Name": "Renamed"})
	}
	w.Crmsync("migrate", "accounts")
	for id, it := range w.Paired("Account", e2e.Accounts, 3) {
		if renamed := it.Name == "Renamed"; renamed == (id == account) {
			t.Errorf("item %d is called %q", it.ID, it.Name)
		}
	}
	w.Expect(0, "SELECT count(*) FROM items WHERE item_id = $1 AND (name <> '' OR columns <> '{}')", item)
}
