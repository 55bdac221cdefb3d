package queue_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"crmsync/schema/store"
)

// running starts a run of a job that was fetched a while ago, under the board's lock, and returns it with its job.
func (w *world) running(holder uuid.UUID) (run *store.Run, job int64, unlock func()) {
	w.t.Helper()
	job = w.job("running", "migrate_board", `{"board_id": 1001}`)
	w.exec("UPDATE river_job SET attempted_at = now() - interval '10 seconds' WHERE id = $1", job)
	unlock, ok, err := w.store.LockMigration(w.t.Context(), 1001)
	if err != nil || !ok {
		w.t.Fatalf("locked: %v, %v", ok, err)
	}
	return must[*store.Run](w.t)(w.store.StartRun(w.t.Context(), job, 1001, "accounts", holder)), job, unlock
}

// TestTend: only the job of a run whose process is gone is put back. The queue itself ends the job of a run that ended
// its slice.
func TestTend(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		gone, rested bool
		revived      int64
	}{
		"at work":                                {},
		"killed":                                 {gone: true, revived: 1},
		"its slice is over, its process is gone": {gone: true, rested: true},
		"its slice is over, its process is running": {rested: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			holder := uuid.New()
			run, job, unlock := w.running(holder)
			if tt.rested {
				if err := w.store.RestRun(t.Context(), run.ID, holder); err != nil {
					t.Fatal(err)
				}
			}
			if tt.gone {
				unlock()
			} else {
				defer unlock()
			}
			if got := must[int64](t)(w.TendMigrations(t.Context())); got != tt.revived {
				t.Errorf("%d jobs were put back, want %d", got, tt.revived)
			}
			if state := ask[string](w, "SELECT state::text FROM river_job WHERE id = $1", job); (state == "available") != (tt.revived == 1) {
				t.Errorf("the job is %s", state)
			}
		})
	}
}

// TestTendUnbegun: a process may be killed before its run began.
func TestTendUnbegun(t *testing.T) {
	t.Parallel()
	w := setup(t)
	old, young := w.job("running", "migrate_board", `{"board_id": 1001}`), w.job("running", "migrate_board", `{"board_id": 1002}`)
	w.exec("UPDATE river_job SET attempted_at = now() - CASE WHEN id = $1 THEN interval '20 seconds' ELSE interval '5 seconds' END", old)
	if got := must[int64](t)(w.TendMigrations(t.Context())); got != 1 {
		t.Errorf("%d jobs were put back, want 1", got)
	}
	if state := ask[string](w, "SELECT state::text FROM river_job WHERE id = $1", young); state != "running" {
		t.Errorf("the younger one is %s", state)
	}
}

// TestFinishRun: a run and its job end at once.
func TestFinishRun(t *testing.T) {
	t.Parallel()
	w := setup(t)
	holder := uuid.New()
	run, job, unlock := w.running(holder)
	defer unlock()
	if err := w.store.FinishRun(t.Context(), run.ID, holder, store.Log{Event: "migrate_board", Attempt: 1}, w.Complete); err != nil {
		t.Fatal(err)
	}
	if state := ask[string](w, "SELECT state::text FROM river_job WHERE id = $1", job); state != "completed" {
		t.Errorf("the job is %s", state)
	}
	if state := ask[string](w, "SELECT state FROM migration_runs WHERE job_id = $1", job); state != "done" {
		t.Errorf("the run is %s", state)
	}
	if status := ask[string](w, "SELECT status FROM sync_logs WHERE job_id = $1", job); status != "unchanged" {
		t.Errorf("the log says %s", status)
	}
}

// TestEnded: a command that waits for a job learns why the job will not complete.
func TestEnded(t *testing.T) {
	t.Parallel()
	w := setup(t)
	discarded, running, completed := w.job("discarded", "migrate_board", `{}`), w.job("running", "migrate_board", `{}`), w.job("completed", "migrate_board", `{}`)
	cancelled := w.job("cancelled", "migrate_board", `{}`)
	w.exec("UPDATE river_job SET errors = NULL WHERE id = $1", cancelled)
	pruned := cancelled + 1000
	got := must[map[int64]string](t)(w.Ended(t.Context(), []int64{discarded, running, completed, cancelled, pruned}))
	want := map[int64]string{discarded: "salesforce: 400 BAD", cancelled: "cancelled", pruned: "its job is gone from the queue"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ended (-want +got):\n%s", diff)
	}
}

// TestTendEnds: a run ends with its job, however the job ended.
func TestTendEnds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ change, state, reason string }{
		"discarded": {"UPDATE river_job SET state = 'discarded', finalized_at = now() WHERE id = $1", "failed", "salesforce: 400 BAD"},
		"deleted":   {"DELETE FROM river_job WHERE id = $1", "failed", "its job is gone from the queue"},
		"waiting":   {"UPDATE river_job SET state = 'scheduled' WHERE id = $1", "running", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			run, job, unlock := w.running(uuid.New())
			defer unlock()
			w.exec(tt.change, job)
			must[int64](t)(w.TendMigrations(t.Context()))
			got := ask[string](w, "SELECT state || ' ' || error FROM migration_runs WHERE id = $1", run.ID)
			if want := tt.state + " " + tt.reason; got != want {
				t.Errorf("the run is %q, want %q", got, want)
			}
		})
	}
}
