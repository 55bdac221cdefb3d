package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// TestKeepDoubts: without a lease on each of the items, the holder learns that it may not write. The doubts of items
// that another has leased, or that are unknown, are not stored.
func TestKeepDoubts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	holder := uuid.New()
	w.claim(holder, 1, 2)
	w.claim(uuid.New(), 3)
	doubtful := func(item int64) *ledger.Link {
		l := &ledger.Link{ItemID: item, Record: "contact", Object: "Contact"}
		l.WillSend("Email", ledger.Sending{Value: "a@example.org"})
		return l
	}
	stored := func() []int64 {
		return ask[[]int64](w, "SELECT array_agg(item_id ORDER BY item_id) FROM links WHERE doubts <> '{}'")
	}
	if err := w.KeepDoubts(t.Context(), holder, []*ledger.Link{doubtful(2), doubtful(1)}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]int64{1, 2}, stored()); diff != "" {
		t.Errorf("stored doubts (-want +got):\n%s", diff)
	}
	for _, other := range []int64{3, 4} {
		if err := w.KeepDoubts(t.Context(), holder, []*ledger.Link{doubtful(1), doubtful(other)}); !errors.Is(err,
			store.ErrLeaseLost) {
			t.Errorf("storing doubts of item %d: %v, want %v", other, err, store.ErrLeaseLost)
		}
	}
	if diff := cmp.Diff([]int64{1, 2}, stored()); diff != "" {
		t.Errorf("stored doubts (-want +got):\n%s", diff)
	}
}
