package engine

import (
	"context"
	"maps"
	"slices"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// brake counts the items that are to be archived, or whose records are to be deleted, and returns those that may go
// ahead now. The others are held until a person decides.
func (p *pass) brake(ctx context.Context, wanted []target, archive bool) []target {
	byBoard := map[int64][]int64{}
	for _, t := range wanted {
		id := t.work.item.ID
		if !slices.Contains(byBoard[t.work.board.ID], id) {
			byBoard[t.work.board.ID] = append(byBoard[t.work.board.ID], id)
		}
	}
	limit := store.Brake(p.Mapping.Brake)
	admitted := map[int64]bool{}
	for _, board := range slices.Sorted(maps.Keys(byBoard)) {
		items, err := p.Store.Admit(ctx, board, byBoard[board], archive, limit)
		for _, id := range items {
			admitted[id] = true
		}
		for _, id := range byBoard[board] {
			if err != nil {
				p.byItem[id].retry(err)
			}
		}
	}
	return slices.DeleteFunc(wanted, func(t target) bool {
		if !admitted[t.work.item.ID] && t.work.err == nil {
			t.work.heldBack()
		}
		return !admitted[t.work.item.ID]
	})
}

// forgetDeletions discards decisions about the deletion of items that have been restored.
func (p *pass) forgetDeletions(ctx context.Context) {
	var back []int64
	for _, w := range p.works {
		if w.restored {
			back = append(back, w.item.ID)
		}
	}
	if len(back) == 0 {
		return
	}
	if err := p.Store.ForgetDeletions(ctx, back); err != nil {
		for _, id := range back {
			p.byItem[id].retry(err)
		}
	}
}

// forgetArchives discards decisions about archiving items whose records were read and are there: they have been
// restored.
func (p *pass) forgetArchives(ctx context.Context) {
	var back []int64
	for _, w := range p.works {
		if w.isAlive() && len(w.archives) == 0 && !p.isDry() && slices.ContainsFunc(w.board.Records, p.isThere(w)) {
			back = append(back, w.item.ID)
		}
	}
	if len(back) == 0 {
		return
	}
	if err := p.Store.ForgetArchives(ctx, back); err != nil {
		for _, id := range back {
			p.byItem[id].retry(err)
		}
	}
}

// isThere reports whether a record whose end would archive the item was read in this batch, and exists.
func (p *pass) isThere(w *work) func(*mapping.Record) bool {
	return func(rec *mapping.Record) bool {
		link := w.item.Links[rec.Name]
		return rec.OnRecordDelete == mapping.Archive && link != nil && link.SalesforceID != "" &&
			p.holds[link.SalesforceID] != nil
	}
}

// heldBack records in the events that end the item, or are to archive it, that this is held for now.
func (w *work) heldBack() {
	for _, t := range w.tasks {
		if (t.ends() || len(w.archives) > 0) && t.err == nil && t.reason == "" && !t.wrote {
			t.reason = reasonHeld
		}
	}
}
