package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"crmsync/ingest"
	"crmsync/schema/queue"
	"crmsync/schema/schematest"
)

// blind is an inserter as the program uses it, and the client's own way to insert.
func blind(t *testing.T, pool *pgxpool.Pool) (*ingest.Blind, func(context.Context, []river.InsertManyParams) (int, error), *queue.Queue) {
	t.Helper()
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Middleware: []rivertype.Middleware{&ingest.Keys{}}})
	if err != nil {
		t.Fatal(err)
	}
	q := queue.New(pool, queue.Names{})
	return ingest.NewBlind(client.InsertManyFast, q.Queued), client.InsertManyFast, q
}

// skipped returns which jobs of an insert were in the queue.
func skipped(t *testing.T, results []*rivertype.JobInsertResult, err error) (all []bool) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		all = append(all, r.UniqueSkippedAsDuplicate)
	}
	return all
}

// TestBlindInsert checks that repeats are recognized as River's own InsertMany does, in any state of the job and
// without reading one, and that a job of another kind with the same key is not a repeat.
func TestBlindInsert(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t)
	b, _, _ := blind(t, pool)
	results, err := b.InsertMany(t.Context(), creates("a", "b"))
	if got := skipped(t, results, err); fmt.Sprint(got) != "[false false]" {
		t.Errorf("new ones are skipped: %v", got)
	}
	schematest.Exec(t, pool, "UPDATE river_job SET state = 'completed', finalized_at = now() WHERE args->>'key' = 'b'")
	results, err = b.InsertMany(t.Context(), append(creates("c", "b", "a"), renames("a")...))
	if got := skipped(t, results, err); fmt.Sprint(got) != "[false true true false]" {
		t.Errorf("skipped: %v, want b and a", got)
	}
	results, err = b.InsertMany(t.Context(), creates("a", "b", "c"))
	if got := skipped(t, results, err); fmt.Sprint(got) != "[true true true]" {
		t.Errorf("repeats only: %v", got)
	}
	if n := schematest.Ask[int](t, pool, "SELECT count(*) FROM river_job"); n != 4 {
		t.Errorf("%d jobs, want 4", n)
	}
}

// TestBlindInsertMeetsAnother: another process inserts one of the keys after they were looked for.
func TestBlindInsertMeetsAnother(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t)
	_, insert, q := blind(t, pool)
	looks := 0
	b := ingest.NewBlind(insert, func(ctx context.Context, keys []string) (map[string]bool, error) {
		known, err := q.Queued(ctx, keys)
		if looks++; looks == 1 {
			_, err = insert(ctx, creates("b"))
		}
		return known, err
	})
	results, err := b.InsertMany(t.Context(), creates("a", "b", "c"))
	if got := skipped(t, results, err); fmt.Sprint(got) != "[false true false]" || looks != 2 {
		t.Errorf("skipped: %v after %d looks", got, looks)
	}
	always := ingest.NewBlind(insert, func(context.Context, []string) (map[string]bool, error) { return nil, nil })
	if _, err := always.InsertMany(t.Context(), creates("a")); !taken(err) {
		t.Errorf("error %v, want a unique violation", err)
	}
}

func taken(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "23505"
}

// TestBlindHandler sends a delivery three times through the handler.
func TestBlindHandler(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t)
	inserter, _, _ := blind(t, pool)
	b := setup(t, pool, ingest.Config{Secrets: []string{secret}, Insert: inserter})
	for n, want := range []string{"accepted", "duplicate", "duplicate"} {
		got := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", event("create_pulse", `,"pulseName":"x","triggerUuid":"u"`)).Body.String()
		if got != `{"status":"`+want+`"}` {
			t.Errorf("delivery %d: %s, want %s", n+1, got, want)
		}
	}
}
