package worker

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"crmsync/schema/ledger"
)

// TestRing: the feed queues no second resync of an item while one waits for its first attempt. Beside one that is
// running, which may have read the record before the change, or that has failed once, it does.
func TestRing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	client, err := river.NewClient(riverpgxv5.New(w.db), &river.Config{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	p := &Pool{store: w.Store, queue: Queue(w.db), client: client}
	ring := func(items ...ledger.Ref) {
		t.Helper()
		err := pgx.BeginFunc(t.Context(), w.db, func(tx pgx.Tx) error { return p.ring(t.Context(), tx, items) })
		if err != nil {
			t.Fatal(err)
		}
	}
	const jobs = "SELECT count(*) FROM river_job WHERE kind = 'item_resync' AND args->>'item_id' = $1 AND priority = 2"
	expect := func(when, item string, want int64) {
		t.Helper()
		if got := ask[int64](w, jobs, item); got != want {
			t.Errorf("%s: %d resyncs of item %s, want %d", when, got, item, want)
		}
	}
	first, second := ledger.Ref{BoardID: 1001, ItemID: 1}, ledger.Ref{BoardID: 1001, ItemID: 2}
	ring(first)
	ring(first, second)
	ring(second, first)
	expect("rung again", "1", 1)
	expect("rung again", "2", 1)
	ring(ledger.Ref{BoardID: 1002, ItemID: 1}) // by a record that the item has on its other board
	expect("of another board", "1", 2)

	w.exec("UPDATE river_job SET state = 'running', attempt = 1 WHERE args->>'item_id' = '1'")
	w.exec("UPDATE river_job SET attempt = 1 WHERE args->>'item_id' = '2'")
	ring(first, second)
	ring(first, second)
	expect("while they run", "1", 3)
	expect("after an attempt", "2", 2)
	w.exec("UPDATE river_job SET state = 'completed', attempt = 1, finalized_at = now()")
	ring(first)
	expect("after they ran", "1", 4)

	w.exec("UPDATE river_job SET priority = 1, args = jsonb_set(args, '{item_id}', '7') WHERE state = 'available'")
	ring(ledger.Ref{BoardID: 1001, ItemID: 7})
	expect("beside one of another kind of work", "7", 1)
}
