package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// TestAddSweep: one sweep of a whole board runs at a time; named items are compared beside it, the same ones only once.
func TestAddSweep(t *testing.T) {
	t.Parallel()
	w := setup(t)
	add := func(board int64, kind string, o store.SweepOptions) error {
		_, err := w.AddSweep(t.Context(), store.Sweep{BoardID: board, Board: "leads", Kind: kind, Options: o},
			func(context.Context, pgx.Tx, store.Sweep) error { return nil })
		return err
	}
	for n, tt := range []struct {
		board   int64
		kind    string
		options store.SweepOptions
		want    error
	}{
		{1003, "reconcile", store.SweepOptions{}, nil},
		{1003, "apply", store.SweepOptions{}, store.ErrSweeping},
		{1003, "recent", store.SweepOptions{}, nil},
		{1003, "recent", store.SweepOptions{}, store.ErrSweeping},
		{1002, "apply", store.SweepOptions{}, nil},
		{1003, "apply", store.SweepOptions{Items: []int64{7}}, nil},
		{1003, "apply", store.SweepOptions{Items: []int64{7}}, store.ErrSweeping},
		{1003, "apply", store.SweepOptions{Items: []int64{7}, Adopt: mapping.Monday}, nil},
		{1003, "apply", store.SweepOptions{Items: []int64{8}}, nil},
	} {
		if err := add(tt.board, tt.kind, tt.options); !errors.Is(err, tt.want) {
			t.Errorf("%d: %v, want %v", n, err, tt.want)
		}
	}
	if found := must[[]store.Sweep](t)(w.RunningSweeps(t.Context(), 1003)); len(found) != 4 {
		t.Errorf("%d sweeps are running, want 4: %+v", len(found), found)
	}
	h := must[store.History](t)(w.ItemHistory(t.Context(), 7))
	if len(h.Sweeps) != 2 || h.Sweeps[1].Options.Adopt != mapping.Monday || h.Sweeps[0].NotBefore != nil {
		t.Errorf("sweeps of the item: %+v", h.Sweeps)
	}
	w.exec(`INSERT INTO river_job (kind, queue, state, max_attempts, scheduled_at, args)
		VALUES ('sweep_board', 'migrations', 'scheduled', 12, now() + interval '5 minutes', jsonb_build_object('sweep_id', $1::bigint))`, h.Sweeps[0].ID)
	if h := must[store.History](t)(w.ItemHistory(t.Context(), 7)); h.Sweeps[0].NotBefore == nil || h.Sweeps[1].NotBefore != nil {
		t.Errorf("one of them waits: %+v", h.Sweeps)
	}
	w.exec("UPDATE sweeps SET state = 'done'")
	if err := add(1003, "apply", store.SweepOptions{Items: []int64{7}}); err != nil {
		t.Errorf("once it is over: %v", err)
	}
}
