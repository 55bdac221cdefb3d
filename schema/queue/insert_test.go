package queue_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"crmsync/schema/queue"
)

// uniqueArgs are the args of a job that is unique by its key.
type uniqueArgs struct {
	Key  string `json:"key" river:"unique"`
	Item int64  `json:"item_id"`
}

func (uniqueArgs) Kind() string { return "item_create" }

func (uniqueArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "events", UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: rivertype.JobStates()}}
}

// newJob is a job as River would encode it.
func newJob(key, args string) queue.Job {
	return queue.Job{Kind: "item_create", Key: queue.KeyOf("item_create", key), Args: []byte(args)}
}

// TestInsertIsRivers compares each column of a job's row with that of River's client.
func TestInsertIsRivers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	client, err := river.NewClient(riverpgxv5.New(w.db), &river.Config{MaxAttempts: 12})
	if err != nil {
		t.Fatal(err)
	}
	for key, args := range map[string]string{
		"9347407c:12736724196:status": `{"key":"9347407c:12736724196:status","item_id":7}`,
		"\"a<b>\\é😀\n\u2028":          `{"key":"\"a\u003cb\u003e\\é😀\n\u2028","item_id":7}`,
		"":                            `{"key":"","item_id":7}`,
	} {
		const row = `SELECT to_jsonb(j) - '{id,created_at,scheduled_at}'::text[] FROM river_job AS j`
		if _, err := client.InsertMany(t.Context(), []river.InsertManyParams{{Args: uniqueArgs{key, 7}}}); err != nil {
			t.Fatal(err)
		}
		want := ask[map[string]any](w, row)
		w.exec("DELETE FROM river_job")
		if err := w.Insert(t.Context(), 12, []queue.Job{newJob(key, args)}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, ask[map[string]any](w, row)); diff != "" {
			t.Errorf("%q (-river +ours):\n%s", key, diff)
		}
		const times = "SELECT bool_and(created_at = scheduled_at AND abs(extract(epoch FROM now() - created_at)) < 3600) FROM river_job"
		if !ask[bool](w, times) {
			t.Errorf("%q: created or scheduled at another time", key)
		}
		w.exec("DELETE FROM river_job")
	}
}

// TestInsertIsWhole: a group with one key that is stored already, in any state, inserts nothing.
func TestInsertIsWhole(t *testing.T) {
	t.Parallel()
	w := setup(t)
	group := func(keys ...string) (all []queue.Job) {
		for _, key := range keys {
			all = append(all, newJob(key, `{"key":"`+key+`"}`))
		}
		return all
	}
	keys := func() []string { return ask[[]string](w, "SELECT array_agg(args->>'key' ORDER BY id) FROM river_job") }
	if err := w.Insert(t.Context(), 12, group("a", "b")); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"available", "running", "completed", "cancelled", "discarded"} {
		w.exec("UPDATE river_job SET state = $1::text::river_job_state, finalized_at = "+
			"CASE WHEN $1 IN ('completed', 'cancelled', 'discarded') THEN now() END WHERE args->>'key' = 'b'", state)
		err := w.Insert(t.Context(), 12, group("c", "b", "d"))
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "23505" {
			t.Errorf("with a key that is %s: %v, want SQLSTATE 23505", state, err)
		}
	}
	if got := keys(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("keys %v, want a and b", got)
	}
	found := must[map[queue.Key]bool](t)(w.Queued(t.Context(), group("c", "b", "a")))
	want := map[queue.Key]bool{queue.KeyOf("item_create", "a"): true, queue.KeyOf("item_create", "b"): true}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
	other := queue.Job{Kind: "item_rename", Key: queue.KeyOf("item_rename", "a"), Args: []byte(`{"key":"a"}`)}
	if err := w.Insert(t.Context(), 12, []queue.Job{other}); err != nil {
		t.Errorf("the same key of another kind: %v", err)
	}
}

// TestInsertFails: after args that jsonb rejects, or a lost connection, the next group is inserted.
func TestInsertFails(t *testing.T) {
	t.Parallel()
	w := setup(t)
	err := w.Insert(t.Context(), 12, []queue.Job{newJob("a", `{"key":"a"}`), newJob("b", `{"key":"\u0000"}`)})
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "22P05" {
		t.Errorf("NUL: %v, want SQLSTATE 22P05", err)
	}
	large := `{"key":"` + string(slices.Repeat([]byte("x"), 1<<20)) + `"}`
	if err := w.Insert(t.Context(), 12, []queue.Job{newJob("a", large), newJob("b", large)}); err != nil {
		t.Error(err)
	}
	if n := ask[int](w, "SELECT count(*) FROM river_job WHERE length(args->>'key') = 1048576"); n != 2 {
		t.Errorf("%d jobs, want 2", n)
	}
}

// TestInsertNotifies waits for River's notification of an insert, as a worker does. A later notification shows if there
// was none: they arrive in the order of the commits.
func TestInsertNotifies(t *testing.T) {
	t.Parallel()
	w := setup(t)
	worker, err := pgx.ConnectConfig(t.Context(), w.db.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close(t.Context())
	if _, err := worker.Exec(t.Context(), `LISTEN "public.river_insert"`); err != nil {
		t.Fatal(err)
	}
	if err := w.Insert(t.Context(), 12, []queue.Job{newJob("a", `{"key":"a"}`)}); err != nil {
		t.Fatal(err)
	}
	w.exec(`SELECT pg_notify('public.river_insert', 'a later one')`)
	notified, err := worker.WaitForNotification(t.Context())
	if err != nil || notified.Payload != `{"queue": "events"}` {
		t.Errorf("notified %+v, %v", notified, err)
	}
}
