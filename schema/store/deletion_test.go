package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// TestAdmit lets items end one after another, and checks which may proceed: up to the larger of a number and a share
// of the board.
func TestAdmit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		known   int // items of the board
		brake   store.Brake
		batches [][]int64
		want    [][]int64
	}{
		"below the number":       {known: 10, brake: store.Brake{Deletes: 3, Percent: 5, Within: time.Hour}, batches: [][]int64{{1, 2}, {3}}, want: [][]int64{{1, 2}, {3}}},
		"above the number":       {known: 10, brake: store.Brake{Deletes: 3, Percent: 5, Within: time.Hour}, batches: [][]int64{{1, 2}, {3, 4, 5}}, want: [][]int64{{1, 2}, {3}}},
		"below the share":        {known: 100, brake: store.Brake{Deletes: 3, Percent: 5, Within: time.Hour}, batches: [][]int64{{1, 2, 3, 4, 5, 6}}, want: [][]int64{{1, 2, 3, 4, 5}}},
		"the same item again":    {known: 10, brake: store.Brake{Deletes: 1, Within: time.Hour}, batches: [][]int64{{1}, {1}}, want: [][]int64{{1}, {1}}},
		"once it holds":          {known: 10, brake: store.Brake{Deletes: 1, Within: time.Nanosecond}, batches: [][]int64{{1, 2}, {3}, {2}}, want: [][]int64{{1}, nil, nil}},
		"after the time is over": {known: 10, brake: store.Brake{Deletes: 1, Within: time.Nanosecond}, batches: [][]int64{{1}, {2}}, want: [][]int64{{1}, {2}}},
		"none is allowed":        {known: 10, brake: store.Brake{Within: time.Hour}, batches: [][]int64{{1}}, want: [][]int64{nil}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			ids := make([]int64, tt.known)
			for n := range ids {
				ids[n] = int64(n + 1)
			}
			w.claim(uuid.New(), ids...)
			for n, batch := range tt.batches {
				got, err := w.Admit(t.Context(), board, batch, false, tt.brake)
				if err != nil {
					t.Fatal(err)
				}
				slices.Sort(got)
				if diff := cmp.Diff(tt.want[n], got); diff != "" && len(got)+len(tt.want[n]) > 0 {
					t.Errorf("batch %d (-want +got):\n%s", n, diff)
				}
			}
		})
	}
}

// TestHeldArchives: holds and decisions distinguish items to archive from those whose records are to be deleted.
func TestHeldArchives(t *testing.T) {
	t.Parallel()
	w := setup(t)
	none := store.Brake{Within: time.Hour}
	must[[]int64](t)(w.Admit(t.Context(), board, []int64{1, 2}, false, none))
	must[[]int64](t)(w.Admit(t.Context(), board, []int64{2, 3}, true, none))
	holds := must[[]store.Hold](t)(w.Holds(t.Context()))
	if len(holds) != 1 || len(holds[0].Items) != 3 || !slices.Equal(holds[0].Archives, []int64{2, 3}) {
		t.Fatalf("held: %+v", holds)
	}
	must[[]int64](t)(w.Admit(t.Context(), board, []int64{3}, false, none)) // the item was deleted meanwhile
	got := must[[]store.Decided](t)(w.Decide(t.Context(), store.Decision{By: store.By{Actor: "ada"}, Act: store.ActDrop, BoardID: board}, nil))
	if len(got) != 3 || store.Archives(got) != 1 {
		t.Errorf("decided about %+v, want three items, of which one would be archived", got)
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	w := setup(t)
	none := store.Brake{Within: time.Hour}
	if _, err := w.Admit(t.Context(), board, []int64{1, 2, 3}, false, none); err != nil {
		t.Fatal(err)
	}
	if holds := must[[]store.Hold](t)(w.Holds(t.Context())); len(holds) != 1 || !slices.Equal(holds[0].Items, []int64{1, 2, 3}) {
		t.Fatalf("held: %+v", holds)
	}
	var queued []ledger.Ref
	requeue := func(_ context.Context, _ pgx.Tx, items []ledger.Ref) error {
		queued = append(queued, items...)
		return nil
	}
	decide := func(act string, item int64) {
		t.Helper()
		d := store.Decision{By: store.By{Actor: "ada"}, Act: act, Items: []int64{item}}
		if got := must[[]store.Decided](t)(w.Decide(t.Context(), d, requeue)); len(got) != 1 {
			t.Fatalf("decided about %v", got)
		}
	}
	decide(store.ActRelease, 1)
	decide(store.ActDrop, 2)
	if diff := cmp.Diff([]ledger.Ref{{BoardID: board, ItemID: 1}}, queued); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
	got := must[[]int64](t)(w.Admit(t.Context(), board, []int64{1, 2, 3}, false, none))
	if !slices.Equal(got, []int64{1}) {
		t.Errorf("admitted %v, want the item that was released", got)
	}
	if err := w.ForgetDeletions(t.Context(), []int64{2}); err != nil {
		t.Fatal(err)
	}
	if state := ask[int](w, "SELECT count(*) FROM deletions WHERE item_id = 2"); state != 0 {
		t.Error("a deletion of an item that is back is still known")
	}
}
