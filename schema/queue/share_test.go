package queue_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
	"pgregory.net/rapid"

	"crmsync/schema/queue"
)

// fetcher returns what number i of n workers fetches with.
func (w *world) fetcher(i, n int) func(limit int) []*rivertype.JobRow {
	exec := queue.NewDriver(queue.DriverConfig{Pool: w.db, Share: share(i, n), Events: "events"}).GetExecutor()
	return func(limit int) []*rivertype.JobRow {
		w.t.Helper()
		fetched, err := exec.JobGetAvailable(w.t.Context(), &riverdriver.JobGetAvailableParams{
			ClientID: "client", MaxAttemptedBy: 2, MaxToLock: limit, Queue: "events"})
		if err != nil {
			w.t.Fatal(err)
		}
		return fetched.Jobs
	}
}

func share(i, n int) queue.Share { return func(context.Context) (int, int) { return i, n } }

func idsOf(jobs []*rivertype.JobRow) (ids []int64) {
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	slices.Sort(ids)
	return ids
}

// waiting is a job that a fetch finds.
type waiting struct {
	ID       int64
	Priority int
	Age      float64 // seconds
	Share    *int    // nil: it has no item
}

// shares returns the waiting jobs in River's order, with the shares of n workers.
func (w *world) shares(n int) []waiting {
	w.t.Helper()
	return ask[[]waiting](w, `
		SELECT coalesce(jsonb_agg(jsonb_build_object('ID', id, 'Priority', priority, 'Age', extract(epoch FROM now() - scheduled_at),
		                 'Share', (hashtext(args->>'item_id') & 2147483647) % $1) ORDER BY priority, scheduled_at, id), '[]')
		FROM   river_job
		WHERE  state = 'available' AND queue = 'events' AND scheduled_at <= now()`, n)
}

// choice returns the jobs that worker i should fetch if it sees all waiting ones.
func choice(jobs []waiting, i, limit int) (ids []int64) {
	due := func(j waiting) float64 { // seconds ago
		if j.Share != nil && *j.Share != i {
			return j.Age - 10
		}
		return j.Age
	}
	ready := slices.DeleteFunc(slices.Clone(jobs), func(j waiting) bool { return due(j) < 0 })
	if len(ready) == 0 {
		ready = jobs
	}
	slices.SortStableFunc(ready, func(a, b waiting) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), -cmp.Compare(due(a), due(b)), cmp.Compare(a.ID, b.ID))
	})
	for _, j := range ready[:min(limit, len(ready))] {
		ids = append(ids, j.ID)
	}
	slices.Sort(ids)
	return ids
}

// TestFetchShare compares what is fetched from random queues with the rule. Ages are far from those at which it decides
// otherwise.
func TestFetchShare(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rapid.Check(t, func(t *rapid.T) {
		w.exec("TRUNCATE river_job")
		for range rapid.IntRange(0, 12).Draw(t, "jobs") {
			args := rapid.SampledFrom([]string{`{}`, `{"item_id": 1}`, `{"item_id": 2}`, `{"item_id": 3}`, `{"item_id": 4}`}).Draw(t, "args")
			const insert = `
				INSERT INTO river_job (state, kind, args, queue, max_attempts, priority, scheduled_at, finalized_at)
				VALUES ($1::text::river_job_state, 'item_rename', $2, $3, 12, $4, now() - make_interval(secs => $5), CASE WHEN $1 = 'completed' THEN now() END)`
			w.exec(insert, rapid.SampledFrom([]string{"available", "available", "available", "running", "completed", "scheduled"}).Draw(t, "state"),
				args, rapid.SampledFrom([]string{"events", "events", "events", "migrations"}).Draw(t, "queue"), rapid.IntRange(1, 2).Draw(t, "priority"),
				rapid.SampledFrom([]int{-3600, 1, 2, 100, 104, 109, 130, 3600}).Draw(t, "age"))
		}
		i, limit := rapid.IntRange(0, 2).Draw(t, "worker"), rapid.IntRange(1, 8).Draw(t, "limit")
		jobs := w.shares(3)
		want := choice(jobs, i, limit)
		if got := idsOf(w.fetcher(i, 3)(limit)); !slices.Equal(got, want) {
			t.Fatalf("fetched %v, want %v of %+v", got, want, jobs)
		}
	})
}

// TestFetchSkips: a job that another worker is fetching is left to it, without waiting for its transaction to end.
func TestFetchSkips(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("ALTER DATABASE " + ask[string](w, "SELECT current_database()") + " SET lock_timeout = '10s'") // of new connections
	w.db.Reset()
	w.burst(1)
	tx := must[pgx.Tx](t)(w.db.Begin(t.Context()))
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), "SELECT FROM river_job ORDER BY id LIMIT 1 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	if got := len(w.fetcher(0, 2)(10)); got != 9 {
		t.Errorf("fetched %d jobs, want 9", got)
	}
}

// burst inserts events of items that come one after the other, ten times.
func (w *world) burst(items int) {
	w.t.Helper()
	w.exec(`INSERT INTO river_job (args, kind, max_attempts, queue)
		SELECT jsonb_build_object('item_id', 8500000000 + n % $1::int), 'item_rename', 12, 'events' FROM generate_series(1, 10 * $1::int) AS n`, items)
	w.exec("ANALYZE river_job")
}

// TestFetchMeetings lets two workers drain a burst that is longer than a fetch looks ahead. Nearly all events of an item
// go to the same worker, also when one of them is a little slower, and at the end the slower one gets help.
func TestFetchMeetings(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.burst(500)
	workers := []func(int) []*rivertype.JobRow{w.fetcher(0, 2), w.fetcher(1, 2)}
	by, fetched := map[string][2]int{}, 0
	for turn := 0; ; turn++ {
		some := false
		for i, fetch := range workers {
			jobs := fetch(200 - 40*i)
			some, fetched = some || len(jobs) > 0, fetched+len(jobs)
			for _, j := range jobs {
				n := by[string(j.EncodedArgs)]
				n[i]++
				by[string(j.EncodedArgs)] = n
			}
		}
		if !some {
			break
		}
	}
	stolen := 0
	for _, n := range by {
		stolen += min(n[0], n[1])
	}
	if fetched != 5000 || stolen > 500 || stolen == 0 {
		t.Errorf("fetched %d events, %d of them by the worker that has fewer of their item; want 5000, and some, but at most 500", fetched, stolen)
	}
}

// TestFetchDeep: of more events than a fetch looks at, all of which have just become due, others' fill up.
func TestFetchDeep(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.burst(1) // all of one share
	w.exec(`INSERT INTO river_job (args, kind, max_attempts, queue) SELECT '{"item_id": 8500000000}', 'item_rename', 12, 'events' FROM generate_series(1, 991)`)
	first := w.shares(2)
	idle := w.fetcher(1-*first[0].Share, 2)
	w.exec("UPDATE river_job SET args = '{}' WHERE id = $1", first[5].ID)
	if got := len(idle(200)); got != 200 {
		t.Errorf("fetched %d of 1001 events, want 200", got)
	}
	if state := ask[string](w, "SELECT state::text FROM river_job WHERE id = $1", first[5].ID); state != "running" {
		t.Errorf("the event of its own is %s", state)
	}
	w.exec("UPDATE river_job SET args = '{}' WHERE id = (SELECT max(id) FROM river_job)") // 801 wait
	if got := len(idle(200)); got != 1 {
		t.Errorf("fetched %d events, want 1: the other worker is not behind", got)
	}
	if got := len(idle(200)); got != 200 {
		t.Errorf("fetched %d events, want 200: there are none of its own", got)
	}
}

// TestFetchAtOnce lets several workers fetch at the same time: each job goes to one of them, as do those of a queue that
// is not shared.
func TestFetchAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.burst(300)
	var mu sync.Mutex
	var ids []int64
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			fetch := w.fetcher(i, 3) // number 3 of 3 has no share
			for {
				jobs := fetch(70)
				mu.Lock()
				ids = append(ids, idsOf(jobs)...)
				mu.Unlock()
				if len(jobs) == 0 && !ask[bool](w, "SELECT EXISTS (SELECT FROM river_job WHERE state = 'available')") {
					return
				}
			}
		})
	}
	wait.Wait()
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 3000 || ask[int](w, "SELECT count(*) FROM river_job WHERE state = 'running' AND attempt = 1") != 3000 {
		t.Errorf("%d different jobs fetched, want 3000, each once", n)
	}
}
