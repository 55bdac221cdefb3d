package sweep

import (
	"context"
	"slices"
	"time"

	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/engine"
)

const (
	// recentLag is how far a look at the newest items goes back beyond the last one: pages lag behind, and the two
	// times are from different clocks.
	recentLag = 5 * time.Minute

	// recentFirst is how far the first look goes back.
	recentFirst = 2 * time.Hour
)

// Recent returns a sweep of the items of a board that have changed since the last such sweep: their events may have
// been lost.
func (s *Sweeper) Recent(ctx context.Context, board *mapping.Board) (store.Sweep, error) {
	last, err := s.Store.LastSwept(ctx, board.ID)
	since := s.Now().Add(-recentFirst)
	if last != nil {
		since = last.Add(-recentLag)
	}
	return store.Sweep{
		BoardID: board.ID, Board: board.Name, Kind: "recent", Mapped: board.Made(),
		Options: store.SweepOptions{Recent: &since},
	}, err
}

// readRecent reads a page of the items, latest changes first. It is the last page if it shows an item from before that
// time.
func (s *Sweeper) readRecent(ctx context.Context, board *mapping.Board, cursor string,
	since time.Time) (p page, err error) {
	p = s.newPage(board)
	p.Items, p.cursor, err = s.Monday.Recent(ctx, board.ID, cursor, board.Columns)
	isOld := func(item mondayclient.Item) bool { return item.UpdatedAt.Before(since) }
	if slices.ContainsFunc(p.Items, isOld) {
		p.cursor = ""
	}
	p.Items = slices.DeleteFunc(p.Items, isOld)
	return p, err
}

// keepUnknown keeps only the items of a page that differ from what is known of them.
func (s *Sweeper) keepUnknown(ctx context.Context, page *engine.Page) error {
	refs := make([]ledger.Ref, len(page.Items))
	for n, item := range page.Items {
		refs[n] = ledger.Ref{BoardID: page.BoardID, ItemID: item.ID}
	}
	known, err := s.Store.Known(ctx, refs)
	if err != nil {
		return err
	}
	page.Items = slices.DeleteFunc(page.Items, func(item mondayclient.Item) bool {
		it := known[item.ID]
		return it != nil && it.Shows(engine.ReadingOf(&item), page.BoardID, page.Asked)
	})
	return nil
}
