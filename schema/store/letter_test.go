package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

const eventArgs = `{"key":"k","type":"update_name","board_id":1001,"item_id":7,"received_at":"2026-09-23T12:00:00Z","name":"Ada"}`

func (w *world) sweep() int64 {
	w.t.Helper()
	return must[int64](w.t)(w.SweepLetters(w.t.Context()))
}

// unalerted are the jobs of the letters that nobody was told of; it tells of them.
func (w *world) unalerted() (jobs []int64) {
	w.t.Helper()
	var told []int64
	for _, letter := range must[[]store.Letter](w.t)(w.UnalertedLetters(w.t.Context(), 0, 100)) {
		jobs, told = append(jobs, letter.JobID), append(told, letter.ID)
	}
	if err := w.MarkAlerted(w.t.Context(), told); err != nil {
		w.t.Fatal(err)
	}
	return jobs
}

func (w *world) replay(ids ...int64) []int64 {
	w.t.Helper()
	return must[[]int64](w.t)(w.Replay(w.t.Context(), ids, 12))
}

func TestLetterLife(t *testing.T) {
	t.Parallel()
	w := setup(t)
	holder := uuid.New()
	w.claim(holder, 7)
	refused := map[string]ledger.Rejection{"Email": {Value: "x", Code: "BAD", JobID: 1}}
	w.save(holder, store.Commit{Items: []*ledger.Item{{ID: 7}}, Links: []*ledger.Link{{ItemID: 7, Record: "lead", Object: "Lead", Rejected: refused}}})
	job := w.job("discarded", "item_rename", eventArgs)
	w.job("retryable", "item_rename", eventArgs)
	w.job("completed", "item_rename", eventArgs)
	is := func(what string, got, want []int64) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: jobs %v, want %v", what, got, want)
		}
	}
	w.sweep()
	is("alerts", w.unalerted(), []int64{job})
	w.sweep()
	is("alerts after another sweep", w.unalerted(), nil)
	if got := ask[string](w, "SELECT status || ' ' || event FROM sync_logs WHERE job_id = $1", job); got != "failed update_name" {
		t.Errorf("the log says %q", got)
	}
	is("replayed, with strangers", w.replay(job, 999), []int64{job})
	is("replayed twice", w.replay(job), nil)
	if got := ask[string](w, "SELECT state || ' ' || attempt || ' ' || coalesce(finalized_at::text, 'open') FROM river_job WHERE id = $1", job); got != "available 0 open" {
		t.Errorf("the job is %q", got)
	}
	if got := ask[string](w, "SELECT refused::text FROM links"); got != "{}" {
		t.Errorf("still refused: %s", got)
	}
	if n := must[int](t)(w.CountOpenLetters(t.Context())); n != 0 {
		t.Errorf("%d open letters of a job that is on its way", n)
	}
	w.sweep()
	is("alerts while it is on its way", w.unalerted(), nil)
	w.die(job)
	w.sweep()
	is("alerts after it died again", w.unalerted(), []int64{job})
	w.exec("DELETE FROM river_job WHERE id = $1", job)
	is("replayed after River pruned it", w.replay(job), []int64{job})
	if got := ask[string](w, "SELECT kind || ' ' || queue || ' ' || (args->>'name') FROM river_job WHERE id = $1", job); got != "item_rename events Ada" {
		t.Errorf("the job is made anew as %q", got)
	}
	next := w.job("available", "item_rename", eventArgs)
	if next <= job {
		t.Errorf("the next job is %d", next)
	}
	w.exec("UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = $1", job)
	w.sweep()
	is("alerts after it was done", w.unalerted(), nil)
	w.exec("DELETE FROM river_job WHERE id = $1", job)
	is("replayed though it was done", w.replay(job), nil)
}

// TestReplayCancelled is a job that an operator cancelled while it ran: River must not take the cancelling for one of the
// next try.
// TestLetterOfRetried is a job that somebody retries in River's dashboard, and that is given up once more.
func TestLetterOfRetried(t *testing.T) {
	t.Parallel()
	w := setup(t)
	job := w.job("discarded", "item_rename", eventArgs)
	w.sweep()
	w.unalerted()
	w.exec("UPDATE river_job SET state = 'available', finalized_at = NULL WHERE id = $1", job)
	w.sweep()
	if got := w.unalerted(); got != nil {
		t.Errorf("alerts of %v while it is tried again", got)
	}
	w.exec("UPDATE river_job SET state = 'discarded', finalized_at = now() WHERE id = $1", job)
	w.sweep()
	if got := w.unalerted(); !slices.Equal(got, []int64{job}) {
		t.Errorf("alerts of %v, want one more of job %d", got, job)
	}
	w.exec("UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = $1", job)
	w.sweep()
	if n := must[int](t)(w.CountOpenLetters(t.Context())); n != 0 {
		t.Errorf("%d open letters of a job that is done", n)
	}
}

func TestReplayCancelled(t *testing.T) {
	t.Parallel()
	w := setup(t)
	job := w.job("cancelled", "item_rename", eventArgs)
	w.exec(`UPDATE river_job SET metadata = '{"cancel_attempted_at": "2026-09-23T12:00:00Z", "snoozes": 3}' WHERE id = $1`, job)
	w.sweep()
	w.replay(job)
	if got := ask[string](w, "SELECT metadata::text FROM river_job WHERE id = $1", job); got != `{"snoozes": 3}` {
		t.Errorf("metadata %s", got)
	}
}

func TestLetters(t *testing.T) {
	t.Parallel()
	w := setup(t)
	known := w.job("discarded", "item_rename", eventArgs)
	unreadable := w.job("cancelled", "unreadable", `{"key":"k2","body":"AA==","reason":"broken","received_at":"2026-09-23T12:00:00Z"}`)
	w.exec("UPDATE river_job SET errors = NULL, attempt = 0 WHERE id = $1", unreadable)
	for attempt := range 3 {
		f := store.Failure{JobID: known, Attempt: attempt, Event: "update_name", Object: "Lead", Class: "permanent", Code: []string{"A", "B", "C"}[attempt], Message: "m"}
		if err := w.LogFailure(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	w.sweep()
	item, onBoard, lead := int64(7), int64(1001), "Lead"
	want := []store.Letter{
		{JobID: known, Kind: "item_rename", Reason: "salesforce: 400 BAD", Attempts: 12, BoardID: &onBoard, ItemID: &item, Event: "update_name", Object: &lead, Code: "C"},
		{JobID: unreadable, Kind: "unreadable", Reason: "cancelled", Event: "unreadable"},
	}
	got := must[[]store.Letter](t)(w.OpenLetters(t.Context()))
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Letter{}, "ID", "Args", "CreatedAt")); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
	after := int64(0)
	for _, job := range []int64{known, unreadable} {
		some := must[[]store.Letter](t)(w.UnalertedLetters(t.Context(), after, 1))
		if len(some) != 1 || some[0].JobID != job {
			t.Fatalf("%+v, want the letter of job %d", some, job)
		}
		after = some[0].ID
	}
}

func TestOutages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	open := func() []store.Outage { t.Helper(); return must[[]store.Outage](t)(w.OpenOutages(ctx)) }
	news := func() []store.Outage { t.Helper(); return must[[]store.Outage](t)(w.UnalertedOutages(ctx)) }
	tell := func() {
		t.Helper()
		for _, o := range news() {
			do(w.MarkOutageAlerted(ctx, o))
		}
	}
	for range 3 { // as many workers see it
		do(w.StartOutage(ctx, "salesforce", "503"))
	}
	do(w.StartOutage(ctx, "monday", "DailyLimit"))
	if got := news(); len(got) != 2 || got[0].System != "salesforce" || got[0].Code != "503" || got[0].Told || got[0].EndedAt != nil {
		t.Fatalf("news %+v", got)
	}
	tell()
	if got := news(); len(got) != 0 {
		t.Errorf("told once, and still news: %+v", got)
	}
	seen := time.Now()
	do(w.SeeOutage(ctx, "salesforce"))
	do(w.EndOutage(ctx, "salesforce", seen))
	if got := open(); len(got) != 2 {
		t.Errorf("open %+v, though another worker saw it away since", got)
	}
	do(w.EndOutage(ctx, "salesforce", time.Now().Add(time.Second)))
	if got := news(); len(got) != 1 || !got[0].Told || got[0].EndedAt == nil {
		t.Errorf("news of the end %+v", got)
	}
	do(w.StartOutage(ctx, "salesforce", "502"))
	if got := open(); len(got) != 2 || len(news()) != 0 {
		t.Errorf("open %+v: it goes on, since nobody was told of its end", got)
	}
	do(w.EndOutage(ctx, "salesforce", time.Now().Add(time.Second)))
	tell()
	do(w.StartOutage(ctx, "salesforce", "502"))
	if got := news(); len(got) != 1 || got[0].Told || got[0].Code != "502" {
		t.Errorf("news of the second %+v", got)
	}
	do(w.EndOutage(ctx, "salesforce", time.Now().Add(time.Second)))
	tell()
	if got := news(); len(got) != 0 {
		t.Errorf("one that was told as a whole is still news: %+v", got)
	}
	w.exec("UPDATE outages SET ended_at = now() - interval '2 minutes', ended_alert_at = NULL WHERE id = (SELECT max(id) FROM outages)")
	do(w.StartOutage(ctx, "salesforce", "503"))
	if n := ask[int](w, "SELECT count(*) FROM outages WHERE system = 'salesforce'"); n != 3 {
		t.Errorf("%d outages: one that ended long ago does not go on", n)
	}
}

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

func TestQueueDepths(t *testing.T) {
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
	got := must[[]store.Depth](t)(w.QueueDepths(t.Context()))
	for n := range got {
		got[n].Oldest = got[n].Oldest.Round(time.Minute)
	}
	want := []store.Depth{
		{"events", "available", 2, time.Hour}, {"events", "retryable", 0, 0}, {"events", "running", 1, 0}, {"events", "scheduled", 0, 0},
		{"other", "available", 0, 0}, {"other", "retryable", 1, 0}, {"other", "running", 0, 0}, {"other", "scheduled", 0, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("depths (-want +got):\n%s", diff)
	}
}
