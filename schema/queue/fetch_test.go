package queue_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"pgregory.net/rapid"

	"crmsync/schema/queue"
)

// TestFetchIsRivers fetches some of the jobs in all states by River's statement and by the driver's, with the limit as
// a parameter and as a part of the text, and for a share, to which jobs without an item belong. All fetch the same jobs, and leave the same rows.
func TestFetchIsRivers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const limit = 3
	p := riverdriver.JobGetAvailableParams{ClientID: "a worker's", MaxAttemptedBy: 3, MaxToLock: limit, Queue: "events"}
	drivers := map[string]riverdriver.Executor{
		"parameter": queue.NewDriver(queue.DriverConfig{Pool: w.db}).GetExecutor(),
		"text":      queue.NewDriver(queue.DriverConfig{Pool: w.db, Alone: true}).GetExecutor(),
		"share":     queue.NewDriver(queue.DriverConfig{Pool: w.db, Share: share(1, 2), Events: "events"}).GetExecutor(),
		"its text": queue.NewDriver(queue.DriverConfig{Pool: w.db, Alone: true, Share: share(0, 3),
			Events: "events"}).GetExecutor(),
	}
	rapid.Check(t, func(t *rapid.T) {
		w.exec("TRUNCATE river_job, dead_letters, sync_logs RESTART IDENTITY CASCADE")
		for range rapid.IntRange(0, 8).Draw(t, "jobs") {
			w.fetchable(t)
		}
		before := ask[string](w, table)
		want, wantRows := w.fetch(t, riverpgxv5.New(w.db).GetExecutor(), p)
		for name, driver := range drivers {
			w.exec("DELETE FROM river_job")
			w.exec("INSERT INTO river_job SELECT * FROM jsonb_populate_recordset(NULL::river_job, $1)", before)
			got, gotRows := w.fetch(t, driver, p)
			if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateErrors(),
				cmpopts.IgnoreFields(rivertype.JobRow{}, "AttemptedAt")); diff != "" {
				t.Fatalf("%s: fetched (-river +ours):\n%s", name, diff)
			}
			if diff := gocmp.Diff(wantRows, gotRows); diff != "" {
				t.Fatalf("%s: jobs (-river +ours):\n%s", name, diff)
			}
		}
	})
}

// fetchable adds a job in any state, mostly one that can be fetched.
func (w *world) fetchable(t *rapid.T) {
	draw := func(what string, usual, other string) string {
		return rapid.SampledFrom([]string{usual, usual, usual, other}).Draw(t, what)
	}
	state := draw("state", "available", string(rapid.SampledFrom(rivertype.JobStates()).Draw(t, "any state")))
	const insert = `
		INSERT INTO river_job (state, kind, args, queue, attempt, max_attempts, priority, attempted_by, errors, tags, scheduled_at, finalized_at)
		VALUES ($1::text::river_job_state, 'item_create', '{"key": "a"}', $2, $3, 12, $4, $5, $6::text[]::jsonb[], '{x}',
		        now() + $7::interval, CASE WHEN $1 IN ('cancelled', 'completed', 'discarded') THEN now() END)`
	var by, failures []string
	for n := range rapid.IntRange(0, 5).Draw(t, "attempts") {
		by = append(by, fmt.Sprint("worker ", n))
		failures = append(failures, draw("failure", `{"attempt": 1, "at": "2026-11-27T00:00:00Z", "error": "salesforce: 400 BAD"}`, `{"attempt": "x"}`))
	}
	w.exec(insert, state, draw("queue", "events", "migrations"), len(by), rapid.IntRange(1, 2).Draw(t, "priority"), by,
		failures, time.Duration(rapid.IntRange(-2, 1).Draw(t, "due"))*time.Hour)
}

// fetch fetches jobs, and returns them in the order of their ids, and the content of the queue.
func (w *world) fetch(t *rapid.T, e riverdriver.Executor, p riverdriver.JobGetAvailableParams) (
	fetched riverdriver.JobGetAvailableResult, rows string) {
	result, err := e.JobGetAvailable(w.t.Context(), &p)
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range result.Jobs {
		if job.AttemptedAt == nil || time.Since(*job.AttemptedAt).Abs() > time.Hour || job.AttemptedAt.Location() != time.UTC {
			t.Fatalf("attempted at %v", job.AttemptedAt)
		}
	}
	slices.SortFunc(result.Jobs, func(a, b *rivertype.JobRow) int { return cmp.Compare(a.ID, b.ID) })
	for id := range result.DecodeErrors {
		result.DecodeErrors[id] = cmpopts.AnyError
	}
	w.exec("UPDATE river_job SET attempted_at = '2026-11-27' WHERE attempted_at IS NOT NULL")
	return *result, ask[string](w, table)
}
