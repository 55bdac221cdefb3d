package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
	"crmsync/worker/simtest"
)

const people, companies int64 = 1002, 1001 // boards

// rules are a small mapping with one record of each kind: own, matched, shared, and one that links to another item's.
const rules = `
version: 1
boards:
  companies:
    board: 1001
    records:
      account:
        object: Account
        id_column: text_sfid
        on_delete: delete
        fields: { Name: name, Phone: { from: phone, as: phone } }
  people:
    board: 1002
    records:
      account:
        object: Account
        shared: true
        match: [Name]
        fields: { Name: company, Phone: phone }
      contact:
        object: Contact
        id_column: text_sfid
        match: [Email]
        on_delete: delete
        fields:
          FirstName: { from: name, as: first_name }
          LastName: { from: name, as: last_name }
          Email: email
          Title: { from: status, labels: { Boss: Head, Clerk: Staff } }
          AccountId: { from: connect_account, link: companies.account }
          Birthdate: { from: day, default: +1d }
`

func parse(t testing.TB, text string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// world is an engine between both simulators, on a database of the test's own.
type world struct {
	t          *testing.T
	db         *pgxpool.Pool
	store      *store.Store
	salesforce *sfsim.Sim
	monday     *mondaysim.Sim
	pages      *mondayclient.Client
	config     Config // of the engines

	jobs     atomic.Int64
	mu       sync.Mutex
	requeued []requeued
}

type requeued struct {
	Ref   ledger.Ref
	Force bool
}

func setup(t *testing.T) *world {
	t.Helper()
	systems := simtest.Start(t, mondaysim.Config{Boards: boards()})
	w := &world{
		t: t, db: schematest.New(t), salesforce: systems.Salesforce, monday: systems.Monday, pages: systems.MondayClient,
	}
	w.store = store.New(w.db)
	w.config = Config{
		Mapping: parse(t, rules), Store: w.store, Salesforce: systems.SalesforceClient, Monday: systems.MondayClient,
		BatchSize: 200, Concurrency: 4, Timeout: time.Minute,
		Requeue: w.requeue, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	return w
}

// boards are those of the mapping, for the simulator.
func boards() []mondaysim.Board {
	all := mondaysim.Example()
	for n := range all {
		if all[n].ID == people {
			all[n].Columns = append(all[n].Columns,
				mondaysim.Column{ID: "company", Title: "Company", Type: "text"},
				mondaysim.Column{ID: "day", Title: "Day", Type: "date"},
				mondaysim.Column{ID: "status", Title: "Status", Type: "status", Labels: []string{"Boss", "Clerk", "Ghost"}},
			)
		}
	}
	return all
}

func (w *world) requeue(_ context.Context, _ pgx.Tx, items []ledger.Ref, force bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, item := range items {
		w.requeued = append(w.requeued, requeued{item, force})
	}
	return nil
}

// queued returns the requested resyncs, oldest first.
func (w *world) queued() []requeued {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.requeued)
}

// engine starts another engine, as another worker would.
func (w *world) engine(change ...func(*Config)) *Engine {
	w.t.Helper()
	c := w.config
	c.Registerer = prometheus.NewRegistry()
	for _, f := range change {
		f(&c)
	}
	e := New(c)
	w.t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			w.t.Errorf("closing the engine: %v", err)
		}
	})
	return e
}

// event gives an event an id and the fields that every event has.
func (w *world) event(board, item int64, ev Event) Event {
	ev.JobID, ev.Attempt, ev.BoardID, ev.ItemID, ev.ReceivedAt = w.jobs.Add(1), 1, board, item, time.Now()
	if ev.Type == "" {
		ev.Type = fmt.Sprintf("kind %d", ev.Kind)
	}
	if ev.TriggeredAt.IsZero() {
		ev.TriggeredAt = time.Now()
	}
	return ev
}

// updated is a text column's new value, as of now.
func updated(column, value string) Event {
	raw, _ := json.Marshal(map[string]string{"value": value})
	return Event{Kind: Updated, ColumnID: column, ColumnType: "text", Value: raw, ChangedAt: float64(time.Now().UnixMicro()) / 1e6}
}

// later puts the change of a column out of the second in which Monday's item was changed last: Monday is not asked which
// of two values is later, and need not show the event's.
func later(ev Event) Event {
	ev.ChangedAt++
	return ev
}

// do processes events at once, and returns their outcomes and errors by position.
func (w *world) do(e *Engine, events ...Event) ([]Outcome, []error) {
	w.t.Helper()
	outcomes, errs := make([]Outcome, len(events)), make([]error, len(events))
	var wait sync.WaitGroup
	for n, ev := range events {
		wait.Go(func() { outcomes[n], errs[n] = e.Do(w.t.Context(), &ev) })
	}
	wait.Wait()
	return outcomes, errs
}

// batch processes events as one batch.
func (w *world) batch(e *Engine, events ...Event) []answer {
	all := make([]*Event, len(events))
	for n := range events {
		all[n] = &events[n]
	}
	return e.run(w.t.Context(), all)
}

// must processes events and expects no error.
func (w *world) must(e *Engine, events ...Event) []Outcome {
	w.t.Helper()
	outcomes, errs := w.do(e, events...)
	for n, err := range errs {
		if err != nil {
			w.t.Fatalf("event %d: %v", n, err)
		}
	}
	return outcomes
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	schematest.Exec(w.t, w.db, query, args...)
}

func ask[T any](w *world, query string, args ...any) T {
	w.t.Helper()
	return schematest.Ask[T](w.t, w.db, query, args...)
}

// contact returns the only Contact of the item.
func (w *world) contact(item int64) map[string]any {
	w.t.Helper()
	var found []map[string]any
	for _, record := range w.salesforce.Records("Contact") {
		if record["Monday_Item_Id__c"] == fmt.Sprint(item) {
			found = append(found, record)
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("item %d has %d contacts, want 1", item, len(found))
	}
	return found[0]
}

var testMapping = sync.OnceValue(func() *mapping.Mapping {
	m, err := mapping.Parse("test.yaml", []byte(rules))
	if err != nil {
		panic(err)
	}
	return m
})

// testBoard is the board of people.
func testBoard() *mapping.Board { return testMapping().Board(people) }
