package delete_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// persons creates items of the contacts board, each with a contact.
func persons(w *e2e.World, count int) []int64 {
	items := w.Items(e2e.Contacts, count, "Person ")
	w.Quiet()
	return items
}

// forge posts a false event of an item.
func forge(w *e2e.World, event string, board, item int64) {
	w.Deliver(fmt.Sprintf(`{"event":{"type":%q,"boardId":%d,"itemId":%d,"itemName":"x","triggerUuid":"forged %s %d","triggerTime":%q}}`,
		event, board, item, event, item, time.Now().UTC().Format("2006-01-02T15:04:05.000Z")))
}

// TestForgedDeletes: the URL's secret alone does not suffice to delete records: sixty forged deletes cost two reads of
// Monday, and edits are still synced.
func TestForgedDeletes(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	items := persons(w, 60)
	event := func(n int) string { return []string{"delete_pulse", "archive_pulse"}[n%2] }
	before, writes := w.Monday.Calls()["items"], w.Writes()
	w.Together(e2e.Contacts, func() {
		for n, item := range items {
			forge(w, event(n), e2e.Contacts, item)
		}
	})
	if reads := w.Monday.Calls()["items"] - before; reads != 2 { // that of Together, and one for all
		t.Errorf("%d reads for 60 deletes, want 2", reads)
	}
	for n, item := range items {
		if status, reason := w.Ending(event(n), item); status != "skipped" || reason != "the item is there" {
			t.Errorf("ended %s (%s), want skipped: the item is there", status, reason)
		}
		w.Monday.SetColumn(item, "email", e2e.Email("ada@example.org"))
	}
	w.Quiet()
	if n := len(w.Records("Contact", "Email", "ada@example.org")); n != len(items) {
		t.Errorf("%d contacts have the new address, want %d", n, len(items))
	}
	if held := heldItems(w); len(held) != 0 {
		t.Errorf("held: %v", held)
	}
	if n := w.Writes() - writes; n > 60 {
		t.Errorf("%d writes, want only those of the edits", n)
	}
	w.Healthy()
}

// TestForgedRestore: a forged restore does not bring back a deleted item, and does not overwrite changes in Salesforce
// for an existing one.
func TestForgedRestore(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	items := persons(w, 2)
	there, gone := items[0], items[1]
	w.Salesforce.Update("Contact", w.Record("Contact", there)["Id"].(string), map[string]any{"LastName": "By hand"})
	w.Monday.DeleteItem(gone)
	w.Quiet()
	for _, item := range items {
		forge(w, "restore_pulse", e2e.Contacts, item)
	}
	w.Quiet()
	w.Holds(w.Record("Contact", there), map[string]any{"LastName": "By hand"})
	if n := len(w.Salesforce.Records("Contact")); n != 1 {
		t.Errorf("%d contacts, want 1", n)
	}
	if status, reason := w.Ending("restore_pulse", gone); status != "skipped" || reason != "the item was deleted since" {
		t.Errorf("ended %s (%s)", status, reason)
	}
	w.Healthy()
}

// TestDeletesOutOfReach: a token without access to a board sees none of its items. Their deletes, true or forged,
// delete nothing, even when the attempts are used up; true ones are carried out once the access is back.
func TestDeletesOutOfReach(t *testing.T) {
	t.Parallel()
	for name, access := range map[string]mondaysim.Access{"hidden": mondaysim.Hidden, "denied": mondaysim.Denied} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.With("MAX_ATTEMPTS", "2"))
			items := persons(w, 3)
			w.Monday.SetAccess(e2e.Contacts, access)
			forge(w, "delete_pulse", e2e.Contacts, items[0])
			w.Monday.DeleteItem(items[1])
			other := w.Monday.CreateItem(e2e.Accounts, "Engines", nil) // boards that can be seen are still synced
			w.Eventually("another board is still synced", func() bool { return len(w.Records("Account", e2e.Key, other)) == 1 })
			w.Message("board 1002")
			if n := len(w.Salesforce.Records("Contact")); n != len(items) {
				t.Errorf("%d contacts, want %d", n, len(items))
			}
			w.Monday.SetAccess(e2e.Contacts, mondaysim.Full)
			if access == mondaysim.Hidden { // a lost board cannot be distinguished from deleted items until the attempts are used up
				w.Quiet()
				w.Command("replay", "--all")
			}
			w.Quiet()
			w.Record("Contact", items[0])
			if n := len(w.Records("Contact", e2e.Key, items[1])); n != 0 {
				t.Errorf("%d contacts of the deleted item, want none", n)
			}
			w.Record("Contact", items[2])
		})
	}
}

// TestDeleteWhileMondayFails: a delete whose confirmation fails is attempted again, and does not count as the delete of
// an existing item.
func TestDeleteWhileMondayFails(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	item := persons(w, 1)[0]
	var failed atomic.Bool
	w.Monday.OnCall(func(mondaysim.Call) *mondaysim.Fault {
		if failed.CompareAndSwap(false, true) {
			return &mondaysim.Fault{Status: 500, Body: `{"data":null}`}
		}
		return nil
	})
	w.Monday.DeleteItem(item)
	w.Quiet()
	w.None("Contact")
	if status, reason := w.Ending("delete_pulse", item); status != "success" || !failed.Load() {
		t.Errorf("ended %s (%s), want success", status, reason)
	}
	w.Expect(0, "SELECT count(*) FROM dead_letters")
}

// TestBrakeShare: the brake allows a share of the board or a number of items, whichever is more; items without a record
// to delete do not count.
func TestBrakeShare(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(`
version: 1
defaults: { brake: { deletes: 2, percent: 50, within: 10m } }
boards:
  accounts:
    board: 1001
    records:
      account: { object: Account, fields: { Name: name } }
  contacts:
    board: 1002
    records:
      contact: { object: Contact, id_column: text_sfid, on_delete: delete, fields: { LastName: name, Email: email } }
`))
	items := persons(w, 12)
	shown := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Was there"})
	kept := []int64{w.Monday.CreateItem(e2e.Contacts, "Shows one", map[string]any{"text_sfid": shown})}
	kept = append(kept, w.Items(e2e.Accounts, 10, "Engines ")...)
	w.Quiet()
	for _, item := range kept {
		w.Monday.DeleteItem(item)
	}
	w.Quiet()
	if held := heldItems(w); len(held) != 0 {
		t.Errorf("held, although there is nothing to delete: %v", held)
	}
	w.Together(e2e.Contacts, func() {
		for _, item := range items[:8] {
			w.Monday.DeleteItem(item)
		}
	})
	held := heldItems(w)
	if got := len(w.Records("Contact", "Title", nil)); len(held) == 0 || len(held) >= 6 || got-1 != 4+len(held) { // half of what is left at some time
		t.Errorf("%d items held and %d contacts left, of 12 items with 8 deleted", len(held), got-1)
	}

	// A release means to check again, not to delete: an item that has been restored keeps its record.
	w.Exec("INSERT INTO deletions (item_id, board_id, state) VALUES ($1, 1002, 'held')", items[11])
	decide(w, "release", "--all")
	w.Quiet()
	w.Record("Contact", items[11])
	if got := len(w.Salesforce.Records("Contact")); got != 5 {
		t.Errorf("%d contacts, want those of the four remaining items, and the earlier one", got)
	}
	w.Expect(0, "SELECT count(*) FROM dead_letters")
}
