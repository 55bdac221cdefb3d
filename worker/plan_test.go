package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"

	"crmsync/jobs"
	"crmsync/schema/postgres"
	"crmsync/schema/queue"
	"crmsync/schema/schematest"
)

// TestFetchAfterEmptyQueue lets a worker look for jobs while the queue's table is empty, without a single page, as
// after a weekend. A plan that is kept from then would compare each of the next jobs with each other one.
func TestFetchAfterEmptyQueue(t *testing.T) {
	t.Parallel()
	for name, share := range map[string]queue.Share{
		"alone": nil, "shared": func(context.Context) (int, int) { return 0, 2 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fetchAfterEmptyQueue(t, share)
		})
	}
}

func fetchAfterEmptyQueue(t *testing.T, share queue.Share) {
	t.Helper()
	db, queueDB := split(t, 1)
	const n = 1000
	const insert = `INSERT INTO river_job (args, kind, queue, max_attempts) SELECT '{}', 'item_resync', $1, 12 FROM generate_series(1, $2)`
	schematest.Exec(t, db, insert, jobs.QueueEvents, 1)
	schematest.Exec(t, db, "DELETE FROM river_job")
	schematest.Exec(t, db, "VACUUM ANALYZE river_job")
	if size := schematest.Ask[int64](t, db, "SELECT pg_relation_size('river_job')"); size > 0 {
		t.Fatalf("the empty table has %d bytes", size)
	}
	driver := queue.NewDriver(queue.DriverConfig{Pool: queueDB, Alone: true, Share: share, Events: jobs.QueueEvents})
	for range 10 { // Postgres keeps a plan from the sixth time on at the latest
		_, err := driver.GetExecutor().JobGetAvailable(t.Context(),
			&riverdriver.JobGetAvailableParams{ClientID: "a", MaxAttemptedBy: 100, MaxToLock: n, Queue: jobs.QueueEvents})
		if err != nil {
			t.Fatal(err)
		}
	}
	schematest.Exec(t, db, insert, jobs.QueueEvents, n)
	name := schematest.Ask[string](t, queueDB,
		"SELECT name FROM pg_prepared_statements WHERE statement LIKE '%SKIP LOCKED%' AND generic_plans > 1")
	plan := schematest.Ask[[]byte](t, queueDB, "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE "+
		pgx.Identifier{name}.Sanitize())
	var top []struct{ Plan planNode }
	if err := json.Unmarshal(plan, &top); err != nil || top[0].Plan.Rows != n {
		t.Fatalf("%v: %s", err, plan)
	}
	if rows := top[0].Plan.work(); rows > 20*n || bytes.Contains(plan, []byte("Seq Scan")) {
		t.Errorf("fetching %d jobs takes %.0f rows, or each is compared with all:\n%s", n, rows, plan)
	}
}

// split returns the pools of a process that reaches Postgres directly: the second is River's, with a number of
// connections.
func split(t *testing.T, connections int32) (db, queueDB *pgxpool.Pool) {
	t.Helper()
	db, _, err := postgres.Open(t.Context(), schematest.URL(t), 5)
	if err != nil {
		t.Fatal(err)
	}
	if db, queueDB, err = postgres.Split(t.Context(), db, connections); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queueDB.Close(); db.Close() })
	return db, queueDB
}

// planNode is a step of an executed plan.
type planNode struct {
	Rows    float64 `json:"Actual Rows"`
	Loops   float64 `json:"Actual Loops"`
	Removed float64 `json:"Rows Removed by Join Filter"`
	Plans   []planNode
}

// work returns how many rows the step and those below it went through.
func (n planNode) work() float64 {
	rows := n.Loops * (n.Rows + n.Removed)
	for _, below := range n.Plans {
		rows += below.work()
	}
	return rows
}
