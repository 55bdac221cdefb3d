package queue_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/queue"
)

// TestWake: once no outage goes on any more, events that wait for the end of one are due, for a while.
func TestWake(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, state := range []string{"scheduled", "retryable", "available"} {
		w.job(state, "a", "{}")
	}
	w.exec("UPDATE river_job SET queue = 'other' WHERE id = $1", w.job("scheduled", "a", "{}"))
	w.exec(`UPDATE river_job SET metadata = '{"output": {"away": true}, "snoozes": 3}'`)
	w.exec(`UPDATE river_job SET metadata = '{"output": {"away": false}}' WHERE id = $1`, w.job("scheduled", "a", "{}")) // as long as it was told
	steps := []struct {
		name, statement string
		woken           int64
	}{
		{"no outage", "SELECT", 0},
		{"one goes on", "INSERT INTO outages (system, code) VALUES ('salesforce', '503'), ('monday', '503')", 0},
		{"one is over", "UPDATE outages SET ended_at = now() WHERE system = 'salesforce'", 0},
		{"all are over", "UPDATE outages SET ended_at = now()", 1},
		{"for long", "UPDATE outages SET ended_at = now() - interval '2 minutes'", 0},
	}
	for _, step := range steps {
		w.exec("UPDATE river_job SET scheduled_at = now() + interval '1 minute'")
		w.exec(step.statement)
		if woken := must[int64](t)(w.Wake(t.Context())); woken != step.woken {
			t.Errorf("%s: %d jobs were woken, want %d", step.name, woken, step.woken)
		}
		if due := ask[int64](w, "SELECT count(*) FROM river_job WHERE scheduled_at <= now()"); due != step.woken {
			t.Errorf("%s: %d jobs are due, want %d", step.name, due, step.woken)
		}
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
