package engine

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"crmsync/mondayclient"
)

// Compare compares the items of a page with Salesforce, and writes the differences unless the page is dry. It returns
// what it found for each item, in the page's order.
func (e *Engine) Compare(ctx context.Context, page Page) ([]Found, Cost, error) {
	if e.Mapping.Board(page.BoardID) == nil {
		return nil, Cost{}, fmt.Errorf("board %d is not mapped", page.BoardID)
	}
	p := e.newBulk(page)
	p.through(ctx)
	found := make([]Found, len(page.Items))
	for n, item := range page.Items {
		f := p.bulk.found[item.ID]
		if t := p.tasks[n]; f.Err == nil && t.err != nil && !permanent(t.err) {
			f.Err = t.err
		}
		if w := p.byItem[item.ID]; page.Whole && w != nil {
			f.Held = p.heldOf(w)
		}
		found[n] = *f
	}
	return found, p.bulk.cost, nil
}

func (e *Engine) newBulk(page Page) *pass {
	b := &bulk{
		Page: page, readings: map[int64]*mondayclient.Item{}, found: map[int64]*Found{}, seen: map[seen]bool{},
		counted: map[target]bool{},
	}
	if page.Holder == uuid.Nil {
		page.Holder = uuid.New()
	}
	p := &pass{tools: &e.tools, holder: page.Holder, byItem: map[int64]*work{}, holds: map[string]map[string]any{},
		followed: map[string]bool{}, bulk: b}
	for n := range page.Items {
		item := &page.Items[n]
		b.readings[item.ID], b.found[item.ID] = item, &Found{ItemID: item.ID}
		p.tasks = append(p.tasks, &task{silent: true, Event: Event{
			JobID: page.JobID, Attempt: 1, Kind: Resync, Type: "comparison", BoardID: page.BoardID, ItemID: item.ID,
		}})
	}
	return p
}
