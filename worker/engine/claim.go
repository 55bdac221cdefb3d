package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"crmsync/schema/ledger"
)

// unsureLease is how long a match value stays leased where the answer to a create was lost: Salesforce may still be
// executing it, and looking the record up too early would create a second one.
const unsureLease = 10 * time.Second

// leases are the keys that a batch holds.
type leases struct {
	keys   []string
	unsure []string // of these, the ones under which a record may just be being created
}

// claim leases the items of the batch. Events of an item that another worker has are answered at once: come back.
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
	claimed, err := p.Store.Claim(ctx, p.holder, wanted, p.Timeout+ledger.LeaseMargin)
	if err != nil {
		// The answer may be lost after the claim was made.
		ids := slices.Collect(maps.Keys(byItem))
		return errors.Join(err, p.persist(ctx, func(ctx context.Context) error { return p.Store.Release(ctx, p.holder, ids) }))
	}
	for _, id := range slices.Sorted(maps.Keys(byItem)) {
		p.take(byItem[id], claimed[id])
	}
	return nil
}

// take begins with a claimed item; nil: another worker has it.
func (p *pass) take(w *work, item *ledger.Item) {
	if item == nil {
		for _, t := range w.tasks {
			t.err = &BusyError{What: "the item"}
		}
		return
	}
	w.item = item
	if board := p.Mapping.Board(item.BoardID); board != nil {
		w.board = board
	} else {
		w.unread = true // the mapping no longer has its board
	}
	if item.Abandoned {
		w.unread = true // what the previous holder was told of the item is lost, though not what it wrote
		p.doubt(w, w.board.Records...)
	}
	slices.SortStableFunc(w.tasks, func(a, b *task) int { return int(a.JobID - b.JobID) })
	p.works, p.byItem[item.ID] = append(p.works, w), w
}

// lease takes leases on keys for the batch; those that it does not get are with another worker.
func (p *pass) lease(ctx context.Context, keys []string) error {
	got, err := p.Store.Lease(ctx, p.holder, keys, p.Timeout+ledger.LeaseMargin)
	if err != nil {
		return err
	}
	p.leases.keys = append(p.leases.keys, got...)
	return nil
}

func (p *pass) isLeased(key string) bool { return slices.Contains(p.leases.keys, key) }

// shortenUnsure shortens the leases on values under which a record may just be being created.
func (p *pass) shortenUnsure(ctx context.Context) {
	if len(p.leases.unsure) == 0 {
		return
	}
	err := p.persist(ctx, func(ctx context.Context) error {
		_, err := p.Store.Lease(ctx, p.holder, p.leases.unsure, unsureLease)
		return err
	})
	if err != nil {
		p.Log.Warn("could not shorten leases", "keys", len(p.leases.unsure),
			"lasts", (p.Timeout + ledger.LeaseMargin).Round(time.Second), "error", err)
	}
}
