package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/store"
)

// fail stores the last failed attempt of a job and its dead letter.
func (w *world) fail(f store.Failure, reason string) {
	w.t.Helper()
	f.Event, f.Class, f.ReceivedAt, f.Final = "update_column_value", "permanent", time.Now(), true
	if f.Message == "" {
		f.Message = "m"
	}
	if err := w.LogFailure(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
	w.exec(`INSERT INTO dead_letters (job_id, kind, args, reason, attempts, ended_at)
		VALUES ($1, 'column_update', jsonb_build_object('item_id', $1::bigint % 10, 'board_id', 1001), $2, 1, now())`, f.JobID, reason)
}

// settle updates causes as each round does.
func (w *world) settle() []store.Cause {
	w.t.Helper()
	must[int](w.t)(w.AssignCauses(w.t.Context()))
	must[int64](w.t)(w.CloseCauses(w.t.Context()))
	return must[[]store.Cause](w.t)(w.Causes(w.t.Context()))
}

// TestCauseKeys checks which dead letters share a cause, and that a cause contains nothing specific to one event.
func TestCauseKeys(t *testing.T) {
	t.Parallel()
	refusal := store.Failure{System: "salesforce", Code: "INVALID_EMAIL_ADDRESS", Object: "Lead", Field: "Email"}
	tests := map[string]struct {
		failure store.Failure // of the last attempt; no code: there was none
		reason  string
		want    store.CauseKey
	}{
		"refused by Salesforce": {refusal, "Lead.Email: INVALID_EMAIL_ADDRESS", store.CauseKey{System: "salesforce", Code: "INVALID_EMAIL_ADDRESS", Object: "Lead", Field: "Email"}},
		"without a system": {store.Failure{Code: "UNMAPPED_LABEL", Object: "Lead", Field: "Status", Message: `column status has the label "Ada"`}, "",
			store.CauseKey{System: "crmsync", Code: "UNMAPPED_LABEL", Object: "Lead", Field: "Status"}},
		"an error without a code": {store.Failure{System: "crmsync", Code: "ERROR", Message: `item 4711 of "Ada's board": 003ab00000XyZ12AAB is gone`}, "",
			store.CauseKey{System: "crmsync", Code: "ERROR", Reason: "item # of …: # is gone"}},
		"killed on its last attempt": {refusal, "Stuck job rescued by Rescuer", store.CauseKey{System: "crmsync", Code: "RESCUED"}},
		"cancelled in the dashboard": {store.Failure{}, "cancelled", store.CauseKey{System: "crmsync", Code: "CANCELLED"}},
		"names with digits": {store.Failure{System: "crmsync", Code: "UNREADABLE", Message: "unreadable delivery: not UTF-8, base64, v67.0; pulse84000000001, 1.5 of 30s, a0B5g00000XyZ12EAG, f47ac10b-58cc-4372-a567-0e02b2c3d479"}, "",
			store.CauseKey{System: "crmsync", Code: "UNREADABLE", Reason: "unreadable delivery: not UTF-8, base64, v67.0; pulse#, # of #, #, #"}},
		"no attempt is known": {store.Failure{}, "reading board 1001", store.CauseKey{System: "crmsync", Code: "ERROR", Reason: "reading board #"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			tt.failure.JobID = 1
			w.fail(tt.failure, tt.reason)
			if tt.failure.Code == "" {
				w.exec("DELETE FROM error_logs")
			}
			causes := w.settle()
			if len(causes) != 1 {
				t.Fatalf("%d causes, want 1", len(causes))
			}
			if diff := cmp.Diff(tt.want, causes[0].CauseKey); diff != "" {
				t.Errorf("cause (-want +got):\n%s", diff)
			}
			if id := causes[0].ID; id != tt.want.ID() || len(id) != 8 {
				t.Errorf("id %q, want %q", id, tt.want.ID())
			}
		})
	}
}

// TestCause follows a cause: dead letters open it, it counts them, waits for those that were replayed, closes itself,
// and is opened again.
func TestCause(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	refusal := store.Failure{System: "salesforce", Code: "INVALID_EMAIL_ADDRESS", Object: "Lead", Field: "Email"}
	for job := int64(1); job <= 4; job++ {
		refusal.JobID = job
		w.fail(refusal, "r")
	}
	w.fail(store.Failure{JobID: 11, System: "salesforce", Code: "STRING_TOO_LONG", Object: "Lead", Field: "City"}, "r")
	causes := w.settle()
	if len(causes) != 2 || causes[0].Open != 4 || causes[1].Open != 1 || causes[0].Items != 4 || *causes[0].Example != 1 {
		t.Fatalf("causes %+v", causes)
	}
	cause := causes[0].ID
	if n := len(must[[]store.DeadLetter](t)(w.FindDeadLetters(ctx, store.DeadLetterFilter{Cause: cause}, 0))); n != 4 {
		t.Errorf("%d letters of the cause, want 4", n)
	}

	w.exec("UPDATE dead_letters SET replayed_at = now() WHERE job_id IN (1, 2)")
	w.exec("UPDATE dead_letters SET closed_at = now(), closed_by = 'job 77' WHERE job_id = 3")
	must[[]int64](t)(w.IgnoreDeadLetters(ctx, []int64{4}, store.By{Actor: "root"}))
	if open := w.settle(); len(open) != 2 {
		t.Fatalf("the cause is closed while replayed jobs are under way: %+v", open)
	}
	c, _, err := w.Cause(ctx, cause)
	if err != nil || c.Open != 0 || c.UnderWay != 2 || c.Settled != 1 || c.Ignored != 1 || c.ClosedAt != nil {
		t.Errorf("%v: under way: %+v", err, c)
	}

	w.exec("UPDATE sync_logs SET status = 'success', finished_at = clock_timestamp() WHERE job_id IN (1, 2)")
	if left := w.settle(); len(left) != 1 || left[0].ID == cause {
		t.Errorf("the cause does not close itself: %+v", left)
	}
	c, known, err := w.Cause(ctx, cause)
	if err != nil || !known || c.ClosedAt == nil || c.Settled != 3 || c.Ignored != 1 {
		t.Errorf("%v: closed: %+v", err, c)
	}

	refusal.JobID = 5
	w.fail(refusal, "r")
	w.settle()
	again, _, err := w.Cause(ctx, cause)
	if err != nil || again.ClosedAt != nil || again.Open != 1 || again.Settled != 0 || !again.OpenedAt.After(c.OpenedAt) || !again.FirstAt.Equal(c.FirstAt) {
		t.Errorf("%v: opened again: %+v, before: %+v", err, again, c)
	}
	if _, known, err := w.Cause(ctx, "nothing"); known || err != nil {
		t.Errorf("an unknown cause: %v, %v", known, err)
	}
}

// TestOutageIsCause: an outage of a system, or of a part of it, is a cause for as long as it lasts.
func TestOutageIsCause(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	if err := w.StartOutage(ctx, store.OutageKey("monday", "board 1001"), "UserUnauthorized"); err != nil {
		t.Fatal(err)
	}
	causes := w.settle()
	want := store.CauseKey{System: "monday", Code: "UserUnauthorized", Reason: "outage of board 1001"}
	if len(causes) != 1 || causes[0].CauseKey != want || causes[0].Away == nil || causes[0].Open != 0 {
		t.Fatalf("causes %+v", causes)
	}
	if err := w.EndOutage(ctx, store.OutageKey("monday", "board 1001"), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if left := w.settle(); len(left) != 0 {
		t.Errorf("open after its end: %+v", left)
	}
}

func TestCauseName(t *testing.T) {
	t.Parallel()
	for want, key := range map[string]store.CauseKey{
		"Lead.Email: BAD":          {System: "salesforce", Code: "BAD", Object: "Lead", Field: "Email"},
		"Lead: BAD":                {System: "salesforce", Code: "BAD", Object: "Lead"},
		"salesforce: 503":          {System: "salesforce", Code: "503", Reason: "outage"},
		"monday, board 1001: BAD":  {System: "monday", Code: "BAD", Reason: "outage of board 1001"},
		"crmsync: ERROR: it fails": {System: "crmsync", Code: "ERROR", Reason: "it fails"},
	} {
		if got := key.String(); got != want {
			t.Errorf("name %q, want %q", got, want)
		}
	}
}

// TestFindLetters checks each filter by itself.
func TestFindDeadLetters(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.fail(store.Failure{JobID: 1, System: "salesforce", Code: "BAD", Object: "Lead"}, "r")
	w.fail(store.Failure{JobID: 2, System: "salesforce", Code: "WORSE", Object: "Lead"}, "r")
	w.fail(store.Failure{JobID: 3, System: "salesforce", Code: "BAD", Object: "Lead"}, "r")
	w.exec("UPDATE dead_letters SET args = args || '{\"board_id\": 1002}', ended_at = now() - interval '2 hours' WHERE job_id = 3")
	w.settle()
	bad := store.CauseKey{System: "salesforce", Code: "BAD", Object: "Lead"}.ID()
	tests := map[string]struct {
		filter store.DeadLetterFilter
		limit  int
		want   []int64
	}{
		"all":           {want: []int64{1, 2, 3}},
		"limited":       {limit: 2, want: []int64{1, 2}},
		"cause":         {filter: store.DeadLetterFilter{Cause: bad}, want: []int64{1, 3}},
		"code":          {filter: store.DeadLetterFilter{Code: "bad"}, want: []int64{1, 3}},
		"board":         {filter: store.DeadLetterFilter{BoardID: 1001}, want: []int64{1, 2}},
		"since":         {filter: store.DeadLetterFilter{Since: time.Now().Add(-time.Hour)}, want: []int64{1, 2}},
		"together":      {filter: store.DeadLetterFilter{Code: "BAD", BoardID: 1001, Since: time.Now().Add(-time.Hour)}, want: []int64{1}},
		"another cause": {filter: store.DeadLetterFilter{Cause: "nothing"}},
	}
	for name, tt := range tests {
		letters := must[[]store.DeadLetter](t)(w.FindDeadLetters(t.Context(), tt.filter, tt.limit))
		var got []int64
		for _, l := range letters {
			got = append(got, l.JobID)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
