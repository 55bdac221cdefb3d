package sweep

import (
	"context"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// ahead is the page after the current one. It is read while that one is compared: reading and comparing take about as
// long. What changes between its reading and its comparison has its own events, as with any page.
type ahead struct {
	cursor string
	end    context.CancelFunc
	read   chan struct{} // closed once page and err are set
	page   page
	err    error
}

// readAhead starts to read the page at a cursor, which must not be empty.
func (s *Sweeper) readAhead(ctx context.Context, board *mapping.Board, w store.Sweep, cursor string) *ahead {
	a := &ahead{cursor: cursor, read: make(chan struct{})}
	ctx, a.end = context.WithCancel(ctx)
	go func() {
		defer close(a.read)
		a.page, a.err = s.read(ctx, board, cursor, w.Options.Items)
	}()
	return a
}

// take returns the page if it is the one at the cursor. A nil ahead has no page.
func (a *ahead) take(cursor string) (p page, ok bool, err error) {
	if a == nil || a.cursor != cursor {
		return page{}, false, nil
	}
	<-a.read
	return a.page, true, a.err
}

// drop stops reading a page that is not needed.
func (a *ahead) drop() {
	if a != nil {
		a.end()
		<-a.read
	}
}
