package engine

import (
	"context"
	"maps"
	"slices"

	"crmsync/mondayclient"
	"crmsync/worker/engine/plan"
)

// readSize is the most items that Monday gives in one call.
const readSize = 100

// readRounds is how often an item is read at most: again where the first answer shows it on another board, and where a label
// that is known is no longer in the mapping.
const readRounds = 2

// read asks Monday about the items of which the payloads do not say enough.
func (p *pass) read(ctx context.Context) {
	for range readRounds {
		p.readWanted(ctx)
	}
	p.confirmMissing(ctx)
	for _, w := range p.works {
		w.settleExistence()
		w.settleBoard()
		w.look()
	}
	if p.askLabels() {
		p.readWanted(ctx)
		for _, w := range p.works {
			w.look()
		}
	}
}

func (p *pass) readWanted(ctx context.Context) {
	var wanted []*work
	for _, w := range p.works {
		if w.err == nil && w.state == alive && w.mustRead() {
			wanted = append(wanted, w)
		}
	}
	for some := range slices.Chunk(wanted, readSize) {
		ids := make([]int64, len(some))
		columns := map[string]bool{}
		for n, w := range some {
			ids[n] = w.item.ID
			w.wantColumns(columns)
		}
		asked := slices.Sorted(maps.Keys(columns))
		items, err := p.Monday.Items(ctx, ids, asked)
		found := make(map[int64]*mondayclient.Item, len(items))
		for n := range items {
			found[items[n].ID] = &items[n]
		}
		for _, w := range some {
			if item := found[w.item.ID]; item != nil || err == nil {
				w.mergeRead(item, asked)
			} else {
				w.retry(err) // an item that is not in a partial answer may be there all the same
			}
		}
	}
}

// confirmMissing decides about items that are said to be deleted and that Monday does not show at all, not even in the bin: where
// it shows their board, they are gone for good. A token that lost a board sees none of its items, whatever became of them.
func (p *pass) confirmMissing(ctx context.Context) {
	byBoard := map[int64][]*work{}
	for _, w := range p.works {
		if w.err == nil && w.state == missing && slices.ContainsFunc(w.tasks, (*task).ends) {
			byBoard[w.board.ID] = append(byBoard[w.board.ID], w)
		}
	}
	if len(byBoard) == 0 {
		return
	}
	boards, err := p.Monday.Boards(ctx, slices.Sorted(maps.Keys(byBoard)))
	for _, b := range boards {
		for _, w := range byBoard[b.ID] {
			w.state = gone
		}
	}
	for _, works := range byBoard {
		for _, w := range works {
			if err != nil && w.state == missing {
				w.retry(err)
			}
		}
	}
}

// wantColumns adds the columns of the item's board, and of the boards that events say it is on.
func (w *work) wantColumns(columns map[string]bool) {
	for _, id := range w.board.Columns {
		columns[id] = true
	}
	for _, t := range w.tasks {
		if board := w.mapping.Board(t.BoardID); board != nil && board != w.board {
			for _, id := range board.Columns {
				columns[id] = true
			}
		}
	}
}

// askLabels has the labels read that are known, were not just told, and are not in the mapping: they may have been renamed
// in both places since. It reports whether there are any.
func (p *pass) askLabels() (any bool) {
	for _, w := range p.works {
		if !w.isAlive() {
			continue
		}
		for _, id := range plan.StaleLabels(w.board, w.view, p.Now()) {
			if !w.touched[id] && !w.isRead {
				w.ask(id, w.item.Columns[id].At)
				any = true
			}
		}
	}
	return any
}
