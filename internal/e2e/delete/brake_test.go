package delete_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// TestBrake deletes more items of a board than the brake allows: the records of the others wait for a person.
func TestBrake(t *testing.T) {
	t.Parallel()
	const all, free = 25, 20
	w := e2e.Serving(t)
	items := persons(w, all)
	for _, item := range items {
		w.Monday.DeleteItem(item)
	}
	w.Quiet()
	held := heldItems(w)
	if got := len(w.Salesforce.Records("Contact")); got != all-free || len(held) != all-free {
		t.Fatalf("%d contacts are left and %d items held, want %d of both", got, len(held), all-free)
	}
	w.Expect(all-free, "SELECT count(*) FROM sync_logs WHERE event = 'delete_pulse' AND status = 'skipped' AND response_data->>'reason' = 'held by the delete brake'")

	w.Message("delete brake", "board 1002", "crmsync held")

	// While the brake holds, a single deletion waits, too. A restored item keeps its record and is synced again.
	late := w.Monday.CreateItem(e2e.Contacts, "Late Comer", nil)
	w.Quiet()
	w.Monday.DeleteItem(late)
	w.Monday.RestoreItem(held[0])
	w.Quiet()
	w.Monday.SetColumn(held[0], "email", e2e.Email("back@example.org"))
	w.Quiet()
	w.Holds(w.Record("Contact", held[0]), map[string]any{"Email": "back@example.org"})
	w.Record("Contact", late)

	decide(w, "drop", fmt.Sprint(held[1]))
	decide(w, "release", "--board", "8400000099") // Monday's ids are larger than an int4; nothing of that board is held
	decide(w, "release", "--board", "contacts")
	w.Quiet()
	w.Record("Contact", held[0])
	w.Record("Contact", held[1])
	if got := len(w.Salesforce.Records("Contact")); got != 2 {
		t.Errorf("%d contacts are left, want the one that is back and the one that was dropped", got)
	}
	if held := heldItems(w); len(held) != 0 {
		t.Errorf("still held: %v", held)
	}
	if code, _, stderr := w.Command("held", "release", fmt.Sprint(held[1])); code != 1 || !strings.Contains(stderr, "does not hold") {
		t.Errorf("releasing what is not held: exit %d, %s", code, stderr)
	}
	w.Expect(0, "SELECT count(*) FROM dead_letters")
	w.Message("no longer holds anything of board 1002")
	if texts := w.Telegram.Texts(); len(texts) != 2 {
		t.Errorf("%d messages, want one of the beginning and one of the end:\n%s", len(texts), strings.Join(texts, "\n"))
	}
}

// TestAcceptHeld: apply --accept-deletes releases what the brake holds already, once Monday has confirmed it again.
func TestAcceptHeld(t *testing.T) {
	t.Parallel()
	const all, free = 23, 20
	w := e2e.Serving(t)
	items := persons(w, all)
	for _, item := range items {
		w.Monday.DeleteItem(item)
	}
	w.Quiet()
	if held := heldItems(w); len(held) != all-free {
		t.Fatalf("%d items are held, want %d", len(held), all-free)
	}
	w.Command("apply", "contacts", "--yes")
	if held := heldItems(w); len(held) != all-free {
		t.Fatalf("apply without --accept-deletes leaves %d items held, want %d", len(held), all-free)
	}
	if _, stdout, stderr := w.Command("plan", "contacts"); !strings.Contains(stdout, "The delete brake holds the records of 3 items") {
		t.Errorf("plan does not report what is held:\n%s%s", stdout, stderr)
	}
	if code, stdout, stderr := w.Command("apply", "contacts", "--accept-deletes", "--yes"); code != 0 {
		t.Fatalf("apply: exit %d\n%s%s", code, stdout, stderr)
	}
	w.Quiet()
	w.None("Contact")
	w.Expect(all-free, "SELECT ended FROM sweeps ORDER BY id DESC LIMIT 1")
	w.Expect(0, "SELECT count(*) FROM deletions WHERE state = 'held'")
	w.Expect(0, "SELECT count(*) FROM dead_letters")
}

// TestForgedDelete posts deletes of items that still exist: they and their records are kept.
func TestForgedDelete(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand)
	kept, moved := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", nil), w.Monday.CreateItem(e2e.Contacts, "Charles Babbage", nil)
	w.Flush()
	w.Quiet()
	w.Monday.DeleteItem(moved)
	genuine := w.Mail.Take()
	w.Monday.RestoreItem(moved)
	w.Flush()
	w.Quiet()
	for _, event := range genuine {
		w.Send(event, map[string]any{"itemId": kept, "triggerUuid": "forged"})
		w.Send(event) // true once, and late
	}
	w.Quiet()
	w.Monday.SetColumn(kept, "email", e2e.Email("ada@example.org"))
	w.Monday.SetColumn(moved, "email", e2e.Email("charles@example.org"))
	w.Flush()
	w.Quiet()
	w.Holds(w.Record("Contact", kept), map[string]any{"Email": "ada@example.org"})
	w.Holds(w.Record("Contact", moved), map[string]any{"Email": "charles@example.org"})
}

// heldItems returns the items that the brake holds.
func heldItems(w *e2e.World) (items []int64) {
	w.T.Helper()
	code, stdout, stderr := w.Command("held", "list", "--json")
	var boards []struct{ Items []int64 }
	if err := json.Unmarshal([]byte(stdout), &boards); code != 0 || err != nil {
		w.T.Fatalf("held list: exit %d, %v\n%s%s", code, err, stdout, stderr)
	}
	for _, b := range boards {
		items = append(items, b.Items...)
	}
	return items
}

func decide(w *e2e.World, args ...string) {
	w.T.Helper()
	if code, _, stderr := w.Command(append([]string{"held"}, args...)...); code != 0 {
		w.T.Fatalf("held %v: exit %d, %s", args, code, stderr)
	}
}

// TestDeletePurged deletes an item that has left the recycle bin by the time its event is processed.
func TestDeletePurged(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", nil)
	w.Flush()
	w.Quiet()
	w.Monday.DeleteItem(item)
	w.Monday.PurgeItem(item)
	w.Flush()
	w.Quiet()
	w.None("Contact")
}

// TestDeleteOutOfReach takes away the token's access to the board: nothing is deleted until Monday confirms that the
// item is gone.
func TestDeleteOutOfReach(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand, e2e.With("RETRY_MAX", "100ms"), e2e.With("MAX_ATTEMPTS", "1000"))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", nil)
	w.Flush()
	w.Quiet()
	w.Monday.SetAccess(e2e.Contacts, mondaysim.Hidden)
	w.Monday.DeleteItem(item)
	for _, event := range w.Mail.Take() {
		w.Send(event)
	}
	w.Eventually("the event was attempted twice", func() bool {
		return w.Count("SELECT count(*) FROM error_logs WHERE event = 'delete_pulse'") > 1
	})
	w.Record("Contact", item)
	w.Monday.SetAccess(e2e.Contacts, mondaysim.Full)
	w.Quiet()
	w.None("Contact")
}
