package engine

import (
	"context"
	"strconv"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/settle"
)

// Assigned is a record that an import has found for an item.
type Assigned struct {
	SalesforceID string
	Origin       ledger.Origin
}

// imports returns the import that the pass belongs to; nil: none.
func (p *pass) imports() *mapping.Migration {
	if p.bulk == nil {
		return nil
	}
	return p.bulk.Import
}

// compares reports whether the pass compares a record: an import compares only the one that its items come from.
func (p *pass) compares(rec *mapping.Record) bool {
	g := p.imports()
	return g == nil || g.Record == rec
}

// imported returns the fields that fill a column of the record's item during this pass alone.
func (p *pass) imported(rec *mapping.Record) []*mapping.Field {
	if g := p.imports(); g != nil && g.Record == rec {
		return g.Targets
	}
	return nil
}

// fills returns the fields that fill a column of the record's item.
func (p *pass) fills(rec *mapping.Record) []*mapping.Field { return settle.Fills(rec, p.imported(rec)) }

// planImported plans a record during an import, which sends only the item's id and the fields that were decided to go
// to Salesforce. It creates no record.
func (p *pass) planImported(w *work, rec *mapping.Record) planned {
	link := w.item.Links[rec.Name]
	if link == nil || link.SalesforceID == "" {
		return planned{w, plan.Plan{Record: rec}}
	}
	if w.view.Decided == nil {
		w.view.Decided = map[string]map[string]bool{}
	}
	decided := w.view.Decided[rec.Name]
	if decided == nil {
		decided = map[string]bool{}
		w.view.Decided[rec.Name] = decided
	}
	for _, f := range rec.Fields {
		decided[f.Name] = decided[f.Name] && f.Sync == mapping.Both
	}
	return planned{w, plan.Make(rec, w.view, "", &p.refs, p.Mapping.Key, p.Now())}
}

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
