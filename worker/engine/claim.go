package engine

import (
	"context"
	"errors"
	"maps"
	"slices"

	"crmsync/schema/ledger"
)

// claim leases the items of the batch. Events of items that another worker has leased end with a BusyError.
func (p *pass) claim(ctx context.Context) error {
	byItem := map[int64]*work{}
	var wanted []ledger.Ref
	for _, t := range p.tasks {
		board := p.Mapping.Board(t.BoardID)
		if board == nil {
			t.reason = reasonUnmappedBoard
			continue
		}
		w := byItem[t.ItemID]
		if w == nil {
			w = &work{mapping: p.Mapping, board: board, now: p.Now()}
			byItem[t.ItemID] = w
			wanted = append(wanted, ledger.Ref{BoardID: t.BoardID, ItemID: t.ItemID})
		}
		w.tasks = append(w.tasks, t)
	}
	if len(wanted) == 0 {
		return nil
	}
	if p.isDry() {
		known, err := p.load(ctx, wanted)
		for _, id := range slices.Sorted(maps.Keys(byItem)) {
			p.take(byItem[id], known[id])
		}
		return err
	}
	claimed, err := p.Store.Claim(ctx, p.holder, wanted, p.leaseLasts())
	if err != nil {
		// The claim may have succeeded although its answer was lost.
		ids := slices.Collect(maps.Keys(byItem))
		return errors.Join(err, p.persist(ctx, func(ctx context.Context) error {
			return p.Store.Release(ctx, p.holder,
				ids)
		}))
	}
	for _, id := range slices.Sorted(maps.Keys(byItem)) {
		p.take(byItem[id], claimed[id])
	}
	return nil
}

// take starts work on a claimed item; nil: another worker has it.
func (p *pass) take(w *work, item *ledger.Item) {
	if item == nil {
		for _, t := range w.tasks {
			t.err = &BusyError{What: theItem}
		}
		return
	}
	w.item = item
	if item.Suppressed {
		for _, t := range w.tasks {
			t.reason = reasonSuppressed
		}
		p.suppressed = append(p.suppressed, item)
		return
	}
	if board := p.Mapping.Board(item.BoardID); board != nil {
		w.board = board
	} else {
		w.unread = true // the mapping no longer contains its board
	}
	if item.Abandoned {
		w.unread = true // what the previous holder learned about the item is lost, except what it wrote
		p.doubt(w, w.board.Records...)
	}
	p.recall(w)
	slices.SortStableFunc(w.tasks, func(a, b *task) int { return int(a.JobID - b.JobID) })
	p.works, p.byItem[item.ID] = append(p.works, w), w
}

// load returns the known items of a dry page, without a lease.
func (p *pass) load(ctx context.Context, wanted []ledger.Ref) (map[int64]*ledger.Item, error) {
	known, err := p.Store.Known(ctx, wanted)
	if err != nil {
		return nil, err
	}
	for _, ref := range wanted {
		if known[ref.ItemID] == nil {
			known[ref.ItemID] = &ledger.Item{ID: ref.ItemID, BoardID: ref.BoardID, Links: map[string]*ledger.Link{},
				SeenAt: p.Now()}
		}
	}
	return known, nil
}
