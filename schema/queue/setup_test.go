package queue_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/queue"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
)

// world is a queue and a store on a database of the test's own.
type world struct {
	*queue.Queue
	store *store.Store
	t     *testing.T
	db    *pgxpool.Pool
}

func setup(t *testing.T) *world {
	t.Helper()
	db := schematest.New(t)
	return &world{queue.New(db, queue.Names{Events: "events", Migrations: "migrations", MigrateBoard: "migrate_board"}), store.New(db), t, db}
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	schematest.Exec(w.t, w.db, query, args...)
}

func ask[T any](w *world, query string, args ...any) T {
	w.t.Helper()
	return schematest.Ask[T](w.t, w.db, query, args...)
}

func must[T any](t *testing.T) func(T, error) T { return schematest.Must[T](t) }

// job puts a job into the queue, and lets River leave it in a state.
func (w *world) job(state, kind, args string) int64 {
	w.t.Helper()
	job := ask[int64](w, `
		INSERT INTO river_job (state, kind, args, queue, attempt, max_attempts, errors)
		VALUES ('running', $1, $2::jsonb, 'events', 12, 12, ARRAY['{"attempt":12,"error":"salesforce: 400 BAD"}']::jsonb[]) RETURNING id`,
		kind, args)
	final := state == "discarded" || state == "cancelled" || state == "completed"
	w.exec(`UPDATE river_job SET state = $2::text::river_job_state, finalized_at = CASE WHEN $3 THEN clock_timestamp() END WHERE id = $1`,
		job, state, final)
	return job
}

// die lets River discard a job once more.
func (w *world) die(job int64) {
	w.t.Helper()
	w.exec("UPDATE river_job SET state = 'discarded', finalized_at = clock_timestamp() WHERE id = $1", job)
}
