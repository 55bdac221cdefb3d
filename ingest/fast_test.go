package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"crmsync/ingest"
	"crmsync/jobs"
	"crmsync/schema/schematest"
)

// TestFastAndSlow counts how groups are inserted: the fast way until a group contains a repeat, then the slow way for
// some seconds. Deliveries that Monday marks as repeats never go the fast way.
func TestFastAndSlow(t *testing.T) {
	t.Parallel()
	var c clock
	pool := schematest.New(t)
	ways := &counted{Inserter: client(t, pool)}
	b := setup(t, pool, ingest.Config{Secrets: []string{secret}, Now: c.now, Insert: ways})
	create := func(key, more string) string {
		return event("create_pulse", fmt.Sprintf(`,"triggerUuid":%q%s`, key, more))
	}
	const accepted, duplicate = `200 {"status":"accepted"}`, `200 {"status":"duplicate"}`
	steps := []struct {
		what, body, answer string
		later              time.Duration
		fast, slow         int
	}{
		{"new", create("a", ""), accepted, 0, 1, 0},
		{"new", create("b", ""), accepted, 0, 2, 0},
		{"a repeat", create("a", ""), duplicate, 0, 3, 1},
		{"new, just after", create("c", ""), accepted, 0, 3, 2},
		{"new, seconds later", create("d", ""), accepted, 5 * time.Second, 4, 2},
		{"marked as a repeat", create("a", `,"isRetry":true`), duplicate, 0, 4, 3},
		{"marked as a repeat, but new", create("e", `,"isRetry":true`), accepted, 0, 4, 4},
		{"new, after those", create("f", ""), accepted, 0, 5, 4},
		{"unreadable", "bad", keptAnswer, 0, 6, 4},
	}
	for _, s := range steps {
		c.advance(s.later)
		b.answers(t, s.body, s.answer)
		if fast, slow := int(ways.fast.Load()), int(ways.slow.Load()); fast != s.fast || slow != s.slow {
			t.Errorf("after %s: %d groups the fast way and %d the slow, want %d and %d", s.what, fast, slow, s.fast, s.slow)
		}
	}
	if kinds, _ := b.jobs(t); len(kinds) != 7 {
		t.Errorf("%d jobs, want 7", len(kinds))
	}
}

// counted counts the groups that are inserted each way.
type counted struct {
	ingest.Inserter
	fast, slow atomic.Int32
}

func (c *counted) InsertMany(ctx context.Context, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
	c.slow.Add(1)
	return c.Inserter.InsertMany(ctx, params)
}

func (c *counted) InsertManyFast(ctx context.Context, params []river.InsertManyParams) (int, error) {
	c.fast.Add(1)
	return c.Inserter.InsertManyFast(ctx, params)
}

func creates(keys ...string) (params []river.InsertManyParams) {
	for _, key := range keys {
		params = append(params, river.InsertManyParams{Args: jobs.ItemCreateArgs{Event: jobs.Event{Key: key}}})
	}
	return params
}

func renames(keys ...string) (params []river.InsertManyParams) {
	for _, key := range keys {
		params = append(params, river.InsertManyParams{Args: jobs.ItemRenameArgs{Event: jobs.Event{Key: key}}})
	}
	return params
}

// TestFastInsertIsWhole inserts a group with one key that is stored already: nothing of the group is inserted.
func TestFastInsertIsWhole(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t)
	q := client(t, pool)
	if n, err := q.InsertManyFast(t.Context(), creates("a", "b")); err != nil || n != 2 {
		t.Fatalf("InsertManyFast() = %d, %v", n, err)
	}
	_, err := q.InsertManyFast(t.Context(), creates("c", "b", "d"))
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "23505" {
		t.Errorf("with a key that is stored already: %v, want SQLSTATE 23505", err)
	}
	rows, err := pool.Query(t.Context(), "SELECT args->>'key' FROM river_job ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if fmt.Sprint(keys) != "[a b]" || err != nil {
		t.Errorf("keys %v, %v; want a and b", keys, err)
	}
}

// TestFastInsertIsAlike compares a job inserted by COPY with one inserted the slow way.
func TestFastInsertIsAlike(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t)
	q := client(t, pool)
	if _, err := q.InsertManyFast(t.Context(), creates("a")); err != nil {
		t.Fatal(err)
	}
	if _, err := q.InsertMany(t.Context(), creates("b")); err != nil {
		t.Fatal(err)
	}
	const differences = `
		SELECT count(DISTINCT (to_jsonb(j) - '{id,args,unique_key,created_at,scheduled_at}'::text[])) - 1
		     + count(*) FILTER (WHERE created_at <> scheduled_at OR created_at < now() - interval '1 hour')
		     + 2 - count(DISTINCT unique_key)
		FROM river_job j`
	var n int
	if err := pool.QueryRow(t.Context(), differences).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d differences, %v", n, err)
	}
}

// TestFastInsertNotifies waits for River's notification of an insert, as a worker does.
func TestFastInsertNotifies(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t)
	q := client(t, pool)
	worker, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Release()
	if _, err := worker.Exec(t.Context(), `LISTEN "public.river_insert"`); err != nil {
		t.Fatal(err)
	}
	if _, err := q.InsertManyFast(t.Context(), creates("a")); err != nil {
		t.Fatal(err)
	}
	notified, err := worker.Conn().WaitForNotification(t.Context())
	if err != nil || notified.Payload != `{"queue": "events"}` {
		t.Errorf("notified %+v, %v", notified, err)
	}
}
