package sweep_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	"crmsync/jobs"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
	"crmsync/worker/sweep"
)

// TestSlices: a sweep continues where it stopped, page by page, and the last page ends it.
func TestSlices(t *testing.T) {
	t.Parallel()
	w := setup(t)
	items := w.create(501)
	id := w.add("apply", store.SweepOptions{})
	if done, err := w.page(id); done || err != nil {
		t.Fatalf("after the first page: done %t, %v", done, err)
	}
	if s := w.sweep(id); s.Pages != 1 || s.Items != 500 || s.State != "running" {
		t.Errorf("after the first page: %+v", s)
	}
	if s := w.run(id); s.Pages != 2 || s.Items != len(items) || s.State != "done" || s.FinishedAt == nil {
		t.Errorf("at the end: %+v", s)
	}
	if n := len(w.contacts()); n != len(items) {
		t.Errorf("%d records, want %d", n, len(items))
	}
	if done, err := w.page(id); !done || err != nil {
		t.Errorf("once it is over: done %t, %v", done, err)
	}
	if n := schematest.Ask[int](t, w.db, "SELECT count(*) FROM leases"); n != 0 {
		t.Errorf("%d leases are left", n)
	}
}

// TestCursorExpiry: a sweep whose cursor Monday no longer knows starts the board again, and counts nothing twice.
func TestCursorExpiry(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.create(501)
	id := w.add("apply", store.SweepOptions{})
	if _, err := w.page(id); err != nil {
		t.Fatal(err)
	}
	w.ahead(61 * time.Minute)
	calls := w.calls()
	if s := w.run(id); s.Items != 501 || s.Pages != 2 || s.Written == 0 {
		t.Errorf("at the end: %+v", s)
	}
	if got := calls(); got[1] != 3 { // the cursor that has expired, and both pages
		t.Errorf("%d calls to Monday, want 3", got[1])
	}
	if n := len(w.contacts()); n != 501 {
		t.Errorf("%d records, want 501", n)
	}
}

// TestEnds: only items that Monday reports as archived or deleted end. Those of a board that the token lost stay.
func TestEnds(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]mondaysim.Access{"hidden": mondaysim.Hidden, "denied": mondaysim.Denied} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			items := w.create(3)
			w.run(w.add("apply", store.SweepOptions{}))
			w.exec("UPDATE items SET seen_at = seen_at - interval '1 hour'")
			w.monday.ArchiveItem(items[0])
			w.monday.SetAccess(people, lost)
			id := w.add("reconcile", store.SweepOptions{})
			if done, err := w.page(id); done || err == nil {
				t.Errorf("a board that is lost: done %t, %v", done, err)
			}
			if len(w.jobs()) != 0 || len(w.contacts()) != 3 {
				t.Errorf("while the board is lost %v is queued, and %d records are left", w.jobs(), len(w.contacts()))
			}
			w.monday.SetAccess(people, mondaysim.Full)
			if s := w.run(id); s.Ended != 1 || s.State != "done" {
				t.Errorf("at the end: %+v", s)
			}
			queued := w.jobs()
			if len(queued) != 1 || queued[0].(jobs.ItemDeleteArgs).ItemID != items[0] {
				t.Errorf("queued: %v, want the end of item %d", queued, items[0])
			}
		})
	}
}

// TestLostBetween: if the token loses the board after its last page was read, that says nothing about items that the
// pages did not show.
func TestLostBetween(t *testing.T) {
	t.Parallel()
	w := setup(t)
	items := w.create(2)
	w.run(w.add("apply", store.SweepOptions{}))
	w.exec("UPDATE items SET seen_at = seen_at - interval '1 hour'")
	w.monday.DeleteItem(items[0])
	w.monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(c.Operation, "items") && !strings.Contains(c.Operation, "boards") {
			w.monday.SetAccess(people, mondaysim.Hidden)
		}
		return nil
	})
	if s := w.run(w.add("reconcile", store.SweepOptions{})); s.Ended != 0 {
		t.Errorf("%d items ended by an answer that does not show them", s.Ended)
	}
	if len(w.jobs()) != 0 {
		t.Errorf("queued: %v", w.jobs())
	}
}

// TestPageLag: pages that lag behind revert nothing, and end no item that they do not show yet.
func TestPageLag(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.monday.SetPageLag(30 * time.Second)
	item := w.create(1)[0]
	w.ahead(time.Minute)
	w.run(w.add("apply", store.SweepOptions{}))
	at := time.Now().Add(time.Minute)
	w.monday.Rename(item, "Newer Name")
	w.exec("UPDATE items SET name = 'Newer Name', name_at = $1, seen_at = seen_at - interval '1 hour'", at) // as its event said
	w.salesforce.Update("Contact", w.contacts()[fmt.Sprint(item)]["Id"].(string), map[string]any{"LastName": "Newer Name"})
	w.exec(`UPDATE links SET written = written || '{"LastName": "Newer Name"}'`)
	late := w.create(1)[0]
	if s := w.run(w.add("reconcile", store.SweepOptions{})); s.Written != 0 || s.Ended != 0 || s.Items != 1 {
		t.Errorf("a page from before the change: %+v", s)
	}
	if name := w.contacts()[fmt.Sprint(item)]["LastName"]; name != "Newer Name" {
		t.Errorf("the record has the name %v", name)
	}
	w.ahead(time.Minute)
	w.run(w.add("reconcile", store.SweepOptions{}))
	if w.contacts()[fmt.Sprint(late)] == nil {
		t.Error("an item that the page showed later has no record")
	}
}

// TestTaken: one process works on a sweep at a time. If it is killed, another one continues the sweep once its leases
// are over.
func TestTaken(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.create(1)
	id := w.add("apply", store.SweepOptions{})
	w.exec("INSERT INTO leases (key, lease_holder, lease_until) VALUES ($1, gen_random_uuid(), now() + interval '1 minute')", fmt.Sprint("sweep ", id))
	_, err := w.page(id)
	if taken, ok := errors.AsType[*sweep.TakenError](err); !ok || taken.RetryAfter() == 0 {
		t.Errorf("a sweep that another process works on: %v", err)
	}
	w.exec("UPDATE leases SET lease_until = now() - interval '1 second'")
	if s := w.run(id); s.State != "done" || s.Busy != 0 {
		t.Errorf("at the end: %+v", s)
	}
}

// TestStopped: a stopped sweep ends with its current page.
func TestStopped(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.create(501)
	id := w.add("apply", store.SweepOptions{})
	if _, err := w.page(id); err != nil {
		t.Fatal(err)
	}
	stopped, err := w.Store.StopSweeps(t.Context(), []int64{people}, store.By{Actor: "ada"})
	if err != nil || len(stopped) != 1 || stopped[0].ID != id {
		t.Fatalf("stopped: %v, %v", stopped, err)
	}
	if done, err := w.page(id); !done || err != nil {
		t.Errorf("a sweep that was stopped: done %t, %v", done, err)
	}
	if n := len(w.contacts()); n != 500 {
		t.Errorf("%d records, want those of the first page", n)
	}
}

// TestRecent: a look at the newest items costs one call if all of them are known, and repairs those whose events were
// lost. It goes back as far as the last look.
func TestRecent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	items := w.create(150)
	w.run(w.add("apply", store.SweepOptions{}))
	look := func() (store.Sweep, [2]int) {
		t.Helper()
		next, err := w.Recent(t.Context(), w.board)
		if err != nil {
			t.Fatal(err)
		}
		calls := w.calls()
		return w.run(w.begin(next)), calls()
	}
	if s, calls := look(); s.Items != 0 || s.Written != 0 || calls != [2]int{0, 2} {
		t.Errorf("all items are known, and new: %+v after %v calls", s, calls)
	}
	w.exec("UPDATE sweeps SET started_at = started_at + interval '10 minutes'")
	w.ahead(15 * time.Minute)
	if s, calls := look(); s.Items != 0 || calls != [2]int{0, 1} {
		t.Errorf("no item has changed since: %+v after %v calls", s, calls)
	}
	w.monday.Rename(items[7], "Ada Lovelace")
	w.monday.DeleteItem(items[8])
	fresh := w.monday.CreateItem(people, "Grace Hopper", nil)
	s, calls := look()
	if s.Items != 2 || s.Ended != 0 || calls[1] != 1 {
		t.Errorf("two items that are not known: %+v after %v calls", s, calls)
	}
	contacts := w.contacts()
	if a, b := contacts[fmt.Sprint(items[7])]["LastName"], contacts[fmt.Sprint(fresh)]["LastName"]; a != "Ada Lovelace" || b != "Grace Hopper" {
		t.Errorf("the records have the names %v and %v", a, b)
	}
	if s, calls := look(); s.Items != 0 || calls != [2]int{0, 1} {
		t.Errorf("both are known now: %+v after %v calls", s, calls)
	}
	w.exec("UPDATE items SET seen_at = seen_at - interval '1 hour'")
	if s := w.run(w.add("reconcile", store.SweepOptions{})); s.Ended != 1 {
		t.Errorf("a comparison after looks at the newest: %+v, want the deleted item ended", s)
	}
}

// TestRestored: an item that a page shows although it counts as deleted was restored, and the event was lost. If the
// page may be from before the delete, the item itself is read.
func TestRestored(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := fmt.Sprint(w.create(1)[0])
	w.run(w.add("apply", store.SweepOptions{}))
	ends := func(ago string) {
		w.exec("UPDATE items SET deleted_at = now() - $1::interval, existence_at = now() - $1::interval", ago)
		w.exec("UPDATE links SET ended_id = salesforce_id, salesforce_id = NULL, written = '{}' WHERE salesforce_id IS NOT NULL")
		for _, record := range w.salesforce.Records("Contact") {
			w.salesforce.Delete("Contact", record["Id"].(string))
		}
	}
	for ago, reads := range map[string]int{"10 minutes": 1, "10 seconds": 2} {
		ends(ago)
		calls := w.calls()
		w.run(w.add("reconcile", store.SweepOptions{}))
		if w.contacts()[item]["LastName"] != "Person 0" {
			t.Errorf("records of an item that was deleted %s ago, and restored: %v", ago, w.contacts())
		}
		if got := calls()[1]; got != reads {
			t.Errorf("%d calls to Monday for an item that was deleted %s ago, want %d", got, ago, reads)
		}
	}
	ends("10 seconds")
	w.monday.SetPageLag(30 * time.Second)
	id, _ := strconv.ParseInt(item, 10, 64)
	w.ahead(time.Minute)
	w.monday.DeleteItem(id)
	w.run(w.add("reconcile", store.SweepOptions{}))
	if n := len(w.contacts()); n != 0 {
		t.Errorf("an item that is deleted, and that the page still shows, has %d records", n)
	}
}

// TestMergedMeanwhile: a comparison follows a record that was merged, and what the winner holds is a first meeting.
// One that was deleted is reported, and left to a person.
func TestMergedMeanwhile(t *testing.T) {
	t.Parallel()
	w := setup(t)
	items := w.create(2)
	w.run(w.add("apply", store.SweepOptions{}))
	contacts := w.contacts()
	merged, deleted := contacts[fmt.Sprint(items[0])]["Id"].(string), contacts[fmt.Sprint(items[1])]["Id"].(string)
	winner := w.salesforce.Insert("Contact", map[string]any{"LastName": "Winner", "Email": "winner@example.org"})
	w.salesforce.MergeRecords("Contact", winner, merged)
	w.salesforce.Delete("Contact", deleted)
	w.run(w.add("reconcile", store.SweepOptions{}))
	got := w.salesforce.Get("Contact", winner)
	if got["LastName"] != "Winner" || got["Email"] != "winner@example.org" || len(w.salesforce.Records("Contact")) != 1 {
		t.Errorf("the winner is %v, of %d records", got, len(w.salesforce.Records("Contact")))
	}
	if id := schematest.Ask[string](t, w.db, "SELECT salesforce_id FROM links WHERE item_id = $1", items[0]); id != winner {
		t.Errorf("the item has the record %s, want the winner %s", id, winner)
	}
	kinds := schematest.Ask[string](t, w.db, "SELECT string_agg(item_id || ' ' || kind || ' ' || action, ', ' ORDER BY item_id, kind) FROM differences WHERE run_id = 2 AND kind <> 'wrong_key'")
	if want := fmt.Sprintf("%d first_meeting leave, %d gone leave", items[0], items[1]); kinds != want {
		t.Errorf("differences: %s, want %s", kinds, want)
	}
}
