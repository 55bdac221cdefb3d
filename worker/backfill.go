package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// noticeMapping queues a backfill for each board for which the mapping has changed, until all boards are settled or ctx
// ends.
func (p *Pool) noticeMapping(ctx context.Context) {
	ticker := time.NewTicker(tending)
	defer ticker.Stop()
	for open := mapping.Ordered(p.config.Mapping.Boards); ; {
		open = slices.DeleteFunc(open, func(b *mapping.Board) bool {
			settled, err := p.backfill(ctx, b)
			if err != nil && ctx.Err() == nil {
				p.config.Log.Error("could not check whether the mapping of a board has changed", "board", b.ID, "error", err)
			}
			return settled
		})
		if len(open) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// backfill queues a backfill of the board if the mapping of its items has changed. Each change is processed once: a
// stopped backfill is not started again. It reports whether nothing is left to do for the board.
func (p *Pool) backfill(ctx context.Context, board *mapping.Board) (settled bool, err error) {
	mapped := board.Made()
	known, err := p.store.BoardMapping(ctx, board.ID, mapped)
	if err != nil {
		return false, err
	}
	added := newIn(mapped, known.Mapped)
	switch {
	case len(added) == 0 && len(mapped) < len(known.Mapped): // so that a removed part counts as new again
		err := p.store.SetBoardMapping(ctx, board.ID, mapped)
		return err == nil, err
	case len(added) == 0:
		return true, nil
	}
	if done, err := p.store.Backfilled(ctx, board.ID, mapped, known.Since); err != nil || done {
		return done, err
	}
	if !p.config.Backfill {
		p.config.Log.Warn("the mapping has changed: crmsync plan shows what that means for the board's items, crmsync "+
			"apply carries it out",
			"board", board.ID, "changed", added)
		return true, nil
	}
	_, err = p.store.AddSweep(ctx, store.Sweep{BoardID: board.ID, Board: board.Name, Kind: "backfill", Mapped: mapped},
		p.QueueSweep)
	if errors.Is(err, store.ErrSweeping) {
		return false, nil
	}
	if err == nil {
		p.config.Log.Info("the mapping has changed: comparing the board's items", "board", board.ID, "changed", added)
	}
	return err == nil, err
}

// newIn returns the names that known lacks, or has with another fingerprint.
func newIn(mapped, known map[string]string) (added []string) {
	for name, fingerprint := range mapped {
		if known[name] != fingerprint {
			added = append(added, name)
		}
	}
	slices.Sort(added)
	return added
}
