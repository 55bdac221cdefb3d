package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/sfclient"
)

// watched is a Salesforce client that shows a test what is about to be sent.
type watched struct {
	Salesforce
	before func(object string, records []sfclient.Record)
}

func (s watched) Create(ctx context.Context, object string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	s.before(object, records)
	return s.Salesforce.Create(ctx, object, records, options)
}

func (s watched) Update(ctx context.Context, object string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	s.before(object, records)
	return s.Salesforce.Update(ctx, object, records, options)
}

func (s watched) Upsert(ctx context.Context, object, key string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	s.before(object, records)
	return s.Salesforce.Upsert(ctx, object, key, records, options)
}

// watch lets a function see what an engine sends.
func watch(before func(object string, records []sfclient.Record)) func(*Config) {
	return func(c *Config) { c.Salesforce = watched{c.Salesforce, before} }
}

// person adds an item and has it synced.
func (w *world) person(e *Engine, name string, values map[string]any) int64 {
	w.t.Helper()
	item := w.monday.CreateItem(people, name, values)
	w.must(e, w.event(people, item, Event{Kind: Created, Name: name}))
	return item
}

func email(address string) map[string]any { return map[string]any{"email": address, "text": address} }

func TestLeaseLost(t *testing.T) {
	t.Parallel()
	w := setup(t)
	thief := w.engine(watch(func(string, []sfclient.Record) {
		w.exec("UPDATE items SET lease_holder = gen_random_uuid(), lease_until = now() + interval '1 minute'")
	}))
	item := w.monday.CreateItem(people, "Ada King", nil)
	answers := w.batch(thief, w.event(people, item, Event{Kind: Created, Name: "Ada King"}))
	var busy *BusyError
	if !errors.As(answers[0].err, &busy) || answers[0].outcome != Failed {
		t.Errorf("answered %q, %v; want to come back", answers[0].outcome, answers[0].err)
	}
	if n := ask[int](w, "SELECT (SELECT count(*) FROM links) + (SELECT count(*) FROM sync_logs) + (SELECT count(*) FROM items WHERE known OR name <> '')"); n != 0 {
		t.Errorf("%d rows were saved of an item that another worker has", n)
	}
	if diff := cmp.Diff([]requeued{{ledger.Ref{BoardID: people, ItemID: item}, true}}, w.queued()); diff != "" {
		t.Errorf("comparisons that are queued (-want +got):\n%s", diff)
	}
}

// TestTakenOver: a worker died between Salesforce's answer and its commit, so it is unknown what it wrote.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	item := w.person(e, "Ada King", map[string]any{"status": map[string]any{"label": "Boss"}})
	w.salesforce.Update("Contact", w.contact(item)["Id"].(string), map[string]any{"LastName": "Ghost"})
	w.exec("UPDATE items SET lease_holder = gen_random_uuid(), lease_until = now() - interval '1 second'")
	w.must(e, w.event(people, item, Event{Kind: Renamed, Name: "Ada King"}))
	if got := w.contact(item)["LastName"]; got != "King" {
		t.Errorf("last name %v, as the dead worker left it", got)
	}
}

// TestDied: a worker died before it stored what it wrote. What the item has cleared since is cleared, and what a
// record held before it was adopted stays.
func TestDied(t *testing.T) {
	t.Parallel()
	const address = "ada@example.org"
	tests := map[string]struct {
		board  int64
		values map[string]any // in Monday
		left   map[string]any // in Salesforce
		keyed  bool           // the dead worker created or adopted the record; else it is adopted now
		later  bool           // it died during a later change
		young  bool           // the record is younger than the item: the dead worker created it
		want   map[string]any
	}{
		"created": {
			board: companies, left: map[string]any{"Name": "Acme", "Phone": "1"}, keyed: true, want: map[string]any{"Phone": nil},
		},
		"adopted or created": {
			board: people, values: map[string]any{"email": email(address)}, keyed: true,
			left: map[string]any{"LastName": "King", "Email": address, "Title": "Head"}, want: map[string]any{"Email": address, "Title": "Head"},
		},
		"adopted or created, and the match emptied": {
			board: people, keyed: true,
			left: map[string]any{"LastName": "King", "Email": address, "Title": "Head"}, want: map[string]any{"Email": nil, "Title": "Head"},
		},
		"created, not adopted": {
			board: people, values: map[string]any{"email": email(address)}, keyed: true, young: true,
			left: map[string]any{"LastName": "King", "Email": address, "Title": "Head"}, want: map[string]any{"Email": address, "Title": nil},
		},
		"later, adopted": {
			board: people, values: map[string]any{"email": email(address)}, later: true,
			left: map[string]any{"LastName": "King", "Email": address, "Title": "Head"}, want: map[string]any{"Email": address, "Title": "Head"},
		},
	}
	for name, tt := range tests {
		for _, leased := range []bool{false, true} {
			if tt.young && !leased {
				continue // if no worker died, the record is somebody else's
			}
			t.Run(fmt.Sprintf("%s, leased %v", name, leased), func(t *testing.T) {
				t.Parallel()
				w := setup(t)
				e := w.engine()
				item := w.monday.CreateItem(tt.board, "Ada King", tt.values)
				object := map[int64]string{people: "Contact", companies: "Account"}[tt.board]
				left := maps.Clone(tt.left)
				if tt.keyed {
					left["Monday_Item_Id__c"] = fmt.Sprint(item)
				}
				w.salesforce.Insert(object, left)
				if leased && tt.keyed { // the dead worker's lease on the item has not expired
					seen := time.Now()
					if !tt.young {
						seen = seen.Add(time.Second)
					}
					w.exec("INSERT INTO items (item_id, board_id, lease_holder, lease_until, seen_at) VALUES ($1, $2, gen_random_uuid(), '-infinity', $3)", item, tt.board, seen)
				}
				w.must(e, w.event(tt.board, item, Event{Kind: Created, Name: "Ada King"}))
				if tt.later {
					w.exec("UPDATE items SET lease_holder = gen_random_uuid(), lease_until = '-infinity'")
					w.must(e, w.event(tt.board, item, Event{Kind: Renamed, Name: "Ada Byron"}))
				}
				records := w.salesforce.Records(object)
				got := map[string]any{}
				for field := range tt.want {
					got[field] = records[0][field]
				}
				if diff := cmp.Diff(tt.want, got); diff != "" || len(records) != 1 {
					t.Errorf("%d records; the first has (-want +got):\n%s", len(records), diff)
				}
			})
		}
	}
}

func TestTwoEngines(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.salesforce.SetLatency(2 * time.Millisecond)
	engines := []*Engine{w.engine(), w.engine(), w.engine()}
	var items []int64
	for n := range 4 {
		items = append(items, w.person(engines[0], fmt.Sprintf("Ada %d", n), nil))
	}
	var newest sync.Map
	var wait sync.WaitGroup
	for n := range 120 {
		item := items[n%len(items)]
		ev := w.event(people, item, updated("company", ""))
		ev.Kind, ev.Name, ev.TriggeredAt = Renamed, fmt.Sprintf("Ada %d", n), time.Now().Add(time.Duration(n)*time.Millisecond)
		newest.Store(item, fmt.Sprint(n))
		wait.Go(func() { w.until(engines[n%len(engines)], ev) })
	}
	wait.Wait()
	if n := w.salesforce.InFlightViolations(); n != 0 {
		t.Errorf("a record was written by two at once %d times", n)
	}
	for _, item := range items {
		if want, _ := newest.Load(item); w.contact(item)["LastName"] != want {
			t.Errorf("last name %v, want %v", w.contact(item)["LastName"], want)
		}
	}
}

// until processes an event, as often as it is asked to come back.
func (w *world) until(e *Engine, ev Event) {
	w.t.Helper()
	for {
		_, err := e.Do(w.t.Context(), &ev)
		if err == nil {
			return
		}
		if !waits(err) {
			w.t.Errorf("event %d: %v", ev.JobID, err)
			return
		}
		<-time.After(5 * time.Millisecond) // earlier than a worker would
	}
}

// TestRejectedByPostgres: Postgres does not accept a value in a batch with others.
func TestRejectedByPostgres(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	var events []Event
	for n := range 5 {
		item := w.person(e, fmt.Sprintf("Ada %d", n), nil)
		events = append(events, w.event(people, item, Event{Kind: Renamed, Name: fmt.Sprintf("Bob %d", n)}))
	}
	events[0].Name += "\x00"
	unmapped := w.event(77, 1, Event{Kind: Created})
	held := w.event(people, 88, Event{Kind: Created})
	w.exec("INSERT INTO items (item_id, board_id, lease_holder, lease_until) VALUES (88, $1, gen_random_uuid(), now() + interval '1 hour')", people)
	answers := w.batch(e, append(events, unmapped, held)...)
	var got []string
	for _, a := range answers {
		got = append(got, fmt.Sprintf("%s, waits %v, permanent %v", a.outcome, waits(a.err), permanent(a.err)))
	}
	done, failed := "success, waits false, permanent false", "failed, waits false, permanent false"
	want := []string{failed, done, done, done, done, "skipped, waits false, permanent false", "failed, waits true, permanent false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if n := ask[int](w, "SELECT count(*) FROM sync_logs"); n != 10 {
		t.Errorf("%d events have their end logged, want 10", n)
	}
	if n := ask[int](w, "SELECT count(*) FROM leases"); n != 0 {
		t.Errorf("%d leases are left", n)
	}
	if n := ask[int](w, "SELECT count(*) FROM items WHERE item_id <> 88 AND lease_until > now()"); n != 0 {
		t.Errorf("%d items are left leased", n)
	}
}

// TestAbandonsWhatPostgresRefuses: the leases of what cannot be saved are released, so that the next attempt need not
// wait, unless a call may still be writing the item.
func TestAbandonsWhatPostgresRefuses(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]bool{"answered": false, "interrupted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			e := w.engine()
			item := w.person(e, "Ada King", nil)
			event := w.event(people, item, Event{Kind: Renamed, Name: "Bob King"})
			p := e.newPass([]*Event{&event})
			if err := p.claim(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := p.lease(t.Context(), []string{"key"}); err != nil {
				t.Fatal(err)
			}
			p.works[0].item.Name, p.works[0].changed, p.works[0].held = "\x00", true, held
			p.commit(t.Context())
			if p.tasks[0].err == nil {
				t.Fatal("Postgres took the value")
			}
			want := 0
			if held {
				want = 2
			}
			leased := ask[int](w, `SELECT (SELECT count(*) FROM items WHERE lease_until > now()) + (SELECT count(*) FROM leases)`)
			if leased != want {
				t.Errorf("%d leases are left, want %d", leased, want)
			}
			if held {
				return
			}
			w.salesforce.Update("Contact", w.contact(item)["Id"].(string), map[string]any{"LastName": "Ghost"})
			w.must(e, event)
			if got := w.contact(item); got["FirstName"] != "Bob" || got["LastName"] != "King" {
				t.Errorf("the next attempt left %v %v: it has not read everything again", got["FirstName"], got["LastName"])
			}
		})
	}
}

// TestPanic: an item triggers a bug.
func TestPanic(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine(watch(func(_ string, records []sfclient.Record) {
		for _, record := range records {
			if record["LastName"] == "Bomb" {
				panic("Ada's secret")
			}
		}
	}))
	var events []Event
	for _, last := range []string{"King", "Byron", "Bomb", "Noel"} {
		item := w.monday.CreateItem(people, "Ada "+last, nil)
		events = append(events, w.event(people, item, Event{Kind: Created, Name: "Ada " + last}))
	}
	done := make([][]Outcome, len(events))
	for n := range events {
		events[n].Done = func(outcome Outcome) { done[n] = append(done[n], outcome) }
	}
	answers := w.batch(e, events...)
	for n, want := range []Outcome{Success, Success, Failed, Success} {
		if answers[n].outcome != want {
			t.Errorf("event %d: %q, %v; want %q", n, answers[n].outcome, answers[n].err, want)
		}
	}
	if diff := cmp.Diff([][]Outcome{{Success}, {Success}, nil, {Success}}, done); diff != "" {
		t.Errorf("calls of Done, want (-), got (+):\n%s", diff)
	}
	if text := fmt.Sprint(answers[2].err); text != "panic: string" {
		t.Errorf("error %q", text)
	}
	if n := ask[int](w, "SELECT count(*) FROM items WHERE lease_until > now()"); n != 0 {
		t.Errorf("%d items are still leased", n)
	}
}

// partial is a Monday client for which the call about one item of several fails.
type partial struct {
	Monday
	read, written int64 // the item that cannot be read, and the one that cannot be written; 0: none
}

func (m *partial) Items(ctx context.Context, ids []int64, columns []string) ([]mondayclient.Item, error) {
	items, err := m.Monday.Items(ctx, ids, columns)
	if n := slices.IndexFunc(items, func(item mondayclient.Item) bool { return item.ID == m.read }); n >= 0 {
		return slices.Delete(items, n, n+1), errors.New("trouble")
	}
	return items, err
}

func (m *partial) Write(ctx context.Context, writes []mondayclient.Write) ([]error, error) {
	fates, err := m.Monday.Write(ctx, writes)
	if n := slices.IndexFunc(writes, func(one mondayclient.Write) bool { return one.ItemID == m.written }); n >= 0 {
		fates[n] = errors.New("trouble")
	}
	return fates, err
}

func TestPartialMonday(t *testing.T) {
	t.Parallel()
	w := setup(t)
	monday := &partial{Monday: w.config.Monday}
	e := w.engine(func(c *Config) { c.Monday = monday })
	var events []Event
	for _, name := range []string{"Ada King", "Ada Byron", "Ada Noel"} {
		events = append(events, w.event(people, w.monday.CreateItem(people, name, nil), Event{Kind: Created, Name: name}))
	}
	monday.read, monday.written = events[0].ItemID, events[1].ItemID
	for n, a := range w.batch(e, events...) {
		if failed := a.err != nil; failed != (n < 2) || permanent(a.err) {
			t.Errorf("event %d: %v", n, a.err)
		}
	}
	if n := len(w.salesforce.Records("Contact")); n != 2 {
		t.Errorf("%d contacts, want 2: an item that was not read must not be written", n)
	}
	monday.read, monday.written = 0, 0
	w.must(e, events[0], events[1])
	for _, ev := range events {
		shown, _ := w.monday.Item(ev.ItemID)
		if want := w.contact(ev.ItemID)["Id"]; shown.Text["text_sfid"] != want {
			t.Errorf("the item shows %q, want %v", shown.Text["text_sfid"], want)
		}
	}
}

// TestPostgresAway: Postgres stops answering during a batch.
func TestPostgresAway(t *testing.T) {
	t.Parallel()
	w := setup(t)
	event := w.event(people, 7, Event{Kind: Resync})
	p := w.engine().newPass([]*Event{&event})
	if err := p.claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.works[0].item.SetColumn("text_sfid", ledger.Column{Value: text(contactID), At: 1})
	p.works[0].look()
	blocking, err := w.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer blocking.Rollback(context.WithoutCancel(t.Context()))
	if _, err := blocking.Exec(t.Context(), "LOCK TABLE links"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // it waits for the lock until then
	defer cancel()
	p.lookUp(ctx)
	if !waits(p.works[0].err) {
		t.Errorf("the item's error is %v, want one that waits", p.works[0].err)
	}
}

// TestBusyItem: another worker holds an item for a moment. The event waits in the process, and is processed as soon as
// possible.
func TestBusyItem(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	item := w.monday.CreateItem(people, "Ada King", nil)
	other := uuid.New()
	ref := ledger.Ref{BoardID: people, ItemID: item}
	if _, err := w.store.Claim(t.Context(), other, []ledger.Ref{ref}, time.Minute); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		event := w.event(people, item, Event{Kind: Created, Name: "Ada King"})
		_, err := e.Do(t.Context(), &event)
		done <- err
	}()
	if err := w.store.Release(t.Context(), other, []int64{item}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the event ended with %v, want it to have waited", err)
	}
	w.contact(item)
}

// TestBusyItemAtShutdown: an event that waits for another worker's item is released when the engine closes.
func TestBusyItemAtShutdown(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := New(func() Config { c := w.config; c.Registerer = prometheus.NewRegistry(); return c }())
	item := w.monday.CreateItem(people, "Ada King", nil)
	if _, err := w.store.Claim(t.Context(), uuid.New(), []ledger.Ref{{BoardID: people, ItemID: item}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		event := w.event(people, item, Event{Kind: Resync})
		_, err := e.Do(t.Context(), &event)
		done <- err
	}()
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !waits(err) {
		t.Errorf("the event ended with %v, want it to come back", err)
	}
}
