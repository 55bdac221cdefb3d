package store_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// raceItems is the number of items of a race, half of which each claim wants.
const raceItems = 40

// race is what the holders of a race agree on.
type race struct {
	*world
	mu     sync.Mutex
	holder map[int64]uuid.UUID // of each item that is claimed
	got    int                 // claims of an item
}

// TestClaimRace: holders claim overlapping sets in any order, and save, renew and release what they get, while
// comparisons mark the same items. No item has two holders, no lease is lost, and no two wait for each other: a
// deadlock would be an error.
func TestClaimRace(t *testing.T) {
	t.Parallel()
	r := &race{world: setup(t), holder: map[int64]uuid.UUID{}}
	sweep := store.Sweep{ID: ask[int64](r.world,
		"INSERT INTO sweeps (board_id, board, kind, state) VALUES ($1, 'b', 'reconcile', 'running') RETURNING id", board)}
	noMore := func(context.Context, pgx.Tx) error { return nil }
	var wait sync.WaitGroup
	for n := range uint64(6) {
		rng := rand.New(rand.NewPCG(n, 0))
		wait.Go(func() {
			for range 40 {
				if err := r.round(rng); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Go(func() {
		rng := rand.New(rand.NewPCG(7, 0))
		for range 80 {
			if err := r.SaveSweptPage(t.Context(), store.SweptPage{Sweep: sweep, Seen: some(rng)}, noMore); err != nil {
				t.Error(err)
				return
			}
			sweep.Pages++
		}
	})
	wait.Wait()
	if r.got < raceItems {
		t.Errorf("only %d items were claimed", r.got)
	}
}

// round claims some items and ends their leases in one of the ways.
func (r *race) round(rng *rand.Rand) error {
	ctx, holder := r.t.Context(), uuid.New()
	var refs []ledger.Ref
	for _, id := range some(rng) {
		refs = append(refs, ledger.Ref{BoardID: board, ItemID: id})
	}
	claimed, err := r.Claim(ctx, holder, refs, time.Minute)
	if err != nil {
		return err
	}
	got := ids(claimed)
	r.take(holder, got)
	if rng.IntN(2) == 0 {
		if err := r.Renew(ctx, holder, got, time.Minute); err != nil {
			return err
		}
	}
	rng.Shuffle(len(got), func(a, b int) { got[a], got[b] = got[b], got[a] })
	r.leave(got)
	if rng.IntN(3) == 0 {
		return r.Release(ctx, holder, got)
	}
	var c store.Commit
	for _, id := range got {
		c.Items = append(c.Items, items(claimed[id])...)
	}
	lost, err := r.Save(ctx, holder, c)
	if err == nil && len(lost) > 0 {
		r.t.Errorf("lost %v", lost)
	}
	return err
}

func (r *race) take(holder uuid.UUID, got []int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got += len(got)
	for _, id := range got {
		if other, held := r.holder[id]; held {
			r.t.Errorf("item %d is held by %s and %s", id, other, holder)
		}
		r.holder[id] = holder
	}
}

func (r *race) leave(got []int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range got {
		delete(r.holder, id)
	}
}

// some returns half of the items, in any order.
func some(rng *rand.Rand) []int64 {
	var picked []int64
	for _, n := range rng.Perm(raceItems)[:raceItems/2] {
		picked = append(picked, int64(n))
	}
	return slices.Clip(picked)
}
