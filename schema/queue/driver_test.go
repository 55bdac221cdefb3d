package queue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"pgregory.net/rapid"

	"crmsync/schema/queue"
)

// TestEndIsRivers ends jobs in all states, in every way, by River's statement and by the driver's. Both leave the same
// rows, and report the same jobs.
func TestEndIsRivers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	river, ours := riverpgxv5.New(w.db).GetExecutor(), queue.NewDriver(queue.DriverConfig{Pool: w.db}).GetExecutor()
	rapid.Check(t, func(t *rapid.T) {
		w.exec("TRUNCATE river_job, dead_letters, sync_logs RESTART IDENTITY CASCADE")
		states := rapid.SliceOfN(rapid.SampledFrom(rivertype.JobStates()), 1, 8).Draw(t, "states")
		for _, state := range states {
			const insert = `
				INSERT INTO river_job (state, kind, args, queue, attempt, max_attempts, metadata, finalized_at)
				VALUES ($1::text::river_job_state, 'item_create', '{}', 'events', 3, 12, $2, CASE WHEN $1 IN ('cancelled', 'completed', 'discarded') THEN now() END)`
			metadata := rapid.SampledFrom([]string{`{}`, `{"a": 1}`, `{"cancel_attempted_at": "2026-11-27"}`}).Draw(t, "metadata")
			w.exec(insert, state, metadata)
		}
		ids := rapid.Permutation(upTo(len(states)+1)).Draw(t, "ids") // one is unknown
		p := endings(t, ids[:rapid.IntRange(1, len(ids)).Draw(t, "jobs")])
		before := ask[string](w, table)
		want, err := river.JobSetStateIfRunningMany(w.t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		after := ask[string](w, table)
		w.exec("DELETE FROM river_job")
		w.exec("INSERT INTO river_job SELECT * FROM jsonb_populate_recordset(NULL::river_job, $1)", before)
		got, err := ours.JobSetStateIfRunningMany(w.t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(after, ask[string](w, table)); diff != "" {
			t.Fatalf("jobs (-river +ours):\n%s", diff)
		}
		for n, job := range want {
			if n < len(got) && got[n].Kind == "" { // what the driver does not report
				want[n] = &rivertype.JobRow{ID: job.ID, State: job.State, FinalizedAt: job.FinalizedAt}
			}
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("reported (-river +ours):\n%s", diff)
		}
	})
}

// table is the content of the queue.
const table = "SELECT coalesce(jsonb_pretty(jsonb_agg(to_jsonb(j) ORDER BY id)), '[]') FROM river_job AS j"

func upTo(n int) (ids []int64) {
	for id := range int64(n) {
		ids = append(ids, id+1)
	}
	return ids
}

// endings draws how jobs end.
func endings(t *rapid.T, ids []int64) *riverdriver.JobSetStateIfRunningManyParams {
	now := time.Unix(1_800_000_000, 123_456_789)
	p := &riverdriver.JobSetStateIfRunningManyParams{ID: ids, Now: &now}
	for n, id := range ids {
		at := now.Add(time.Duration(n) * time.Second)
		var metadata []byte
		if rapid.IntRange(0, 3).Draw(t, "with metadata") == 0 {
			metadata = fmt.Appendf(nil, `{"output": %d}`, n)
		}
		failure := []byte(`{"attempt": 3, "error": "salesforce: 400 BAD"}`)
		end := rapid.SampledFrom([]*riverdriver.JobSetStateIfRunningParams{
			riverdriver.JobSetStateCompleted(id, at, metadata),
			riverdriver.JobSetStateCompleted(id, at, metadata),
			riverdriver.JobSetStateSnoozed(id, at, 2, metadata),
			riverdriver.JobSetStateSnoozedAvailable(id, at, 2, metadata),
			riverdriver.JobSetStateErrorRetryable(id, at, failure, metadata),
			riverdriver.JobSetStateDiscarded(id, at, failure, metadata),
			riverdriver.JobSetStateCancelled(id, at, failure, metadata),
			riverdriver.JobSetStateInterrupted(id, at, 2, metadata),
		}).Draw(t, "end")
		p.Attempt, p.ErrData = append(p.Attempt, end.Attempt), append(p.ErrData, end.ErrData)
		p.FinalizedAt, p.ScheduledAt = append(p.FinalizedAt, end.FinalizedAt), append(p.ScheduledAt, end.ScheduledAt)
		p.MetadataDoMerge = append(p.MetadataDoMerge, end.MetadataDoMerge)
		p.MetadataUpdates, p.State = append(p.MetadataUpdates, end.MetadataUpdates), append(p.State, end.State)
	}
	return p
}
