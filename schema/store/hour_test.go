package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/store"
)

// TestMeasureHour: each event is counted once, in its hour, however often and by however many processes.
func TestMeasureHour(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	measure := func(m store.Sample) {
		t.Helper()
		if err := w.MeasureHour(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	measure(store.Sample{})
	// The hour is moved back, so that the ends of events below fall into it whatever the clock shows.
	w.exec("UPDATE hours SET counted_to = now() - interval '1 hour'")
	w.exec(`INSERT INTO sync_logs (job_id, event, status, attempt, received_at, finished_at)
		SELECT n, 'e', CASE WHEN n <= 3 THEN 'success' WHEN n <= 5 THEN 'unchanged' WHEN n = 6 THEN 'skipped' ELSE 'failed' END, 1,
		       now() - interval '1 minute' - n * interval '30 milliseconds', now() - interval '1 minute'
		FROM   generate_series(1, 7) n`)
	w.exec(`INSERT INTO sync_logs (job_id, event, status, attempt, received_at, finished_at) VALUES (8, 'e', 'success', 1, now(), now())`)
	// A comparison of a board is not an event.
	w.exec(`INSERT INTO sync_logs (job_id, event, status, attempt, received_at, finished_at)
		VALUES (9, 'sweep_board', 'success', 1, now(), now() - interval '1 minute'), (10, 'reconcile', 'success', 1, now(), now() - interval '1 minute')`)
	measure(store.Sample{Queued: 5, Oldest: 3 * time.Second, SalesforceUsed: 10, SalesforceLimit: 100})
	measure(store.Sample{Queued: 2, Oldest: time.Second, MondayUsed: 0, MondayLimit: 200})
	ten, hundred, zero, twoHundred := 10, 100, 0, 200
	got := must[[]store.Hour](t)(w.Hours(ctx, time.Now().Add(-3*time.Hour)))
	want := store.Hour{
		Success: 3, Unchanged: 2, Skipped: 1, Failed: 1, Lags: make([]int, 17), Queued: 5, Oldest: 3,
		SalesforceUsed: &ten, SalesforceLimit: &hundred, MondayUsed: &zero, MondayLimit: &twoHundred,
	}
	want.Lags[1], want.Lags[2] = 1, 2 // 30 ms; 60 and 90 ms
	if len(got) == 1 {
		want.Start = got[0].Start
	}
	if diff := cmp.Diff([]store.Hour{want}, got); diff != "" {
		t.Errorf("hours (-want +got):\n%s", diff)
	}
	if at := want.Start; !at.Equal(at.Truncate(time.Hour)) || time.Since(at) > 2*time.Hour {
		t.Errorf("the hour begins at %v", at)
	}
}
