// Package sweep goes through the items of a board, page by page, and has the engine compare them with Salesforce:
// dry, to show what would be done, or for real. The results of a page are stored together with the cursor, so that an
// interrupted run continues where it stopped. The package compares nothing itself.
package sweep

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/engine"
	"crmsync/worker/reserve"
)

// Monday is the part of Monday's API that a sweep needs. Each method is one API call.
type Monday interface {
	Page(ctx context.Context, board int64, cursor string, columns []string) ([]mondayclient.Item, string, error)
	Recent(ctx context.Context, board int64, cursor string, columns []string) ([]mondayclient.Item, string, error)
	Items(ctx context.Context, ids []int64, columns []string) ([]mondayclient.Item, error) // up to 100 ids
	Existences(ctx context.Context, ids []int64) (map[int64]mondayclient.Existence, error) // a call for each 100
}

// Comparer compares the items of a page with Salesforce.
type Comparer interface {
	Compare(ctx context.Context, page engine.Page) ([]engine.Found, engine.Cost, error)
}

// Config configures a Sweeper.
type Config struct {
	Mapping *mapping.Mapping
	Store   *store.Store
	Engine  Comparer
	Monday  Monday
	Log     *slog.Logger
	Now     func() time.Time

	// Timeout is the maximum duration of an attempt.
	Timeout time.Duration

	// Queue queues jobs, each given by its arguments, in the transaction.
	Queue func(ctx context.Context, tx pgx.Tx, args []any) error

	// Reserve is what a sweep leaves to others and to live events; nil: nothing.
	Reserve *reserve.Reserve

	// Busy reports whether many live events are being processed; nil: never. They come first: a page waits for that to
	// end, but not longer than Patience, because a sweep must also end while events keep coming.
	Busy     func() bool
	Patience time.Duration
}

// Sweeper goes through boards. It is safe for concurrent use.
type Sweeper struct{ Config }

// New returns a sweeper.
func New(c Config) *Sweeper { return &Sweeper{c} }

// itemsAtOnce is how many items requested by id are read together.
const itemsAtOnce = 100

// page is a part of a board.
type page struct {
	engine.Page
	cursor string // of the next page; empty: this is the last page
	calls  int    // calls to Monday
}

func (s *Sweeper) newPage(board *mapping.Board) page {
	return page{Page: engine.Page{BoardID: board.ID, Asked: board.Columns, ReadAt: s.Now()}, calls: 1}
}

// read reads the page at a cursor; empty: the first. If only is not empty, the cursor counts its items.
func (s *Sweeper) read(ctx context.Context, board *mapping.Board, cursor string, only []int64) (p page, err error) {
	p = s.newPage(board)
	if len(only) == 0 {
		p.Items, p.cursor, err = s.Monday.Page(ctx, board.ID, cursor, board.Columns)
		return p, err
	}
	from, err := strconv.Atoi("0" + cursor)
	if err != nil || from > len(only) {
		return p, fmt.Errorf("cursor %q is not one of %d items", cursor, len(only))
	}
	to := min(from+itemsAtOnce, len(only))
	if to < len(only) {
		p.cursor = strconv.Itoa(to)
	}
	items, err := s.Monday.Items(ctx, only[from:to], board.Columns)
	p.Items = slices.DeleteFunc(items, func(item mondayclient.Item) bool {
		return item.State.IsEnded() || item.BoardID != 0 && item.BoardID != board.ID
	})
	return p, err
}

// ended returns the items known to be on the board that Monday, asked about each, reports as archived or deleted.
// Only such a definite answer ends an item.
func (s *Sweeper) ended(ctx context.Context, board int64,
	candidates []int64) (ended []int64, moved map[int64]int64, calls int, err error) {
	if len(candidates) == 0 {
		return nil, nil, 0, nil
	}
	now, err := s.Monday.Existences(ctx, candidates)
	if err != nil {
		return nil, nil, 0, err
	}
	moved = map[int64]int64{}
	for _, id := range candidates {
		e, known := now[id]
		switch {
		case !known:
		case e.State.IsEnded():
			ended = append(ended, id)
		case e.BoardID != 0 && e.BoardID != board:
			moved[id] = e.BoardID
		}
	}
	return ended, moved, (len(candidates) + itemsAtOnce - 1) / itemsAtOnce, nil
}
