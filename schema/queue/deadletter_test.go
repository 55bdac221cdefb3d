package queue_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"crmsync/schema/queue"
	"crmsync/schema/store"
)

const eventArgs = `{"key":"k","type":"update_name","board_id":1001,"item_id":7,"received_at":"2026-09-23T12:00:00Z","name":"Ada"}`

func (w *world) settle() {
	w.t.Helper()
	if err := w.SettleRetried(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// unalerted returns the jobs of the dead letters that were not alerted, and marks them as alerted.
func (w *world) unalerted() (jobs []int64) {
	w.t.Helper()
	ctx := w.t.Context()
	telegram := must[store.Channel](w.t)(w.store.UseChannel(ctx, "telegram"))
	must[int](w.t)(w.store.AssignCauses(ctx))
	for _, cause := range must[[]store.UntoldCause](w.t)(w.store.UntoldCauses(ctx, telegram)) {
		for _, letter := range must[[]store.DeadLetter](w.t)(w.store.UntoldDeadLetters(ctx, telegram, cause.ID, 100)) {
			jobs = append(jobs, letter.JobID)
		}
		if err := w.store.RecordCause(ctx, telegram, cause); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.store.MarkAlerted(ctx, []string{"telegram"}); err != nil {
		w.t.Fatal(err)
	}
	return jobs
}

func (w *world) replay(ids ...int64) []int64 {
	w.t.Helper()
	replayed, staying, err := w.Replay(w.t.Context(), ids, 12, store.By{Actor: "ada"})
	if err != nil || len(replayed)+len(staying) != len(ids) {
		w.t.Fatalf("%v: of %v %v were replayed, %+v were not", err, ids, replayed, staying)
	}
	return replayed
}

func TestDeadLetterLife(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`INSERT INTO links (item_id, record, object, refused) VALUES (7, 'lead', 'Lead', '{"Email": {"value": "x", "code": "BAD", "job_id": 1}}')`)
	job := w.job("discarded", "item_rename", eventArgs)
	w.job("retryable", "item_rename", eventArgs)
	w.job("completed", "item_rename", eventArgs)
	is := func(what string, got, want []int64) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: jobs %v, want %v", what, got, want)
		}
	}
	if n := must[int](t)(w.store.CountOpenDeadLetters(t.Context())); n != 1 {
		t.Errorf("%d open dead letters as soon as a job was discarded, want 1", n)
	}
	is("alerts", w.unalerted(), []int64{job})
	is("alerts after another look", w.unalerted(), nil)
	if got := ask[string](w, "SELECT status || ' ' || event FROM sync_logs WHERE job_id = $1", job); got != "failed update_name" {
		t.Errorf("the log says %q", got)
	}
	is("replayed, with unknown ids", w.replay(job, 999), []int64{job})
	is("replayed twice", w.replay(job), nil)
	if got := ask[string](w, "SELECT state || ' ' || attempt || ' ' || coalesce(finalized_at::text, 'open') FROM river_job WHERE id = $1", job); got != "available 0 open" {
		t.Errorf("the job is %q", got)
	}
	if got := ask[string](w, "SELECT refused::text FROM links"); got != "{}" {
		t.Errorf("still rejected: %s", got)
	}
	if n := must[int](t)(w.store.CountOpenDeadLetters(t.Context())); n != 0 {
		t.Errorf("%d open dead letters of a job that is queued", n)
	}
	is("alerts while it is queued", w.unalerted(), nil)
	w.die(job)
	is("alerts after it failed again", w.unalerted(), []int64{job})
	w.exec("DELETE FROM river_job WHERE id = $1", job)
	is("replayed after River pruned it", w.replay(job), []int64{job})
	if got := ask[string](w, "SELECT kind || ' ' || queue || ' ' || (args->>'name') FROM river_job WHERE id = $1", job); got != "item_rename events Ada" {
		t.Errorf("the job is created again as %q", got)
	}
	next := w.job("available", "item_rename", eventArgs)
	if next <= job {
		t.Errorf("the next job is %d", next)
	}
	w.exec("UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = $1", job)
	w.settle()
	is("alerts after it was done", w.unalerted(), nil)
	w.exec("DELETE FROM river_job WHERE id = $1", job)
	is("replayed though it was done", w.replay(job), nil)
}

// TestDeadLetterOfRetried: a person retries a job in River's dashboard, and it is discarded again.
func TestDeadLetterOfRetried(t *testing.T) {
	t.Parallel()
	w := setup(t)
	job := w.job("discarded", "item_rename", eventArgs)
	w.unalerted()
	w.exec("UPDATE river_job SET state = 'available', finalized_at = NULL WHERE id = $1", job)
	if got := w.unalerted(); got != nil {
		t.Errorf("alerts of %v while it is attempted again", got)
	}
	w.exec("UPDATE river_job SET state = 'discarded', finalized_at = now() WHERE id = $1", job)
	if got := w.unalerted(); !slices.Equal(got, []int64{job}) {
		t.Errorf("alerts of %v, want one more of job %d", got, job)
	}
	w.exec("UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = $1", job)
	w.settle()
	if n := must[int](t)(w.store.CountOpenDeadLetters(t.Context())); n != 0 {
		t.Errorf("%d open dead letters of a completed job", n)
	}
}

// TestReplayCancelled: an operator cancelled a job while it was running. River must not take that for a cancellation
// of the next attempt.
func TestReplayCancelled(t *testing.T) {
	t.Parallel()
	w := setup(t)
	job := w.job("cancelled", "item_rename", eventArgs)
	w.exec(`UPDATE river_job SET metadata = '{"cancel_attempted_at": "2026-09-23T12:00:00Z", "snoozes": 3}' WHERE id = $1`, job)
	w.replay(job)
	if got := ask[string](w, "SELECT metadata::text FROM river_job WHERE id = $1", job); got != `{"snoozes": 3}` {
		t.Errorf("metadata %s", got)
	}
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	w := setup(t)
	known := w.job("discarded", "item_rename", eventArgs)
	unreadable := w.job("running", "unreadable", `{"key":"k2","body":"AA==","reason":"broken","received_at":"2026-09-23T12:00:00Z"}`)
	w.exec("UPDATE river_job SET errors = NULL, attempt = 0 WHERE id = $1", unreadable)
	w.exec("UPDATE river_job SET state = 'cancelled', finalized_at = clock_timestamp() WHERE id = $1", unreadable)
	for attempt := range 3 {
		f := store.Failure{JobID: known, Attempt: attempt, Event: "update_name", Object: "Lead", Field: "Email", Class: "permanent", Code: []string{"A", "B", "C"}[attempt], Message: "m"}
		if err := w.store.LogFailure(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	item, onBoard, lead := int64(7), int64(1001), "Lead"
	want := []store.DeadLetter{
		{JobID: known, Kind: "item_rename", Reason: "salesforce: 400 BAD", Attempts: 12, BoardID: &onBoard, ItemID: &item, Event: "update_name", Object: &lead, Code: "C", Field: "Email"},
		{JobID: unreadable, Kind: "unreadable", Reason: "cancelled", Event: "unreadable"},
	}
	got := must[[]store.DeadLetter](t)(w.store.OpenDeadLetters(t.Context()))
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.DeadLetter{}, "ID", "Args", "EndedAt", "CreatedAt")); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
}

// unique puts a job into the queue as River does with one that is unique until it has ended.
func (w *world) unique(state, key string) int64 {
	w.t.Helper()
	id := w.job(state, "migrate_board", `{"board_id": `+key+`}`)
	w.exec(`UPDATE river_job SET queue = 'migrations', unique_key = $2, unique_states = B'11110001' WHERE id = $1`, id, []byte(key))
	return id
}

// TestReplayExcluded: of jobs that exclude each other in the queue only one is put back, and all others are.
func TestReplayExcluded(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, second := w.unique("discarded", "1001"), w.unique("discarded", "1001")
	waits := w.unique("discarded", "1002")
	live := w.unique("scheduled", "1002")
	pruned, ordinary := w.unique("discarded", "1001"), w.job("discarded", "item_rename", eventArgs)
	w.exec("DELETE FROM river_job WHERE id = $1", pruned)
	replayed, staying, err := w.Replay(t.Context(), []int64{ordinary, pruned, second, first, waits, 999}, 12, store.By{Actor: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	same := "job %d does the same and is not done: ignore this one, or replay it once that job is done"
	want := []queue.Staying{
		{JobID: second, Reason: fmt.Sprintf(same, first)}, {JobID: waits, Reason: fmt.Sprintf(same, live)},
		{JobID: pruned, Reason: fmt.Sprintf(same, first)},
		{JobID: 999, Reason: "not dead letters, or already replayed"},
	}
	slices.SortFunc(staying, func(a, b queue.Staying) int { return int(a.JobID - b.JobID) })
	if diff := cmp.Diff(want, staying); diff != "" {
		t.Errorf("staying (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{first, ordinary}, replayed); diff != "" {
		t.Errorf("replayed (-want +got):\n%s", diff)
	}
	w.exec("UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = $1", first)
	w.exec("DELETE FROM river_job WHERE id = $1", live)
	if got := w.replay(second, waits); !slices.Equal(got, []int64{second, waits}) {
		t.Errorf("afterwards %v are put back, want %v", got, []int64{second, waits})
	}
	const acts = "SELECT string_agg(actor || ' ' || act || ' ' || subject, ', ' ORDER BY id) FROM operations"
	wantActs := fmt.Sprintf("ada replay jobs %d, %d, ada replay jobs %d, %d", first, ordinary, second, waits)
	if got := ask[string](w, acts); got != wantActs {
		t.Errorf("operations: %s, want %s", got, wantActs)
	}
	if queues := ask[string](w, "SELECT string_agg(DISTINCT queue, ' ') FROM river_job WHERE kind = 'migrate_board'"); queues != "migrations" {
		t.Errorf("runs are in %s", queues)
	}
}

// TestReplayAtOnce: jobs that are queued between the look and the change do not hold up other dead letters.
func TestReplayAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var dead []int64
	for range 20 {
		dead = append(dead, w.unique("discarded", "1001"))
	}
	ordinary := w.job("discarded", "item_rename", eventArgs)
	var wait sync.WaitGroup
	for _, id := range dead {
		wait.Go(func() {
			if _, _, err := w.Replay(t.Context(), []int64{id, ordinary}, 12, store.By{Actor: "ada"}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := ask[int](w, "SELECT count(*) FROM river_job WHERE state = 'available'"); n != 2 {
		t.Errorf("%d jobs are put back, want one run and the ordinary one", n)
	}
}

// TestReasonIsOurs: a dead letter and the log give the reason without River's own words.
func TestReasonIsOurs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	job := w.job("running", "monday_event", `{"item_id": 1, "board_id": 1}`)
	w.exec(`UPDATE river_job SET errors = ARRAY['{"error": "JobCancelError: Lead.Status: TOO_LONG"}']::jsonb[] WHERE id = $1`, job)
	w.die(job)
	const query = `
		SELECT d.reason || ', ' || (s.response_data->>'reason')
		FROM dead_letters d JOIN sync_logs s USING (job_id) WHERE job_id = $1`
	if got := ask[string](w, query, job); got != "Lead.Status: TOO_LONG, Lead.Status: TOO_LONG" {
		t.Errorf("the reasons are %q", got)
	}
}

// TestEndsAgain: each end of a job is logged once, whoever discarded the job.
func TestEndsAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	job := w.job("discarded", "item_rename", eventArgs)
	is := func(when, want string) {
		t.Helper()
		const query = `
			SELECT string_agg(response_data->>'reason' || ' ' || status, ', ' ORDER BY finished_at)
			FROM   (SELECT response_data, status, finished_at FROM sync_logs WHERE job_id = $1 UNION ALL
			        SELECT response_data, status, finished_at FROM sync_log_history WHERE job_id = $1) AS ends`
		if got := ask[string](w, query, job); got != want {
			t.Errorf("%s the ends are %q, want %q", when, got, want)
		}
	}
	is("at first", "salesforce: 400 BAD failed")
	begin := func() {
		w.exec(`UPDATE river_job SET state = 'running', attempt = max_attempts, attempted_at = clock_timestamp(), finalized_at = NULL WHERE id = $1`, job)
	}
	rescue := func() {
		w.exec(`UPDATE river_job SET errors = errors || '{"attempt":12,"error":"Stuck job rescued by Rescuer"}'::jsonb WHERE id = $1`, job)
		w.die(job)
	}
	w.replay(job)
	begin()
	rescue()
	is("after a replay whose worker died", "salesforce: 400 BAD failed, Stuck job rescued by Rescuer failed")
	begin() // a retry in the dashboard
	f := store.Failure{JobID: job, Attempt: 12, Event: "update_name", Message: "salesforce: 400 WORSE", Final: true}
	if err := w.store.LogFailure(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	rescue()
	is("after an end that the worker logged", "salesforce: 400 BAD failed, Stuck job rescued by Rescuer failed, salesforce: 400 WORSE failed")
	w.replay(job)
	rescue() // before another attempt begins, as somebody may cancel it in the dashboard
	is("after a replay that never began", "salesforce: 400 BAD failed, Stuck job rescued by Rescuer failed, salesforce: 400 WORSE failed, "+
		"Stuck job rescued by Rescuer failed")
}
