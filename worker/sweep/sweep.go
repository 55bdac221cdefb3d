// Package sweep goes through the items of a board, page by page, and has the engine compare them with Salesforce: dry, to say
// what would be done, or for real. What it did is kept with the place up to which it has come, so that a run goes on wherever it
// was stopped. It compares nothing by itself.
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
)

// Monday is what a sweep asks of Monday. Each method is one API call.
type Monday interface {
	Page(ctx context.Context, board int64, cursor string, columns []string) ([]mondayclient.Item, string, error)
	Items(ctx context.Context, ids []int64, columns []string) ([]mondayclient.Item, error) // up to 100 ids
	Existences(ctx context.Context, ids []int64) (map[int64]mondayclient.Existence, error) // a call for each 100
	Budget() mondayclient.Budget
}

// Comparer compares the items of a page with Salesforce.
type Comparer interface {
	Compare(ctx context.Context, page engine.Page) ([]engine.Found, engine.Cost, error)
}

// Config is what a Sweeper works with.
type Config struct {
	Mapping *mapping.Mapping
	Store   *store.Store
	Engine  Comparer
	Monday  Monday
	Log     *slog.Logger
	Now     func() time.Time

	// Queue queues jobs, each given by its arguments, in the transaction.
	Queue func(ctx context.Context, tx pgx.Tx, args []any) error

	// Usage says how many of Salesforce's calls of a day are used, and how many there are; 0: not known.
	Usage func() (used, limit int)

	// SalesforceReserve and MondayReserve are the percent of either system's calls that are left to others and to live events.
	SalesforceReserve, MondayReserve int
}

// Sweeper goes through boards. It is safe for concurrent use.
type Sweeper struct{ Config }

// New returns a sweeper.
func New(c Config) *Sweeper { return &Sweeper{c} }

// holdFor is how long a sweep waits when the day's calls of Salesforce have come to the reserve.
const holdFor = 5 * time.Minute

// hold reports that the reserve of one of the systems has come.
func (s *Sweeper) hold() error {
	if used, limit := s.Usage(); limit > 0 && used > limit*(100-s.SalesforceReserve)/100 {
		return &HoldError{System: "Salesforce", Wait: holdFor}
	}
	b := s.Monday.Budget()
	short := b.KnowsComplexity() && b.Complexity < b.ComplexityLimit*s.MondayReserve/100 || b.KnowsCalls() && b.Calls < b.CallsLimit*s.MondayReserve/100
	if short {
		return &HoldError{System: "Monday", Wait: max(b.Resets.Sub(s.Now()), 0) + 100*time.Millisecond}
	}
	return nil
}

// itemsAtOnce is how many items are read together that are asked for by their ids.
const itemsAtOnce = 100

// page is a part of a board.
type page struct {
	engine.Page
	cursor string // of the next page; empty: this is the last one
	calls  int    // of Monday
}

// read reads the page at a cursor; empty: the first. Of the items of only, where there are any, the cursor counts.
func (s *Sweeper) read(ctx context.Context, board *mapping.Board, cursor string, only []int64) (p page, err error) {
	p.Page = engine.Page{BoardID: board.ID, Asked: board.Columns, ReadAt: s.Now()}
	p.calls = 1
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

// ended are the items that are known to be on the board and that Monday, asked for each, says it has archived or deleted. Only
// such a definite answer ends anything.
func (s *Sweeper) ended(ctx context.Context, board int64, candidates []int64) (ended []int64, moved map[int64]int64, calls int, err error) {
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
