package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/store"
)

// TestLastRuns: for each board the last import and the last comparison count, but neither a running one nor a
// comparison of some items.
func TestLastRuns(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`INSERT INTO migration_runs (job_id, board_id, board, state, finished_at) VALUES
		(1, 1001, 'accounts', 'failed', '2026-01-01T00:00:00Z'), (2, 1001, 'accounts', 'done', '2026-01-02T00:00:00Z'),
		(3, 1001, 'accounts', 'running', NULL)`)
	w.exec(`INSERT INTO sweeps (board_id, board, kind, options, state, finished_at) VALUES
		(1001, 'accounts', 'reconcile', '{}', 'done', '2026-01-03T00:00:00Z'), (1001, 'accounts', 'apply', '{}', 'failed', '2026-01-04T00:00:00Z'),
		(1001, 'accounts', 'apply', '{"items": [1]}', 'done', '2026-01-05T00:00:00Z'), (1002, 'contacts', 'reconcile', '{}', 'running', NULL)`)
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	want := []store.LastRun{
		{Run: "comparison", Board: "accounts", FinishedAt: day(4), Succeeded: false},
		{Run: "import", Board: "accounts", FinishedAt: day(2), Succeeded: true},
	}
	if diff := cmp.Diff(want, must[[]store.LastRun](t)(w.LastRuns(t.Context()))); diff != "" {
		t.Errorf("last runs (-want +got):\n%s", diff)
	}
}

// TestEndsSince: events are counted by how they ended, comparisons of boards are not.
func TestEndsSince(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`INSERT INTO sync_logs (job_id, event, status, attempt, received_at) VALUES
		(1, 'create_pulse', 'success', 1, now()), (2, 'update_name', 'unchanged', 1, now()), (3, 'update_name', 'failed', 1, now()),
		(4, 'sweep_board', 'success', 1, now() - interval '1 hour'), (5, 'reconcile', 'success', 1, now()), (6, 'sweep_board', 'failed', 1, now())`)
	got := must[store.Ends](t)(w.EndsSince(t.Context(), time.Now().Add(-time.Hour)))
	want := store.Ends{Success: 1, Unchanged: 1, Failed: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ends (-want +got):\n%s", diff)
	}
	week := must[store.Week](t)(w.Week(t.Context(), time.Now().Add(time.Minute)))
	if week.Changes != 1 || week.Failed != 1 {
		t.Errorf("the week has %d changes and %d failures, want 1 and 1", week.Changes, week.Failed)
	}
}
