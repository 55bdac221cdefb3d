package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/schema/queue"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
)

var (
	quiet      = slog.New(slog.DiscardHandler)
	errTrouble = errors.New("trouble")
)

// world is a store and a queue on a database of the test's own.
type world struct {
	*store.Store
	queue *queue.Queue
	t     *testing.T
	db    *pgxpool.Pool
}

func setup(t *testing.T) *world {
	t.Helper()
	db := schematest.New(t)
	return &world{store.New(db), queue.New(db, queue.Names{Events: "events", Migrations: "migrations", MigrateBoard: "migrate_board"}), t, db}
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	schematest.Exec(w.t, w.db, query, args...)
}

func (w *world) alerter(channels ...Channel) *Alerter {
	return New(Config{Store: w.Store, Queue: w.queue, Channels: channels, Registerer: prometheus.NewRegistry(), Log: quiet, Now: time.Now})
}

// oneChannel returns a world, its only channel, and an alerter with these pauses between messages about one cause.
func oneChannel(t *testing.T, pauses ...time.Duration) (*world, *inbox, *Alerter) {
	t.Helper()
	w, telegram := setup(t), &inbox{name: "telegram"}
	a := w.alerter(telegram)
	a.Pauses = pauses
	return w, telegram, a
}

// round runs a round of an alerter, after other changes have been committed.
func (w *world) round(a *Alerter) {
	w.t.Helper()
	settling := w.queue.SettleRetried(w.t.Context())
	_, assigning := w.AssignCauses(w.t.Context())
	_, closing := w.CloseCauses(w.t.Context())
	if err := errors.Join(settling, assigning, closing); err != nil {
		w.t.Fatal(err)
	}
	if err := a.Round(w.t.Context()); err != nil {
		w.t.Errorf("the round fails by %v", err)
	}
}

// rested makes the paused channels due again.
func (w *world) rested() {
	w.t.Helper()
	w.exec("UPDATE alert_channels SET failed_at = failing_since")
}

// dead discards n jobs.
func (w *world) dead(n int) {
	w.t.Helper()
	w.exec(`INSERT INTO river_job (state, kind, args, queue, attempt, max_attempts)
		SELECT 'running', 'item_rename', '{"type":"update_name","board_id":1001,"item_id":7}', 'events', 12, 12 FROM generate_series(1, $1)`, n)
	w.exec(`UPDATE river_job SET state = 'discarded', finalized_at = clock_timestamp() WHERE state = 'running'`)
}

func (w *world) count(query string) int {
	w.t.Helper()
	return schematest.Ask[int](w.t, w.db, query)
}

// allAlerted checks that every dead letter counts as alerted.
func (w *world) allAlerted() {
	w.t.Helper()
	if n := w.count("SELECT count(*) FROM dead_letters WHERE alerted_at IS NULL"); n != 0 {
		w.t.Errorf("%d dead letters do not count as alerted", n)
	}
}

// inbox is a channel that stores what it accepts, and rejects messages on demand.
type inbox struct {
	name string

	mu    sync.Mutex
	fails error
	calls int
	texts []string
}

func (m *inbox) Name() string { return m.name }

func (m *inbox) Send(_ context.Context, text string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.fails != nil {
		return m.fails
	}
	m.texts = append(m.texts, text)
	return nil
}

func (m *inbox) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fails = err
}

// take empties the inbox.
func (m *inbox) take() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	texts := m.texts
	m.texts = nil
	return texts
}

// expect empties the inbox, and checks what was in it.
func (m *inbox) expect(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, m.take(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("messages in %s (-want +got):\n%s", m.name, diff)
	}
}

// jobsIn returns the jobs in texts, each as often as it occurs.
func jobsIn(texts []string) (jobs []int) {
	for _, text := range texts {
		for line := range strings.Lines(text) {
			var job int
			if n, _ := fmt.Sscanf(line, "• job %d:", &job); n == 1 {
				jobs = append(jobs, job)
			}
		}
	}
	slices.Sort(jobs)
	return jobs
}

// without returns the texts without jobs.
func without(texts []string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return len(jobsIn([]string{text})) > 0 })
}

func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i+1)
	}
	return all
}
