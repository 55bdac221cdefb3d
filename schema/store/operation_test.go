package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// TestOperations: an act of a person is stored with who did what to which items, and is found by item.
func TestOperations(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx := t.Context()
	ada := store.By{Actor: "ada", Via: store.ViaCLI}
	w.letter(1, "item_rename", `{"item_id": 7}`)
	w.letter(2, "item_rename", `{"item_id": 8}`)
	w.letter(3, "unreadable", `{}`)
	must[[]int64](t)(w.IgnoreDeadLetters(ctx, []int64{1, 2, 3}, ada))
	must[[]int64](t)(w.IgnoreDeadLetters(ctx, []int64{1, 99}, ada)) // nothing is left to ignore
	w.exec("INSERT INTO deletions (item_id, board_id, state) VALUES (7, 1001, 'held'), (9, 1001, 'held')")
	nothing := func(context.Context, pgx.Tx, []ledger.Ref) error { return nil }
	must[[]store.Decided](t)(w.Decide(ctx, store.Decision{By: ada, Act: store.ActRelease, Items: []int64{7}}, nothing))
	must[[]store.Decided](t)(w.Decide(ctx, store.Decision{By: ada, Act: store.ActDrop}, nothing))
	grace := store.By{Actor: "grace", Via: store.ViaConsole, Reason: "asked for by the donor"}
	if err := w.RecordOperation(ctx, store.Operation{By: grace, Act: store.ActErase, Subject: "item 9", Items: []int64{9, 9}}); err != nil {
		t.Fatal(err)
	}
	want := []store.Operation{
		{By: grace, Act: "erase", Subject: "item 9", Items: []int64{9}},
		{By: ada, Act: "drop", Subject: "item 9", Items: []int64{9}},
		{By: ada, Act: "release", Subject: "item 7", Items: []int64{7}},
		{By: ada, Act: "ignore", Subject: "jobs 1, 2, 3", Items: []int64{7, 8}},
	}
	same := cmpopts.IgnoreFields(store.Operation{}, "At")
	if diff := cmp.Diff(want, must[[]store.Operation](t)(w.Operations(ctx, 0, 10)), same); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	of7 := must[[]store.Operation](t)(w.Operations(ctx, 7, 10))
	if diff := cmp.Diff([]store.Operation{want[2], want[3]}, of7, same); diff != "" || time.Since(of7[0].At) > time.Hour {
		t.Errorf("operations of an item (-want +got):\n%s", diff)
	}
	if n := len(must[[]store.Operation](t)(w.Operations(ctx, 0, 2))); n != 2 {
		t.Errorf("%d operations, want the two latest", n)
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	many := make([]int64, 17)
	for n := range many {
		many[n] = int64(n)
	}
	for want, ids := range map[string][]int64{
		"job 5":     {5},
		"jobs 5, 6": {5, 6},
		"jobs 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 and 2 more": many,
	} {
		if got := store.Subject("job", ids); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
