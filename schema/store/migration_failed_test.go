package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/postgres"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
)

// failing commits a page of a run of the board, and nothing else.
func (w *world) failing(job int64, p store.Page) (run int64) {
	w.t.Helper()
	holder := uuid.New()
	started := must[*store.Run](w.t)(w.StartRun(w.t.Context(), job, board, "accounts", holder))
	p.RunID, p.BoardID = started.ID, board
	if err := w.SavePage(w.t.Context(), holder, store.Commit{}, p); err != nil {
		w.t.Fatal(err)
	}
	if err := w.FailRun(w.t.Context(), job, "stopped"); err != nil {
		w.t.Fatal(err)
	}
	return started.ID
}

// Failed records are stored until they need no further attempt, each with its last run.
func TestFailedRecords(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.failing(1, store.Page{Counts: store.Counts{Read: 4, Created: 1, Failed: 3, LeftOut: 1}, Failed: []store.FailedRecord{
		{SalesforceID: "b", Code: "X"}, {SalesforceID: "B", Code: "X"}, {SalesforceID: "a", Columns: []string{"phone", "email"}}, {SalesforceID: "c", Code: "X"},
	}})
	second := w.failing(2, store.Page{Failed: []store.FailedRecord{{SalesforceID: "b", Code: "Y"}}, Recovered: []string{"c", "unknown"}})
	for name, tt := range map[string]struct {
		run   int64
		after string
		limit int
		want  []string
	}{
		"of other runs": {second, "", 10, []string{"B", "a"}}, "of all runs": {0, "", 10, []string{"B", "a", "b"}},
		"the first": {0, "", 1, []string{"B"}}, "behind it": {0, "B", 1, []string{"a"}}, "behind all": {0, "b", 10, []string{}},
	} {
		got := must[[]string](t)(w.FailedRecords(t.Context(), board, tt.run, tt.after, tt.limit))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	want := map[string]store.FailedRecord{
		"a": {SalesforceID: "a", RunID: first, Columns: []string{"phone", "email"}}, "b": {SalesforceID: "b", RunID: second, Code: "Y", Columns: []string{}},
	}
	got := must[map[string]store.FailedRecord](t)(w.FailedOf(t.Context(), board, []string{"a", "b", "c", "z"}))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if other := must[[]string](t)(w.FailedRecords(t.Context(), board+1, 0, "", 10)); len(other) != 0 {
		t.Errorf("another board has %v", other)
	}
	if runs := ask[int](w, "SELECT runs FROM migration_failed WHERE salesforce_id = 'b'"); runs != 2 {
		t.Errorf("%d runs attempted the record, want 2", runs)
	}
	run := must[map[int64]store.Run](t)(w.RunsOf(t.Context(), []int64{1}))[1]
	if want := (store.Counts{Read: 4, Created: 1, Failed: 3, LeftOut: 1}); run.Counts != want {
		t.Errorf("counts %+v, want %+v", run.Counts, want)
	}
}

// A database without tables, or with those of an older version, leads to an error that says what to do.
func TestOldSchema(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("ALTER TABLE migration_runs DROP COLUMN left_out")
	_, older := w.Runs(t.Context(), 1)
	w.exec("DROP TABLE migration_runs")
	_, none := w.Runs(t.Context(), 1)
	for name, err := range map[string]error{"older": older, "none": none} {
		if !errors.Is(err, postgres.ErrOldSchema) {
			t.Errorf("%s: %v, want an error that asks for the schema to be migrated", name, err)
		}
	}
}

// A run's position is stored in each query mode of pgx: poolers need another one.
func TestCursorInQueryModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			config, err := pgxpool.ParseConfig(schematest.URL(t))
			if err != nil {
				t.Fatal(err)
			}
			config.ConnConfig.DefaultQueryExecMode = mode
			db, err := pgxpool.NewWithConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			s, holder := store.New(db), uuid.New()
			run := must[*store.Run](t)(s.StartRun(t.Context(), 1, board, "accounts", holder))
			want := store.Cursor{At: "2026-09-01T10:00:00.000Z", ID: "001", Until: "2026-09-01T11:00:00.000Z", Lap: 1, Wrote: true}
			if err := s.MoveRun(t.Context(), run.ID, holder, want, 7); err != nil {
				t.Fatal(err)
			}
			if got := must[[]store.Run](t)(s.Runs(t.Context(), 1))[0].Cursor; got != want {
				t.Errorf("cursor %+v, want %+v", got, want)
			}
		})
	}
}
