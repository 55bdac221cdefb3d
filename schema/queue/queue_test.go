package queue_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/queue"
)

// TestWake: once an outage is over, the jobs that wait for it are due, for a while. Those that wait for another outage
// are not.
func TestWake(t *testing.T) {
	t.Parallel()
	w := setup(t)
	waits := func(state, metadata string) {
		w.exec("UPDATE river_job SET metadata = $2 WHERE id = $1", w.job(state, "a", "{}"), metadata)
	}
	for _, state := range []string{"scheduled", "scheduled", "retryable", "available"} {
		waits(state, `{"output": {"away": true, "outage": "salesforce"}, "snoozes": 3}`)
	}
	waits("scheduled", `{"output": {"away": true, "outage": "monday"}}`)
	waits("scheduled", `{"output": {"away": true, "outage": "monday board 1001"}}`)
	waits("scheduled", `{"output": {"away": false, "outage": ""}}`) // as long as its error asked
	steps := []struct {
		name, statement string
		due             int64
	}{
		{"no outage", "SELECT", 0},
		{"two are ongoing", "INSERT INTO outages (system, code) VALUES ('salesforce', '503'), ('monday', '503')", 0},
		{"one is over", "UPDATE outages SET ended_at = now() WHERE system = 'salesforce'", 2},
		{"it is away again", "INSERT INTO outages (system, code) VALUES ('salesforce', '502')", 0},
		{"all are over", "UPDATE outages SET ended_at = now()", 3},
		{"for long", "UPDATE outages SET ended_at = now() - interval '2 minutes'", 0},
		{"a board is back", "INSERT INTO outages (system, code, ended_at) VALUES ('monday board 1001', 'X', now())", 1},
	}
	for _, step := range steps {
		w.exec("UPDATE river_job SET scheduled_at = now() + interval '1 minute'")
		w.exec(step.statement)
		if err := w.WakeEnded(t.Context()); err != nil {
			t.Fatal(err)
		}
		if due := ask[int64](w, "SELECT count(*) FROM river_job WHERE scheduled_at <= now()"); due != step.due {
			t.Errorf("%s: %d jobs are due, want %d", step.name, due, step.due)
		}
	}
	if woken := must[int64](t)(w.Wake(t.Context(), "salesforce", 1)); woken != 1 {
		t.Errorf("%d jobs were woken, want 1 of 2", woken)
	}
}

func TestDepths(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.job("available", "a", "{}")
	w.exec("UPDATE river_job SET scheduled_at = now() - interval '1 hour'")
	w.job("available", "a", "{}")
	w.job("running", "a", "{}")
	w.exec("UPDATE river_job SET scheduled_at = now() - interval '1 day' WHERE state = 'running'")
	w.job("completed", "a", "{}")
	w.exec("UPDATE river_job SET queue = 'other' WHERE id = $1", w.job("retryable", "a", "{}"))
	w.exec("UPDATE river_job SET scheduled_at = now() + interval '1 hour' WHERE queue = 'other'")
	got := must[[]queue.Depth](t)(w.Depths(t.Context()))
	for n := range got {
		got[n].Oldest = got[n].Oldest.Round(time.Minute)
	}
	want := []queue.Depth{
		{"events", "available", 2, time.Hour}, {"events", "retryable", 0, 0}, {"events", "running", 1, 0}, {"events", "scheduled", 0, 0},
		{"other", "available", 0, 0}, {"other", "retryable", 1, 0}, {"other", "running", 0, 0}, {"other", "scheduled", 0, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("depths (-want +got):\n%s", diff)
	}
}

// TestWaiting counts jobs of one queue and priority that are due, up to a number.
func TestWaiting(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, state := range []string{"available", "available", "available", "running", "retryable", "completed"} {
		w.exec("UPDATE river_job SET priority = 2 WHERE id = $1", w.job(state, "a", "{}"))
	}
	w.job("available", "a", "{}") // of the usual priority
	w.exec("UPDATE river_job SET queue = 'other' WHERE id = (SELECT min(id) FROM river_job)")
	for most, want := range map[int]int{10: 2, 1: 1} {
		if got := must[int](t)(w.Waiting(t.Context(), "events", 2, most)); got != want {
			t.Errorf("%d wait, want %d of at most %d", got, want, most)
		}
	}
}
