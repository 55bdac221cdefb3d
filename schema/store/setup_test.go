package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/ledger"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
)

const board = 1001

// world is a store on a database of the test's own.
type world struct {
	*store.Store
	t  *testing.T
	db *pgxpool.Pool
}

func setup(t *testing.T) *world {
	t.Helper()
	db := schematest.New(t)
	return &world{store.New(db), t, db}
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

func (w *world) claim(holder uuid.UUID, ids ...int64) map[int64]*ledger.Item {
	w.t.Helper()
	refs := make([]ledger.Ref, len(ids))
	for n, id := range ids {
		refs[n] = ledger.Ref{BoardID: board, ItemID: id}
	}
	return must[map[int64]*ledger.Item](w.t)(w.Claim(w.t.Context(), holder, refs, time.Minute))
}

func (w *world) save(holder uuid.UUID, c store.Commit) []int64 {
	w.t.Helper()
	if c.Requeue == nil {
		c.Requeue = func(context.Context, pgx.Tx, []ledger.Ref) error { return nil }
	}
	return must[[]int64](w.t)(w.Save(w.t.Context(), holder, c))
}

// items returns changes of items, which are on the tests' board unless they say otherwise.
func items(all ...*ledger.Item) (changes []store.ItemChange) {
	for _, item := range all {
		if item.BoardID == 0 {
			item.BoardID = board
		}
		changes = append(changes, store.ItemChange{Item: item, Changed: true})
	}
	return changes
}
