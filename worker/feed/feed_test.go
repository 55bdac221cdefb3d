package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"crmsync/schema/mapping"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
)

type m = map[string]any

// The feed queues exactly the items that differ from what was agreed in a field that is synced to Monday.
func TestRings(t *testing.T) {
	t.Parallel()
	w := setup(t)
	same := w.link(1, m{"Email": "a@example.org", "Phone": "1"})
	changed := w.link(2, m{"Email": "b@example.org", "Phone": nil})
	other := w.link(3, m{"Email": "c@example.org"})
	emptied := w.link(4, m{"Email": "d@example.org"})
	stranger := w.org.Insert("Contact", m{"LastName": "S"})
	ended := w.link(5, m{"Email": "e@example.org"})
	w.exec("UPDATE items SET deleted_at = now() WHERE item_id = 5")
	elsewhere := w.link(6, m{"Email": "f@example.org"})
	w.exec("UPDATE items SET board_id = 77 WHERE item_id = 6")
	if n := w.calls(func() { w.poll() }); n != 2 { // the newest records, and what changed since
		t.Errorf("%d calls to begin", n)
	}
	w.expect("what was there before")
	w.org.Update("Contact", same, m{"Email": "a@example.org"})
	w.org.Update("Contact", changed, m{"Phone": "2"})
	w.org.Update("Contact", other, m{"Title": "a field that is not synced to Monday"})
	w.org.Update("Contact", emptied, m{"Email": nil})
	for _, id := range []string{stranger, ended, elsewhere} {
		w.org.Update("Contact", id, m{"Email": "new@example.org"})
	}
	if n := w.calls(func() { w.poll() }); n != 1 {
		t.Errorf("a poll takes %d calls, want 1", n)
	}
	w.expect("changes", 2, 4)
	w.agree(2, changed, m{"Email": "b@example.org", "Phone": "2"})
	w.agree(4, emptied, m{"Email": nil})
	w.later(time.Minute)
	w.poll() // covers what may have been committed late
	w.poll()
	w.expect("once both sides have agreed on them")
}

// Deleted records ring, and so do merged ones and those that were restored from the recycle bin.
func TestRingsForDeletion(t *testing.T) {
	t.Parallel()
	w := setup(t)
	deleted, loser, winner := w.link(1, m{"Email": "a@example.org"}), w.link(2, m{"Email": "b@example.org"}), w.link(3, m{"Email": "c@example.org"})
	back, remade := w.link(4, m{"Email": "d@example.org"}), w.link(5, m{"Email": "e@example.org"})
	w.poll()
	w.org.Delete("Contact", deleted)
	w.org.MergeRecords("Contact", winner, loser)
	w.org.Delete("Contact", back)
	w.org.Delete("Contact", remade)
	w.poll()
	w.expect("gone", 1, 2, 4, 5)
	w.exec("UPDATE links SET ended_id = 'other ' || salesforce_id, salesforce_id = NULL, written = '{}' WHERE item_id IN (1, 2, 4, 5)")
	w.exec("UPDATE links SET salesforce_id = $1 WHERE item_id = 5", w.org.Insert("Contact", m{"LastName": "R"}))
	w.org.Undelete("Contact", back)
	w.org.Undelete("Contact", remade)
	w.poll()
	w.expect("back", 4)
	w.exec("UPDATE links SET closed = 'merged' WHERE item_id = 4")
	w.org.Update("Contact", back, m{"Email": "x@example.org"})
	w.poll()
	w.expect("closed for good")
}

// The position of the feed and the jobs that follow are committed together.
func TestPositionAndRingsAreOne(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.link(1, m{"Email": "a@example.org"})
	w.poll()
	w.org.Update("Contact", id, m{"Email": "b@example.org"})
	w.ring = errors.New("no queue")
	for range 2 { // the second one reads from an hour later on, if the first one was saved
		w.exec("UPDATE feeds SET due_at = now() WHERE tier = 'now'")
		if _, err := w.Step(t.Context()); err == nil {
			t.Fatal("a page whose jobs cannot be queued was saved")
		}
		w.expect("rolled back")
		w.later(time.Hour)
	}
	w.ring = nil
	w.poll()
	w.expect("after that", 1)
}

// If two feeds save a page at once, it rings only once.
func TestTwoFeeds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.link(1, m{"Email": "a@example.org"})
	w.poll()
	w.org.Update("Contact", id, m{"Email": "b@example.org"})
	w.exec("UPDATE feeds SET due_at = now() WHERE tier = 'now'")
	other := w.feed(contactSource("Email", "Phone"))
	ctx := t.Context()
	first, err := w.Store.Feeds(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	second := first
	second.Feeds = append([]store.Feed(nil), first.Feeds...)
	if err := errors.Join(w.Feed.poll(ctx, &first), other.poll(ctx, &second)); err != nil {
		t.Fatal(err)
	}
	w.expect("both polled", 1)
	if _, err := w.Store.Lease(ctx, [16]byte{1}, []string{lease}, time.Minute); err != nil {
		t.Fatal(err)
	}
	w.exec("UPDATE feeds SET due_at = now()")
	if n := w.calls(func() { w.must(w.Step(ctx)) }); n != 0 {
		t.Errorf("%d calls while another process polls", n)
	}
}

func (w *world) must(_ time.Duration, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// A record is changed and changed back while a worker that has read it in between is still writing to Monday. What the
// worker will store differs from the record, although what is stored now does not: the item is rung before the reading
// that follows the changes leaves the record behind.
func TestChangedBackUnderLease(t *testing.T) {
	t.Parallel()
	rules, err := mapping.Parse("test.yaml", []byte(`
version: 1
boards: { contacts: { board: 1002, records: { contact: { object: Contact, sync: both, fields: { Email: email } } } } }
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, leased := range []bool{true, false} {
		w := setup(t, sourcesOf(rules)...)
		id := w.link(1, m{"Email": "a@example.org"})
		w.link(2, m{"Email": "other@example.org"})
		w.poll()
		w.org.Update("Contact", id, m{"Email": "b@example.org"})
		if leased {
			w.exec("UPDATE items SET lease_holder = gen_random_uuid(), lease_until = now() + interval '1 minute' WHERE item_id = 1")
		}
		w.org.Update("Contact", id, m{"Email": "a@example.org"})
		w.poll()
		w.expect("as long as the record is read again")
		w.later(tiers[0].late + time.Second)
		w.poll()
		if leased {
			w.expect("when it is read for the last time", 1)
		}
		w.poll()
		w.expect("after that")
	}
}

// A change of every record's stamp costs pages but no jobs, and is over once the overlap was read again.
func TestMassTouch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const records = 5000
	for n := range records {
		w.link(int64(n+1), m{"Email": fmt.Sprintf("p%d@example.org", n)})
	}
	w.poll()
	w.org.Touch("Contact")
	if n := w.calls(func() { w.poll() }); n != 3 {
		t.Errorf("%d calls for %d records with one stamp, want 3 pages", n, records)
	}
	w.later(11 * time.Second)
	w.poll()
	if n := w.calls(func() { w.poll() }); n != 1 {
		t.Errorf("%d calls once nothing moves", n)
	}
	w.expect("a touch")
	if dropped := w.counted("crmsync_feed_records_total"); dropped < records {
		t.Errorf("%d records read, want %d", dropped, records)
	}
}

// Records with one stamp on several pages are all read, and a feed that is stopped in between continues there.
func TestPagesOfOneStamp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var want []int64
	ids := map[int64]string{}
	for n := range int64(4500) {
		ids[n+1] = w.link(n+1, m{"Email": fmt.Sprintf("p%d@example.org", n)})
		want = append(want, n+1)
	}
	w.poll()
	w.exec(`UPDATE links SET written = '{"Email": "old@example.org"}'`)
	w.org.Touch("Contact")
	w.exec("UPDATE feeds SET due_at = now() WHERE tier = 'now'")
	feeds, err := w.Store.Feeds(t.Context(), nil)
	if err == nil {
		err = w.Feed.poll(t.Context(), &feeds) // one page
	}
	if err != nil {
		t.Fatal(err)
	}
	first := w.rang()
	w.Feed = w.feed(contactSource("Email", "Phone"))
	w.poll()
	if got := append(first, w.rang()...); len(first) != pageSize || len(got) != len(want) {
		t.Errorf("rang for %d items, the first page for %d; want %d and %d", len(got), len(first), len(want), pageSize)
	}
}

// A commit that becomes visible late is found by the narrowest tier that reads so far back, and counted.
func TestLateCommits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		late  time.Duration
		tier  string
		count int
	}{{8 * time.Second, "now", 0}, {2 * time.Minute, "5m", 1}, {50 * time.Minute, "2h", 1}, {110 * time.Minute, "26h", 1}, {30 * time.Hour, "all", 1}} {
		t.Run(tt.tier, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			id, clock := w.link(1, m{"Email": "a@example.org"}), w.link(2, m{"Email": "b@example.org"})
			w.poll()
			w.ahead = 72 * time.Hour
			w.org.Update("Contact", clock, m{"Title": "T"})
			w.poll()
			w.poll()
			for _, all := range tiers {
				w.poll(all.name)
			}
			w.org.UpdateLate("Contact", id, m{"Email": "late@example.org"}, tt.late)
			for _, narrower := range tiers {
				if narrower.name == tt.tier {
					break
				}
				w.poll(narrower.name)
				w.expect("tier " + narrower.name)
			}
			w.poll(tt.tier)
			w.expect("tier "+tt.tier, 1)
			if n := w.counted("crmsync_feed_late_total"); n != tt.count {
				t.Errorf("%d counted as late, want %d", n, tt.count)
			}
		})
	}
}

// An object that cannot be read only stops its own feed, is reported once, and catches up when it can be read.
func TestRefusedObject(t *testing.T) {
	t.Parallel()
	lead := &source{object: "Secret__c", fields: []string{"Name"}, ways: []store.FeedWay{{BoardID: 1, Record: "secret", Fields: []string{"Name"}}}}
	w := setup(t, contactSource("Email"), lead)
	id := w.link(1, m{"Email": "a@example.org"})
	w.poll()
	for n := range 3 {
		w.org.Update("Contact", id, m{"Email": fmt.Sprintf("n%d@example.org", n)})
		w.poll()
		w.expect("the other object", 1)
	}
	if n := schematest.Ask[int](t, w.db, "SELECT count(*) FROM outages WHERE system = 'salesforce changes of Secret__c' AND ended_at IS NULL"); n != 1 {
		t.Errorf("%d outages alerted, want 1", n)
	}
	s := w.sources["Secret__c"]
	s.object = "Account" // as if access had been given
	w.poll()
	if n := schematest.Ask[int](t, w.db, "SELECT count(*) FROM outages WHERE system = 'salesforce changes of Secret__c' AND ended_at IS NULL"); n != 0 {
		t.Errorf("%d outages go on", n)
	}
}

// A hidden field is unknown: the others are read without it.
func TestHiddenField(t *testing.T) {
	t.Parallel()
	w := setup(t, contactSource("Email", "Hidden__c"))
	id := w.link(1, m{"Email": "a@example.org"})
	w.agree(1, id, m{"Email": "a@example.org", "Hidden__c": "known"})
	w.poll()
	w.org.Update("Contact", id, m{"Title": "T"})
	w.poll()
	w.expect("a field that is not shown")
	w.org.Update("Contact", id, m{"Email": "b@example.org"})
	w.poll()
	w.expect("another field", 1)
	if n := schematest.Ask[int](t, w.db, "SELECT count(*) FROM outages WHERE system = 'salesforce changes of Contact.Hidden__c'"); n != 1 {
		t.Errorf("%d outages alerted, want 1", n)
	}
}

// The feed stops at the reserve, and while many items wait.
func TestStops(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.link(1, m{"Email": "a@example.org"})
	w.poll()
	w.org.Update("Contact", id, m{"Email": "b@example.org"})
	usage := w.Reserve.Usage
	w.Reserve.Usage = func() (int, int) { return 8501, 10_000 }
	w.exec("UPDATE feeds SET due_at = now() WHERE tier = 'now'")
	var err error
	if n := w.calls(func() { _, err = w.Step(t.Context()) }); err == nil || n != 0 {
		t.Errorf("below the reserve: %d calls, error %v", n, err)
	}
	w.Reserve.Usage = usage
	w.Backlog = func(context.Context, int) (int, error) { return mostWaiting, nil }
	if n := w.calls(func() { _, err = w.Step(t.Context()) }); err == nil || n != 0 {
		t.Errorf("with a backlog: %d calls, error %v", n, err)
	}
	w.Backlog = func(context.Context, int) (int, error) { return mostWaiting - 1, nil }
	w.poll()
	w.expect("after that", 1)
}

// A value that Salesforce writes in another form is not a change.
func TestFolds(t *testing.T) {
	t.Parallel()
	rules, err := mapping.Parse("test.yaml", []byte(`
version: 1
defaults: { phone_country: US }
boards:
  contacts:
    board: 1002
    records:
      contact:
        object: Contact
        id_column: text_sfid
        sync: both
        fields:
          Phone: { from: phone, as: phone }
          Title: { from: title, as: trim }
          LeadSource: { value: Monday }
  leads:
    board: 1003
    records:
      lead: { object: Lead, id_column: text_sfid, fields: { LastName: name } }
`))
	if err != nil {
		t.Fatal(err)
	}
	sources := sourcesOf(rules)
	if len(sources) != 1 || !slices.Equal(sources[0].fields, []string{"Phone", "Title"}) || !Uses(rules) {
		t.Fatalf("sources %+v", sources)
	}
	w := setup(t, sources...)
	id := w.link(1, m{"Phone": "+12125550100", "Title": "Boss"})
	w.poll()
	w.org.Update("Contact", id, map[string]any{"Phone": "(212) 555-0100", "Title": "Boss  "})
	w.poll()
	w.expect("another form")
	w.exec(`UPDATE links SET held = '{"Phone": {"v": "+12125550199"}}'`)
	w.org.Update("Contact", id, map[string]any{"Department": "D"})
	w.poll()
	w.expect("what Salesforce held last counts", 1)
}

// TestHeld: the item of a deleted record for which a person has to decide, or has decided, is not rung for with each
// reading. Once the decision is carried out, or the record is back, it is.
func TestHeld(t *testing.T) {
	t.Parallel()
	w := setup(t)
	held, dropped := w.link(1, m{"Email": "a@example.org"}), w.link(2, m{"Email": "b@example.org"})
	w.poll()
	w.org.Delete("Contact", held)
	w.org.Delete("Contact", dropped)
	w.poll()
	w.expect("deleted", 1, 2)
	w.exec("INSERT INTO deletions (item_id, board_id, archive, state) VALUES (1, $1, true, 'held'), (2, $1, true, 'dropped')", contacts)
	for range 2 {
		w.poll("5m")
		w.poll("all")
		w.expect("read again while it waits")
	}
	w.org.Undelete("Contact", held)
	w.org.Update("Contact", held, map[string]any{"Email": "back@example.org"})
	w.poll()
	w.expect("back with another value", 1)
}
