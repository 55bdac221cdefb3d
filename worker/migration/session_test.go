package migration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/internal/panics"
	"crmsync/internal/retry"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine"
	"crmsync/worker/reserve"
	"crmsync/worker/simtest"
)

// world is a migrator between both simulators, with a database of the test's own.
type world struct {
	t          *testing.T
	db         *pgxpool.Pool
	salesforce *sfsim.Sim
	monday     *mondaysim.Sim
	config     Config
	log        *logBuffer
}

// logBuffer collects the log of several goroutines.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func setup(t *testing.T, change ...func(*mondaysim.Config)) *world {
	t.Helper()
	mc := mondaysim.Config{Boards: mondaysim.Example()}
	for _, f := range change {
		f(&mc)
	}
	y := simtest.Start(t, mc)
	w := &world{t: t, db: schematest.New(t), salesforce: y.Salesforce, monday: y.Monday, log: &logBuffer{}}
	w.config = Config{
		Store: store.New(w.db), Salesforce: y.SalesforceClient, Monday: y.MondayClient,
		Session: time.Hour, Timeout: time.Minute, // a slow machine is not a fault
		Requeue:   func(context.Context, pgx.Tx, []ledger.Ref) error { return nil },
		Migrating: func(context.Context, []int64) (bool, error) { return false, nil },
		Complete:  func(context.Context, pgx.Tx, int64) error { return nil },
		Log:       slog.New(slog.NewTextHandler(w.log, nil)), Now: time.Now,
	}
	w.use(twoBoards)
	return w
}

// use puts a mapping in force.
func (w *world) use(text string) {
	w.t.Helper()
	c := &w.config
	c.Mapping = parse(w.t, text)
	c.Engine = engine.New(engine.Config{
		Mapping: c.Mapping, Store: c.Store, Salesforce: c.Salesforce.(*sfclient.Client), Monday: c.Monday.(*mondayclient.Client),
		BatchSize: 200, Concurrency: 1, Timeout: time.Minute,
		Requeue:    func(context.Context, pgx.Tx, []ledger.Ref, bool) error { return nil },
		Registerer: prometheus.NewRegistry(), Log: c.Log, Now: time.Now,
	})
}

func (w *world) plant(n int) {
	for i := range n {
		w.salesforce.Insert("Account", map[string]any{"Name": fmt.Sprint("Company ", i), "Phone": "+12125550100"})
	}
}

// work works on the accounts for one session, as the job with this id.
func (w *world) work(job int64) (done bool, err error) { return w.workOn(accountsBoard, job) }

func (w *world) workOn(board, job int64) (done bool, err error) {
	w.t.Helper()
	return New(w.config).Work(w.t.Context(), Job{ID: job, Attempt: 1, Kind: "migrate_board", BoardID: board})
}

func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	return schematest.Ask[int](w.t, w.db, query, args...)
}

// panicking is a Monday whose client panics on demand.
type panicking struct {
	Monday
	panics func(call string) bool
}

func (c panicking) check(call string) {
	if c.panics(call) {
		panic("Jane Doe")
	}
}

func (c panicking) ItemsBy(ctx context.Context, board int64, columnID string, texts []string) ([]mondayclient.Item, error) {
	c.check("search")
	return c.Monday.ItemsBy(ctx, board, columnID, texts)
}

func (c panicking) Create(ctx context.Context, creates []mondayclient.Create, key string) ([]mondayclient.Created, error) {
	c.check("create")
	return c.Monday.Create(ctx, creates, key)
}

// panickingEngine is an engine whose comparisons panic on demand.
type panickingEngine struct {
	Comparer
	panicking
}

func (c panickingEngine) Compare(ctx context.Context, page engine.Page) ([]engine.Found, engine.Cost, error) {
	c.check("compare")
	return c.Comparer.Compare(ctx, page)
}

func (c panicking) Budget() mondayclient.Budget {
	c.check("budget")
	return c.Monday.Budget()
}

// TestPanic: a panic in any of the session's goroutines is an error of the session, which then holds no leases. It is
// not a success either, whatever was done before: it would occur again forever.
func TestPanic(t *testing.T) {
	t.Parallel()
	for call, at := range map[string]int64{"search": 1, "create": 2, "compare": 2, "budget": 2} { // the call that panics
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			records := 120
			if call == "compare" {
				records = 2*compareSize + 10
			}
			w.plant(records)
			if call == "compare" {
				w.adopt(2 * compareSize)
			}
			monday := w.config.Monday
			var calls atomic.Int64
			broken := panicking{monday, func(name string) bool { return name == call && calls.Add(1) == at }}
			comparer := w.config.Engine
			w.config.Monday, w.config.Engine = broken, panickingEngine{comparer, broken}
			w.config.Reserve = &reserve.Reserve{Usage: func() (int, int) { return 0, 0 }, Budget: w.config.Monday.Budget, Now: time.Now}
			done, err := w.work(1)
			if panicked, ok := errors.AsType[*panics.Error](err); !ok || panicked.Value != "Jane Doe" || done {
				t.Fatalf("done %t, error %v, want the panic", done, err)
			}
			if strings.Contains(err.Error(), "Jane") {
				t.Errorf("error %q", err)
			}
			if n := w.count("SELECT count(*) FROM items WHERE lease_until > now()") + w.count("SELECT count(*) FROM leases"); n != 0 {
				t.Errorf("%d leases are still held", n)
			}
			w.config.Monday, w.config.Engine = monday, comparer
			if done, err := w.work(1); err != nil || !done {
				t.Fatalf("the next session: done %t, error %v", done, err)
			}
			if n := len(w.monday.Items(accountsBoard)); n != records {
				t.Errorf("%d items of %d records", n, records)
			}
		})
	}
}

// adopt creates items that show the first records, and lack their phone.
func (w *world) adopt(n int) {
	for _, record := range w.salesforce.Records("Account")[:n] {
		w.monday.CreateItem(accountsBoard, record["Name"].(string), map[string]any{"text_sfid": record["Id"]})
	}
}

// TestAwaitBudget: when little is left of Monday's budget of a minute, it is reserved for live events. An unknown
// budget is not little.
func TestAwaitBudget(t *testing.T) {
	t.Parallel()
	soon := time.Now().Add(time.Hour)
	stored := store.New(schematest.New(t))
	tests := map[string]struct {
		left  mondayclient.Budget
		waits bool
	}{
		"unknown":           {mondayclient.Budget{}, false},
		"calls alone":       {mondayclient.Budget{Calls: 50, CallsLimit: 100, Resets: soon}, false},
		"plenty":            {mondayclient.Budget{Complexity: 20, ComplexityLimit: 100, Calls: 20, CallsLimit: 100, Resets: soon}, false},
		"little complexity": {mondayclient.Budget{Complexity: 19, ComplexityLimit: 100, Calls: 99, CallsLimit: 100, Resets: soon}, true},
		"few calls":         {mondayclient.Budget{Complexity: 99, ComplexityLimit: 100, Calls: 19, CallsLimit: 100, Resets: soon}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &logBuffer{}
			left := &reserve.Reserve{Budget: func() mondayclient.Budget { return tt.left }, Monday: 20, Now: time.Now}
			config := &Config{Store: stored, Reserve: left, Log: slog.New(slog.NewTextHandler(log, nil))}
			s := &session{config: config, deadline: time.Now().Add(time.Minute)}
			err := s.awaitBudget(t.Context())
			short, waits := errors.AsType[*reserve.HoldError](err)
			if waits != tt.waits {
				t.Fatalf("awaitBudget() = %v, want it to wait: %t", err, tt.waits)
			}
			if waits && (retry.After(short) < 30*time.Minute || retry.After(short) > 61*time.Minute) {
				t.Errorf("to come back in %s, want about an hour", retry.After(short))
			}
			if got := strings.Contains(log.String(), `level=INFO msg="migration waiting"`); got != tt.waits {
				t.Errorf("log %q, want the reason for waiting: %t", log, tt.waits)
			}
		})
	}
}

// TestRepeat: a call is repeated while its error is transient and the session lasts.
func TestRepeat(t *testing.T) {
	t.Parallel()
	passing := errors.New("odd answer")
	tests := map[string]struct {
		errs   []error // of the calls, one after the other
		calls  int
		failed error
	}{
		"at once":      {calls: 1},
		"passes":       {errs: []error{passing, passing}, calls: 3},
		"for good":     {errs: []error{noGroup()}, calls: 1, failed: noGroup()},
		"stopped here": {errs: []error{context.Canceled}, calls: 1, failed: context.Canceled},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			got, err := repeat(t.Context(), &session{deadline: time.Now().Add(time.Minute)}, "asking", func() (int, error) {
				if calls++; calls <= len(tt.errs) {
					return 0, tt.errs[calls-1]
				}
				return 7, nil
			})
			if calls != tt.calls || (err == nil) != (tt.failed == nil) || err == nil && got != 7 {
				t.Errorf("%d calls, answer %d, %v; want %d calls, error %v", calls, got, err, tt.calls, tt.failed)
			}
		})
	}
	s := &session{deadline: time.Now().Add(100 * time.Millisecond)}
	if _, err := repeat(t.Context(), s, "asking", func() (int, error) { return 0, passing }); !errors.Is(err, passing) {
		t.Errorf("at the session's end: %v, want the call's error", err)
	}
}

// TestMayResume: after a session that made progress, the next one continues, unless the error would occur again.
func TestMayResume(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"odd answer": {errors.New("odd answer"), true},
		"overtaken":  {store.ErrOvertaken, true},
		"a wait":     {&reserve.HoldError{System: "Monday", Wait: time.Minute}, false},
		"whole page": {&PageError{Records: 2, Cause: noGroup()}, false},
		"panic":      {fmt.Errorf("asking: %w", &panics.Error{Value: "x"}), false},
	} {
		if got := mayResume(tt.err); got != tt.want {
			t.Errorf("%s: mayResume(%v) = %t, want %t", name, tt.err, got, tt.want)
		}
	}
}

// TestQueryBreaksOff: a query that breaks off is repeated from its last record, and each record is read once.
func TestQueryBreaksOff(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.plant(30)
	w.config.Salesforce = &breaking{Salesforce: w.config.Salesforce, after: []int{7, 20}}
	if done, err := w.work(1); err != nil || !done {
		t.Fatalf("done %t, error %v", done, err)
	}
	if n := w.count("SELECT count(*) FROM migration_runs WHERE state = 'done' AND (read, created, failed) = (30, 30, 0)"); n != 1 {
		t.Error("the run has not read each record once")
	}
	if n := len(w.monday.Items(accountsBoard)); n != 30 {
		t.Errorf("%d items of 30 records", n)
	}
}

// breaking is a Salesforce whose queries break off after a number of records each.
type breaking struct {
	Salesforce
	after []int
}

func (b *breaking) Query(ctx context.Context, soql string) iter.Seq2[sfclient.Record, error] {
	return func(yield func(sfclient.Record, error) bool) {
		n := 0
		for record, err := range b.Salesforce.Query(ctx, soql) {
			if len(b.after) > 0 && n == b.after[0] {
				b.after = b.after[1:]
				yield(nil, errors.New("connection lost"))
				return
			}
			if n++; !yield(record, err) {
				return
			}
		}
	}
}
