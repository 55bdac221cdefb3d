package sweep

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"crmsync/jobs"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/engine"
	"crmsync/worker/engine/plan"
)

// ending is what the end of a sweep does about the items that its pages did not show.
type ending struct {
	deleted []engine.Found  // archived or deleted in Monday
	held    []int64         // items whose records the brake has held and now releases
	moved   map[int64]int64 // items that were moved to another board
}

// end ends the items that Monday has archived or deleted, and has moved items compared. As for an event, Monday is
// asked again, and the brake holds excess deletions.
func (s *Sweeper) end(ctx context.Context, board *mapping.Board, w store.Sweep) error {
	if w.Options.Recent != nil {
		return nil // a recent sweep sees only a part of the board
	}
	candidates, err := s.Store.Unswept(ctx, w)
	if err != nil {
		return err
	}
	ended, moved, _, err := s.ended(ctx, board.ID, candidates)
	if err != nil {
		return err
	}
	found, err := s.foundEnded(ctx, board, ended)
	if err != nil {
		return err
	}
	e := ending{deleted: found, moved: moved}
	saved := store.SweptPage{Sweep: w, Seen: append(ended[:len(ended):len(ended)], slices.Collect(maps.Keys(moved))...)}
	if w.Options.Planned != nil {
		err = s.keepPlannedEnds(ctx, w, &e, &saved)
	} else {
		e.held, err = s.heldDeletions(ctx, w)
	}
	if err != nil {
		return err
	}
	return s.saveEnds(ctx, board, e, saved)
}

// keepPlannedEnds keeps the planned ends, and records which other planned items no page has shown.
func (s *Sweeper) keepPlannedEnds(ctx context.Context, w store.Sweep, e *ending, saved *store.SweptPage) error {
	known, err := s.Store.FoundItems(ctx, w.ID)
	if err != nil {
		return err
	}
	e.moved = nil
	var kept []engine.Found
	missing := maps.Clone(w.Options.Planned)
	maps.DeleteFunc(missing, func(id int64, _ string) bool { return slices.Contains(known, id) })
	for _, f := range e.deleted {
		switch planned := missing[f.ItemID]; {
		case planned == "":
			continue
		case planned == Digest(f):
			kept = append(kept, f)
		default:
			countChanged(saved, f)
		}
		delete(missing, f.ItemID)
	}
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		countChanged(saved, engine.Found{ItemID: id, Differences: []engine.Difference{{Kind: plan.NotShown}}})
	}
	e.deleted = kept
	return nil
}

// saveEnds queues what follows from the end of a sweep, together with the sweep's report.
func (s *Sweeper) saveEnds(ctx context.Context, board *mapping.Board, e ending, saved store.SweptPage) error {
	w := saved.Sweep
	var queued []any
	var deleted []int64
	for _, f := range e.deleted {
		deleted = append(deleted, f.ItemID)
		queued = append(queued, jobs.ItemDeleteArgs{Event: jobs.Event{
			Key: fmt.Sprintf("sweep:%d:%d", w.ID, f.ItemID), Type: "delete_pulse", BoardID: board.ID, ItemID: f.ItemID,
			TriggeredAt: s.Now().UTC(), ReceivedAt: s.Now().UTC(),
		}})
		for _, d := range f.Differences {
			saved.Found = append(saved.Found, foundDifference(f.ItemID, d, actionOf(d)))
		}
	}
	for id, to := range e.moved {
		resync := jobs.ItemResyncArgs{BoardID: to, ItemID: id}
		if s.Mapping.Board(to) == nil {
			resync.BoardID, resync.Read = board.ID, true
		}
		queued = append(queued, resync)
	}
	held, err := s.foundEnded(ctx, board, e.held)
	if err != nil {
		return err
	}
	for _, f := range held {
		for _, d := range f.Differences {
			saved.Found = append(saved.Found, foundDifference(f.ItemID, d, actionOf(d)))
		}
	}
	saved.Counts.Ended = len(deleted) + len(held)
	if len(queued)+len(saved.Found) == 0 {
		return nil
	}
	return s.Store.SaveSweptPage(ctx, saved, func(ctx context.Context, tx pgx.Tx) error {
		if w.Options.AcceptDeletes {
			if err := s.Store.ReleaseAhead(ctx, tx, board.ID, deleted, fmt.Sprint("sweep ", w.ID)); err != nil {
				return err
			}
		}
		if err := s.release(ctx, tx, w, e.held); err != nil {
			return err
		}
		return s.Queue(ctx, tx, queued)
	})
}

func actionOf(d engine.Difference) string {
	if d.Sends {
		return store.ActionWrite
	}
	return store.ActionLeave
}

// heldDeletions returns the items whose records the brake already holds, if the sweep lifts the brake. A plan does not
// contain them, so a sweep by a plan leaves them.
func (s *Sweeper) heldDeletions(ctx context.Context, w store.Sweep) ([]int64, error) {
	if !w.Options.AcceptDeletes {
		return nil, nil
	}
	return s.Store.HeldDeletions(ctx, w.BoardID, w.Options.Items)
}

// release releases held items as a person would: Monday is asked about each again before its records are deleted.
func (s *Sweeper) release(ctx context.Context, tx pgx.Tx, w store.Sweep, held []int64) error {
	if len(held) == 0 {
		return nil
	}
	d := store.Decision{
		By:  store.By{Actor: fmt.Sprint("sweep ", w.ID), Via: store.ViaCLI},
		Act: store.ActRelease, BoardID: w.BoardID, Items: held,
	}
	_, err := s.Store.DecideIn(ctx, tx, d, func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error {
		var queued []any
		for _, item := range items {
			queued = append(queued, jobs.ItemResyncArgs{BoardID: item.BoardID, ItemID: item.ItemID, Release: true})
		}
		return s.Queue(ctx, tx, queued)
	})
	return err
}
