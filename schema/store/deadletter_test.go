package store_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/store"
)

// letter writes a dead letter of a job that failed ten minutes ago.
func (w *world) letter(job int64, kind, args string) {
	w.t.Helper()
	w.exec(`INSERT INTO dead_letters (job_id, kind, args, reason, attempts, ended_at) VALUES ($1, $2, $3, 'r', 1, now() - interval '10 minutes')`, job, kind, args)
}

// TestCloseLetters: a dead letter is closed by a later event that did what it could not, and by no other.
func TestCloseDeadLetters(t *testing.T) {
	t.Parallel()
	const (
		phone   = `{"type": "update_column_value", "board_id": 1001, "item_id": 7, "column_id": "phone"}`
		create  = `{"type": "create_pulse", "board_id": 1001, "item_id": 7}`
		rename  = `{"type": "update_name", "board_id": 1001, "item_id": 7}`
		refusal = `INSERT INTO error_logs (job_id, attempt, event, object, class, code, message) VALUES (1, 1, 'e', 'Lead', 'permanent', 'BAD', 'm')`
		trouble = `INSERT INTO error_logs (job_id, attempt, event, class, code, message) VALUES (1, 12, 'e', 'transient', 'ERROR', 'm')`
		link    = `INSERT INTO links (item_id, record, object, refused) VALUES (7, 'lead', 'Lead', $1)`
	)
	tests := map[string]struct {
		kind, args string
		event      string // of a job with the id 2, that ended after it
		column     string
		status     string // empty: success
		ago        string // empty: a minute
		rejected   string // what the item's link holds
		error      string
		stays      bool
	}{
		"the column is corrected":        {kind: "column_update", args: phone, event: "update_column_value", column: "phone", error: refusal},
		"found equal":                    {kind: "column_update", args: phone, event: "update_column_value", column: "phone", status: "unchanged", error: refusal},
		"refused again":                  {kind: "column_update", args: phone, event: "update_column_value", column: "phone", status: "failed", stays: true},
		"an older event":                 {kind: "column_update", args: phone, event: "update_column_value", column: "phone", ago: "20 minutes", stays: true},
		"another column":                 {kind: "column_update", args: phone, event: "update_column_value", column: "email", error: trouble, stays: true},
		"another column, still rejected": {kind: "column_update", args: phone, event: "update_column_value", column: "email", error: refusal, rejected: `{"Phone": {"job_id": 1}}`, stays: true},
		"something else is rejected":     {kind: "column_update", args: phone, event: "update_column_value", column: "email", error: refusal, rejected: `{"Email": {"job_id": 9}}`, stays: true},
		"nothing is rejected any more":   {kind: "column_update", args: phone, event: "update_column_value", column: "email", error: refusal, rejected: `{}`},
		"the column, others rejected":    {kind: "column_update", args: phone, event: "update_column_value", column: "phone", error: refusal, rejected: `{"Email": {"job_id": 9}}`},
		"a resync":                       {kind: "column_update", args: phone, event: "item_resync", error: trouble},
		"a new item, corrected":          {kind: "item_create", args: create, event: "update_column_value", column: "email", error: refusal, rejected: `{}`},
		"a new item, in trouble":         {kind: "item_create", args: create, event: "update_column_value", column: "email", error: trouble, stays: true},
		"renamed again":                  {kind: "item_rename", args: rename, event: "update_name", error: trouble},
		"renamed, by another event":      {kind: "item_rename", args: rename, event: "update_column_value", column: "email", error: trouble, stays: true},
		"an unreadable delivery":         {kind: "unreadable", args: `{"reason": "r"}`, event: "update_name", stays: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.letter(1, tt.kind, tt.args)
			if tt.error != "" {
				w.exec(tt.error)
			}
			if tt.rejected != "" {
				w.exec(link, tt.rejected)
			}
			w.exec(`INSERT INTO sync_logs (job_id, event, item_id, column_id, status, attempt, received_at, finished_at)
				VALUES (2, $1, 7, nullif($2, ''), coalesce(nullif($3, ''), 'success'), 1, now(), now() - coalesce(nullif($4, ''), '1 minute')::interval)`,
				tt.event, tt.column, tt.status, tt.ago)
			closed := must[int64](t)(w.CloseDeadLetters(t.Context()))
			if (closed == 0) != tt.stays {
				t.Errorf("%d closed, stays open: %v", closed, tt.stays)
			}
			if by := ask[string](w, "SELECT coalesce(closed_by, '') FROM dead_letters"); !tt.stays && by != "job 2" {
				t.Errorf("closed by %q", by)
			}
			if open := must[int](t)(w.CountOpenDeadLetters(t.Context())); (open == 1) != tt.stays {
				t.Errorf("%d are open", open)
			}
		})
	}
}

// TestCloseDeadLettersOfRuns: a later run of the board makes up for a failed one.
func TestCloseDeadLettersOfRuns(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.letter(1, "migrate_board", `{"board_id": 1001}`)
	w.letter(2, "migrate_board", `{"board_id": 1002}`)
	run := `INSERT INTO migration_runs (job_id, board_id, board, state, finished_at) VALUES ($1, 1001, 'accounts', $2, now())`
	w.exec(run, 3, "failed")
	if closed := must[int64](t)(w.CloseDeadLetters(t.Context())); closed != 0 {
		t.Errorf("%d closed by a run that failed", closed)
	}
	w.exec(run, 4, "done")
	w.CloseDeadLetters(t.Context())
	if got := ask[string](w, "SELECT string_agg(job_id || ' ' || coalesce(closed_by, 'open'), ', ' ORDER BY job_id) FROM dead_letters"); got != "1 job 4, 2 open" {
		t.Errorf("dead letters: %s", got)
	}
}

// TestIgnoreLetters: what a person ignores is closed, with the person's name.
func TestIgnoreDeadLetters(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, job := range []int64{1, 2, 3} {
		w.letter(job, "unreadable", "{}")
	}
	w.exec("UPDATE dead_letters SET replayed_at = now() WHERE job_id = 3")
	for range 2 {
		ignored := must[[]int64](t)(w.IgnoreDeadLetters(t.Context(), []int64{1, 3, 9}, store.By{Actor: "ada"}))
		if len(ignored) > 0 && !slices.Equal(ignored, []int64{1}) {
			t.Errorf("ignored %v, want job 1 alone", ignored)
		}
	}
	if got := ask[string](w, "SELECT string_agg(job_id || ' ' || closed_by, ', ') FROM dead_letters WHERE closed_at IS NOT NULL"); got != "1 ignored by ada" {
		t.Errorf("closed: %s", got)
	}
}

// TestLogKeepsEnds: a replay keeps the earlier entries of the log, and takes over nothing from them.
func TestLogKeepsEnds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	failure := store.Failure{JobID: 1, Attempt: 1, Event: "update_name", ItemID: 7, Class: "permanent", Code: "BAD", Message: "first", Final: true}
	again := failure
	again.Message = "second"
	failure.Response = map[string]any{"records": []string{"contact"}}
	for _, f := range []store.Failure{failure, again} {
		if err := w.LogFailure(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Save(ctx, [16]byte{1}, store.Commit{Logs: []store.Log{{JobID: 1, Event: "update_name", ItemID: 7, Status: "success", Attempt: 1, Response: map[string]any{}, Unclaimed: true}}}); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := w.EachLog(ctx, failure.ReceivedAt, 7, func(r store.LogRow) error {
		got = append(got, r.Status+" "+r.Response)
		return nil
	})
	want := []string{`failed {"reason": "first", "records": ["contact"]}`, `failed {"reason": "second"}`, "success {}"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v; ends of the event (-want +got):\n%s", err, diff)
	}
	if n := ask[int](w, "SELECT count(*) FROM sync_logs"); n != 1 {
		t.Errorf("%d rows in sync_logs, want one a job", n)
	}
}
