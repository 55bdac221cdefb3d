package engine

import (
	"context"
	"maps"
	"slices"

	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
)

// readSize is the maximum number of items that Monday returns in one call.
const readSize = 100

// readRounds is the maximum number of reads of an item. The second is needed if the first shows the item on another
// board, or if a known label is no longer in the mapping.
const readRounds = 2

// read asks Monday about the items whose events do not say enough.
func (p *pass) read(ctx context.Context) {
	for range readRounds {
		p.readWanted(ctx)
	}
	p.confirmMissing(ctx)
	for _, w := range p.works {
		if w.err == nil { // otherwise nothing was learned about its events
			w.settleExistence()
			w.settleBoard()
		}
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
	p.takeReadings()
	var wanted []*work
	for _, w := range p.works {
		if w.err == nil && w.state == alive && w.mustRead() {
			wanted = append(wanted, w)
		}
	}
	for some := range slices.Chunk(wanted, readSize) {
		p.readItems(ctx, some)
	}
}

// readItems reads items in one call; if one of their boards makes it fail, in one call for each board.
func (p *pass) readItems(ctx context.Context, some []*work) {
	ids := make([]int64, len(some))
	columns := map[string]bool{}
	for n, w := range some {
		ids[n] = w.item.ID
		w.wantColumns(columns)
	}
	asked := slices.Sorted(maps.Keys(columns))
	boards := byBoard(some)
	items, err := p.Monday.Items(mondayclient.OnBoards(ctx, slices.Sorted(maps.Keys(boards))...), ids, asked)
	if divisible(err) && len(boards) > 1 {
		for _, id := range slices.Sorted(maps.Keys(boards)) {
			p.readItems(ctx, boards[id])
		}
		return
	}
	found := make(map[int64]*mondayclient.Item, len(items))
	for n := range items {
		found[items[n].ID] = &items[n]
	}
	for _, w := range some {
		if item := found[w.item.ID]; item != nil || err == nil {
			w.isAsked, w.rereads = true, w.rereads || slices.ContainsFunc(w.board.Records, (*mapping.Record).TwoWay)
			w.mergeRead(item, asked)
		} else {
			w.retry(err) // an item missing from a partial answer may still exist
		}
	}
}

// takeReadings uses the items of a page as Monday's answers.
func (p *pass) takeReadings() {
	if p.bulk == nil {
		return
	}
	for _, w := range p.works {
		if reading := p.bulk.readings[w.item.ID]; reading != nil && w.err == nil {
			delete(p.bulk.readings, w.item.ID)
			shownAt := p.bulk.ReadAt.Add(-pageLag)
			if w.isShown = w.item.IsDeleted(); w.isShown && !w.item.DeletedAt.Before(shownAt) {
				w.unread = true // the page may be from before the delete
				continue
			}
			floor := w.floor
			floor.All = max(floor.All, shownAt.UnixMicro())
			if reading.BoardID == w.item.BoardID && w.item.Contradicts(ReadingOf(reading), p.bulk.Asked, floor, w.now) {
				w.unread, w.rereads = true, true
				continue
			}
			w.floor = floor
			w.mergeRead(reading, p.bulk.Asked)
		}
	}
}

// confirmMissing decides about items that Monday does not show at all, not even in the bin. If Monday shows their
// board, they are gone for good. A token that lost access to a board sees none of its items, deleted or not.
func (p *pass) confirmMissing(ctx context.Context) {
	var absent []*work
	for _, w := range p.works {
		if w.err == nil && w.state == missing {
			absent = append(absent, w)
		}
	}
	if len(absent) > 0 {
		p.confirmBoards(ctx, byBoard(absent))
	}
	for _, w := range absent {
		if w.state == missing && !slices.ContainsFunc(w.tasks, (*task).ends) {
			w.retry(&AwayError{})
		}
	}
}

// confirmBoards asks for boards in one call; if one of them makes it fail, in one call for each.
func (p *pass) confirmBoards(ctx context.Context, absent map[int64][]*work) {
	ids := slices.Sorted(maps.Keys(absent))
	boards, err := p.Monday.Boards(ctx, ids)
	if divisible(err) && len(ids) > 1 {
		for _, id := range ids {
			p.confirmBoards(ctx, map[int64][]*work{id: absent[id]})
		}
		return
	}
	for _, b := range boards {
		for _, w := range absent[b.ID] {
			w.state = gone
		}
	}
	for _, works := range absent {
		for _, w := range works {
			if err != nil && w.state == missing {
				w.retry(err)
			}
		}
	}
}

// byBoard groups works by the known boards of their items.
func byBoard(works []*work) map[int64][]*work {
	boards := map[int64][]*work{}
	for _, w := range works {
		boards[w.board.ID] = append(boards[w.board.ID], w)
	}
	return boards
}

// divisible reports whether a call failed because of one of its boards, and may succeed for others.
func divisible(err error) bool {
	d, ok := asBehaviour[interface{ Divisible() bool }](err)
	return ok && d.Divisible()
}

// wantColumns adds the columns of the item's board, and of the boards named by events.
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

// askLabels requests a read of known labels that did not come from an event and are missing from the mapping: they may
// have been renamed both in Monday and in the mapping since. It reports whether there are any.
func (p *pass) askLabels() (found bool) {
	for _, w := range p.works {
		if !w.isAlive() {
			continue
		}
		for _, id := range plan.StaleLabels(w.board, w.view, p.Now()) {
			if !w.touched[id] && !w.isRead {
				w.ask(id, w.item.Columns[id].At)
				found = true
			}
		}
	}
	return found
}
