package worker

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	mondaysim "crmsync/internal/sim/monday"
	"crmsync/schema/mapping"
	"crmsync/schema/schematest"
	"crmsync/worker/simtest"
)

// TestCompleteIsShort runs a worker, and looks at the statements by which its River client completes jobs: they are the
// driver's, not River's.
func TestCompleteIsShort(t *testing.T) {
	t.Parallel()
	w := setup(t)
	config := w.db.Config()
	seen := &statements{}
	config.ConnConfig.Tracer = seen
	traced := schematest.Must[*pgxpool.Pool](t)(pgxpool.NewWithConfig(t.Context(), config))
	t.Cleanup(traced.Close)
	systems := simtest.Start(t, mondaysim.Config{})
	p, err := New(Config{
		Mapping: &mapping.Mapping{}, DB: w.db, QueueDB: traced,
		Salesforce: systems.SalesforceClient, Monday: systems.MondayClient,
		MaxAttempts: 12, RetryBase: time.Second, RetryMax: time.Minute, JobTimeout: time.Minute, RescueAfter: 2 * time.Minute,
		AlertInterval: time.Minute, LogRetention: time.Hour, BatchSize: 200, BatchConcurrency: 1, MaxWorkers: 10,
		ShutdownGrace: time.Minute, FeedOff: true, Registerer: prometheus.NewRegistry(), Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`INSERT INTO river_job (kind, args, queue, max_attempts)
		SELECT 'item_rename', jsonb_build_object('type', 'update_name', 'board_id', 1, 'item_id', n), 'events', 12 FROM generate_series(1, 20) AS n`)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.until("jobs are completed", "SELECT count(*) = 20 FROM river_job WHERE state = 'completed'")
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if n := seen.count("SET state = 'completed'"); n == 0 {
		t.Error("the driver's statement completed nothing")
	}
	if n := seen.count("JobSetStateIfRunningMany"); n > 0 {
		t.Errorf("River's statement ended jobs, %d times", n)
	}
}

// statements keeps the statements of a pool.
type statements struct {
	mu   sync.Mutex
	seen []string
}

// TraceQueryStart implements pgx.QueryTracer.
func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, data.SQL)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// count returns how many statements contain a text.
func (s *statements) count(text string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, query := range s.seen {
		if strings.Contains(query, text) {
			n++
		}
	}
	return n
}
