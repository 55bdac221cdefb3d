package engine

import (
	"context"
	"strconv"

	"crmsync/schema/ledger"
)

// takeAssigned links items to the records that the import has found for them, under leases on the records' Ids. An item
// keeps the record that it has, and a record its item.
func (p *pass) takeAssigned(ctx context.Context) {
	g := p.imports()
	if g == nil {
		return
	}
	var open []*work
	var ids, keys []string
	for _, w := range p.works {
		link := w.item.Links[g.Record.Name]
		if link != nil && link.Rejects(p.Mapping.Key, strconv.FormatInt(w.item.ID, 10)) {
			p.keep(w, g.Record).Accept(p.Mapping.Key) // an import attempts it again
		}
		if a, ok := p.bulk.Assigned[w.item.ID]; ok && w.isAlive() && w.board == g.Board && (link == nil ||
			link.SalesforceID == "" && link.Closed == "" && !link.Ended(a.SalesforceID)) {
			open, ids, keys = append(open, w), append(ids, a.SalesforceID), append(keys, ledger.IDLease(a.SalesforceID))
		}
	}
	if len(open) == 0 {
		return
	}
	owners, err := p.reserved(ctx, ids, keys)
	for n, w := range open {
		switch {
		case err != nil:
			w.retry(err)
		case !p.isLeased(keys[n]):
			w.retry(&BusyError{What: "the record of the item"})
		case owners[ids[n]] == 0 || owners[ids[n]] == w.item.ID:
			p.keep(w, g.Record).Adopt(ids[n], p.bulk.Assigned[w.item.ID].Origin)
			w.log.appeared = true
		}
	}
}
