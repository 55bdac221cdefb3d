package sweep_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
	"crmsync/worker/engine"
	"crmsync/worker/simtest"
	"crmsync/worker/sweep"
)

const people int64 = 1002

const rules = `
version: 1
boards:
  people:
    board: 1002
    records:
      contact:
        object: Contact
        on_delete: delete
        fields: { LastName: name, Email: email }
`

// world is a sweeper between both simulators, on a database of the test's own.
type world struct {
	*sweep.Sweeper
	t          *testing.T
	db         *pgxpool.Pool
	board      *mapping.Board
	salesforce *sfsim.Sim
	monday     *mondaysim.Sim

	mu     sync.Mutex
	queued []any
	later  time.Duration // by which Monday's clock is ahead
}

func setup(t *testing.T) *world {
	t.Helper()
	m, err := mapping.Parse("test.yaml", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: schematest.New(t), board: m.Board(people)}
	systems := simtest.Start(t, mondaysim.Config{Boards: mondaysim.Example(), Now: func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return time.Now().Add(w.later)
	}})
	w.monday, w.salesforce = systems.Monday, systems.Salesforce
	kept := store.New(w.db)
	e := engine.New(engine.Config{
		Mapping: m, Store: kept, Salesforce: systems.SalesforceClient, Monday: systems.MondayClient,
		BatchSize: 200, Concurrency: 1, Timeout: time.Minute,
		Requeue:    func(context.Context, pgx.Tx, []ledger.Ref, bool) error { return nil },
		Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Errorf("closing the engine: %v", err)
		}
	})
	w.Sweeper = sweep.New(sweep.Config{
		Mapping: m, Store: kept, Engine: e, Monday: systems.MondayClient, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Timeout: time.Minute,
		Queue: func(_ context.Context, _ pgx.Tx, args []any) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.queued = append(w.queued, args...)
			return nil
		},
	})
	return w
}

// ahead moves Monday's clock.
func (w *world) ahead(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.later += d
}

// jobs returns what was queued.
func (w *world) jobs() []any {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.queued
}

// add adds a sweep of the board.
func (w *world) add(kind string, options store.SweepOptions) int64 {
	w.t.Helper()
	return w.begin(store.Sweep{BoardID: people, Board: "people", Kind: kind, Options: options, Mapped: w.board.Made()})
}

func (w *world) begin(s store.Sweep) int64 {
	w.t.Helper()
	id, err := w.Store.AddSweep(w.t.Context(), s, func(context.Context, pgx.Tx, store.Sweep) error { return nil })
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// page continues a sweep for one page.
func (w *world) page(id int64) (done bool, err error) {
	return w.Work(w.t.Context(), id, store.JobEnd{ID: id, Kind: "sweep_board", Attempt: 1, CreatedAt: time.Now()}, time.Time{})
}

// run continues a sweep to its end, and returns the sweep.
func (w *world) run(id int64) store.Sweep {
	w.t.Helper()
	for {
		done, err := w.page(id)
		if err != nil {
			w.t.Fatal(err)
		}
		if done {
			return w.sweep(id)
		}
	}
}

func (w *world) sweep(id int64) store.Sweep {
	w.t.Helper()
	found, err := w.Store.Sweeps(w.t.Context(), []int64{id})
	if err != nil || len(found) != 1 {
		w.t.Fatalf("sweep %d: %v, %v", id, found, err)
	}
	return found[0]
}

// create creates items.
func (w *world) create(n int) (items []int64) {
	for i := range n {
		items = append(items, w.monday.CreateItem(people, fmt.Sprint("Person ", i), nil))
	}
	return items
}

// contacts returns the records by item id.
func (w *world) contacts() map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, record := range w.salesforce.Records("Contact") {
		key, _ := record[sfsim.KeyField].(string)
		if all[key] != nil {
			w.t.Errorf("item %s has two records", key)
		}
		all[key] = record
	}
	return all
}

// calls counts the calls to Salesforce and Monday since the function was called.
func (w *world) calls() func() [2]int {
	before := [2]int{w.salesforce.TotalCalls(), w.monday.TotalCalls()}
	return func() [2]int { return [2]int{w.salesforce.TotalCalls() - before[0], w.monday.TotalCalls() - before[1]} }
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	schematest.Exec(w.t, w.db, query, args...)
}
