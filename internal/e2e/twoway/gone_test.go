package twoway_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// gone is the mapping with what happens to an item whose record was deleted.
func gone(choice string) e2e.Option {
	return e2e.Mapped(strings.Replace(rules, "match: [Email]", "on_record_delete: "+choice, 1))
}

// state returns whether an item is active, archived or deleted.
func state(w *e2e.World, item int64) string {
	w.T.Helper()
	it, _ := w.Monday.Item(item)
	return it.State
}

// TestRecordDeletedRemake: the record is created again with the item's next change, not before, and linked again if it
// is undeleted meanwhile.
func TestRecordDeletedRemake(t *testing.T) {
	t.Parallel()
	w := setup(t, gone("remake"))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Quiet()
	first := w.Record("Contact", item)["Id"].(string)
	w.Salesforce.Delete("Contact", first)
	ring(w, e2e.Contacts, item)
	ring(w, e2e.Contacts, item)
	w.None("Contact")
	if got := state(w, item); got != "active" {
		t.Errorf("the item is %s", got)
	}
	w.Salesforce.Undelete("Contact", first)
	ring(w, e2e.Contacts, item)
	edit(w, "Contact", item, map[string]any{"Email": "back@example.org"})
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"email": "back@example.org", "text_sfid": first})

	w.Salesforce.Delete("Contact", first)
	ring(w, e2e.Contacts, item)
	w.Monday.SetColumn(item, "email", e2e.Email("next@example.org"))
	w.Quiet()
	second := w.Record("Contact", item)
	w.Holds(second, map[string]any{"LastName": "King", "Email": "next@example.org"})
	shows(w, item, map[string]string{"text_sfid": second["Id"].(string)})

	w.Salesforce.Delete("Contact", second["Id"].(string))
	w.Monday.SetColumn(item, "email", e2e.Email("at.once@example.org")) // the event finds that out
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "at.once@example.org"})
	w.Healthy()
}

func TestRecordDeletedKeep(t *testing.T) {
	t.Parallel()
	w := setup(t, gone("keep"))
	var items []int64
	for n := range 2 {
		items = append(items, w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email(fmt.Sprintf("n%d@example.org", n))}))
	}
	w.Quiet()
	first := w.Record("Contact", items[0])["Id"].(string)
	w.Salesforce.Delete("Contact", first)
	w.Salesforce.Delete("Contact", w.Record("Contact", items[1])["Id"].(string))
	ring(w, e2e.Contacts, items[0])
	for _, item := range items { // the second one's event finds that out
		w.Monday.Rename(item, "Ada Lovelace")
		w.Monday.SetColumn(item, "email", e2e.Email("other@example.org"))
	}
	w.Quiet()
	w.None("Contact")
	for _, item := range items {
		if got := state(w, item); got != "active" {
			t.Errorf("item %d is %s", item, got)
		}
	}
	w.Expect(2, "SELECT count(*) FROM links WHERE closed = 'deleted'")
	w.Salesforce.Undelete("Contact", first)
	ring(w, e2e.Contacts, items[0])
	w.Holds(w.Record("Contact", items[0]), map[string]any{"LastName": "Lovelace", "Email": "other@example.org"})
	w.Healthy()
}

// TestRecordDeletedArchive archives the items, as far as the brake allows it.
func TestRecordDeletedArchive(t *testing.T) {
	t.Parallel()
	w := setup(t, e2e.Mapped(strings.Replace(strings.Replace(rules, "match: [Email]", "on_record_delete: archive", 1),
		"reconcile: off", "reconcile: off, brake: { deletes: 2, percent: 0 }", 1)))
	items := w.Items(e2e.Contacts, 4, "Ada King")
	w.Quiet()
	archived := func() (n int) {
		for _, item := range items {
			if state(w, item) == "archived" {
				n++
			}
		}
		return n
	}
	w.Salesforce.Delete("Contact", w.Record("Contact", items[0])["Id"].(string))
	ring(w, e2e.Contacts, items[0])
	if got := state(w, items[0]); got != "archived" {
		t.Errorf("the item is %s", got)
	}
	w.Expect(1, "SELECT count(*) FROM items WHERE deleted_at IS NOT NULL")
	for _, item := range items[1:] {
		w.Salesforce.Delete("Contact", w.Record("Contact", item)["Id"].(string))
	}
	ring(w, e2e.Contacts, items[1:]...)
	if got := archived(); got != 2 {
		t.Errorf("%d items are archived, want 2: the brake holds the others", got)
	}
	w.Expect(2, "SELECT count(*) FROM deletions WHERE state = 'held'")
	ring(w, e2e.Contacts, items...)
	w.Expect(2, "SELECT count(*) FROM deletions WHERE state = 'held' AND archive")
	back := items[3] // its record is restored, so nothing is left to decide
	if state(w, back) != "active" {
		back = items[1]
	}
	record := w.Text("SELECT salesforce_id FROM links WHERE item_id = $1", back)
	w.Salesforce.Undelete("Contact", record)
	w.Salesforce.Update("Contact", record, map[string]any{"Email": "back@example.org"})
	w.Monday.Rename(back, "Ada Back") // the event finds that out
	w.Quiet()
	w.Expect(1, "SELECT count(*) FROM deletions WHERE state = 'held' AND archive")
	w.Holds(w.Record("Contact", back), map[string]any{"LastName": "Back", "Email": "back@example.org"})
	w.Salesforce.Delete("Contact", record)
	ring(w, e2e.Contacts, back)
	if _, listed, _ := w.Command("held", "list"); strings.Count(listed, "archive the item") != 2 || strings.Contains(listed, "delete its") {
		t.Errorf("held list:\n%s", listed)
	}
	code, stdout, stderr := w.Command("held", "release", "--all")
	if want := "Released: 2 items will be archived in Monday once Salesforce has confirmed again that the records are gone.\n"; code != 0 || stdout != want {
		t.Fatalf("held release: exit %d\n%s%s", code, stdout, stderr)
	}
	w.Quiet()
	if got := archived(); got != 4 {
		t.Errorf("%d items are archived after the release, want 4", got)
	}
	w.None("Contact")
	w.Healthy()
}

// TestRecordPurged: the feed never saw that the record was deleted, and Salesforce no longer confirms it: the comparison
// finds that the record is gone, instead of an item in sync. A record that is still in the bin is found in the same way.
func TestRecordPurged(t *testing.T) {
	t.Parallel()
	for _, purged := range []bool{true, false} {
		t.Run(fmt.Sprint("purged ", purged), func(t *testing.T) {
			t.Parallel()
			w := setup(t, gone("remake"))
			item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
			other := w.Monday.CreateItem(e2e.Contacts, "Grace Hopper", nil)
			w.Quiet()
			record := w.Record("Contact", item)["Id"].(string)
			w.Salesforce.Delete("Contact", record)
			if purged {
				w.Salesforce.Purge("Contact", record)
			}
			if code, out, _ := w.Command("plan", "contacts", "--check"); code != cli.ExitDiffer || !strings.Contains(out, "record is gone") {
				t.Errorf("plan: exit code %d\n%s", code, out)
			}
			w.Crmsync("apply", "contacts", "--yes")
			w.Quiet()
			w.Expect(1, "SELECT count(*) FROM differences WHERE kind = 'gone' AND item_id = $1 AND record = 'contact'", item)
			w.Expect(0, "SELECT count(*) FROM differences WHERE item_id = $1", other)
			w.Monday.SetColumn(item, "email", e2e.Email("next@example.org"))
			w.Quiet()
			w.Holds(w.Record("Contact", item), map[string]any{"Email": "next@example.org"})
			w.Healthy()
		})
	}
}

// TestRecordMerged: the item follows its record to the one that it was merged into.
func TestRecordMerged(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Quiet()
	winner := w.Salesforce.Insert("Contact", map[string]any{"FirstName": "Ada", "LastName": "King", "Email": "winner@example.org", "Phone": "+12125550111"})
	w.Salesforce.MergeRecords("Contact", winner, w.Record("Contact", item)["Id"].(string))
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"text_sfid": winner, "phone": "+12125550111", "email": "a@example.org"})
	w.Holds(w.Salesforce.Get("Contact", winner), map[string]any{"Email": "winner@example.org"}) // a first meeting
	w.Salesforce.Update("Contact", winner, map[string]any{"Email": "later@example.org"})
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"email": "later@example.org"})
	w.Healthy()
}

// TestRecordRestoredBeforeEvent: the record was deleted, restored and edited, and the item's next event finds that out
// before anything else does. It links the record again instead of overwriting it, and keeps the values that it
// replaces.
func TestRecordRestoredBeforeEvent(t *testing.T) {
	t.Parallel()
	w := setup(t, gone("remake"))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Quiet()
	first := w.Record("Contact", item)["Id"].(string)
	w.Salesforce.Delete("Contact", first)
	ring(w, e2e.Contacts, item)
	w.Salesforce.Undelete("Contact", first)
	w.Salesforce.Update("Contact", first, map[string]any{"Email": "sf@example.org", "Phone": "+12125550111"})
	w.Monday.Rename(item, "Ada Lovelace")
	w.Quiet()
	shows(w, item, map[string]string{"text_sfid": first})
	w.Holds(w.Record("Contact", item), map[string]any{"LastName": "Lovelace"})
	w.Expect(1, `SELECT count(*) FROM conflicts WHERE field = 'Email' AND salesforce = '"sf@example.org"'`)
	w.Expect(0, `SELECT count(*) FROM links WHERE held IS NULL`)
	w.Healthy()
}

// TestRecordMergedBeforeWrite: the record is merged into another one between our read and our write of an edit. What
// the winner holds is compared before anything is sent to it.
func TestRecordMergedBeforeWrite(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Quiet()
	loser := w.Record("Contact", item)["Id"].(string)
	winner := w.Salesforce.Insert("Contact", map[string]any{"FirstName": "Ada", "LastName": "King", "Email": "winner@example.org", "Phone": "+12125550111"})
	merge := sync.OnceFunc(func() { w.Salesforce.MergeRecords("Contact", winner, loser) })
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Has("update", "Contact") {
			merge()
		}
		return nil
	})
	w.Monday.SetColumn(item, "email", e2e.Email("edited@example.org"))
	w.Quiet()
	shows(w, item, map[string]string{"text_sfid": winner, "phone": "+12125550111", "email": "edited@example.org"})
	w.Holds(w.Salesforce.Get("Contact", winner), map[string]any{"Email": "edited@example.org", "Phone": "+12125550111"})
	w.Expect(1, "SELECT count(*) FROM conflicts WHERE field = 'Email' AND salesforce #>> '{}' = 'winner@example.org'")
	w.Healthy()
}
