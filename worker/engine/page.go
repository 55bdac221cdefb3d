package engine

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"crmsync/mondayclient"
	"crmsync/schema/ledger"
)

// Compare compares the items of a page with Salesforce, and writes the differences unless the page is dry. It returns
// what it found for each item, in the page's order: first those that Monday has returned.
func (e *Engine) Compare(ctx context.Context, page Page) ([]Found, Cost, error) {
	if e.Mapping.Board(page.BoardID) == nil {
		return nil, Cost{}, fmt.Errorf("board %d is not mapped", page.BoardID)
	}
	p := e.newBulk(page)
	defer func() {
		if v := recover(); v != nil {
			if !page.Dry {
				p.release(ctx)
			}
			panic(v)
		}
	}()
	p.through(ctx)
	found := make([]Found, len(p.tasks))
	for n, t := range p.tasks {
		f := p.bulk.found[t.ItemID]
		if f.Err == nil && t.err != nil && !permanent(t.err) {
			f.Err = t.err
		}
		w := p.byItem[t.ItemID]
		if page.Whole && w != nil {
			f.Held = p.heldOf(w)
		}
		if page.Dry && w != nil {
			f.Records = recordsOf(w)
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
		followed: map[string]bool{}, kept: map[*ledger.Link]map[string]ledger.Doubt{}, bulk: b}
	var ids []int64
	for n := range page.Items {
		b.readings[page.Items[n].ID] = &page.Items[n]
		ids = append(ids, page.Items[n].ID)
	}
	for _, id := range append(ids, page.Unread...) {
		b.found[id] = &Found{ItemID: id}
		p.tasks = append(p.tasks, &task{silent: true, Event: &Event{
			JobID: page.JobID, Attempt: 1, Kind: Resync, Type: "comparison", BoardID: page.BoardID, ItemID: id,
		}})
	}
	return p
}

// recordsOf returns the Ids of an item's records.
func recordsOf(w *work) map[string]string {
	ids := map[string]string{}
	for name, link := range w.item.Links {
		if link.SalesforceID != "" {
			ids[name] = link.SalesforceID
		}
	}
	return ids
}

// heldOf returns what the records of an item hold, for the fields that were read.
func (p *pass) heldOf(w *work) map[string]map[string]any {
	held := map[string]map[string]any{}
	for name, link := range w.item.Links {
		if fields := p.holds[link.SalesforceID]; fields != nil {
			held[name] = fields
		}
	}
	return held
}
