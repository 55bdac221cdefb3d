package engine

import (
	"context"
	"time"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// overwrite records the value of an event that a write of ours has overwritten, given the result of merging it.
func (w *work) overwrite(id string, told ledger.Column, sure bool, merged ledger.Merge) {
	if (merged == ledger.Doubtful || merged == ledger.Stale) && sure && w.item.Overwrote(id, told.Value, told.At) {
		w.overwritten = append(w.overwritten, overwritten{id, told, w.item.Value(id)})
	}
}

// keepOverwritten stores the values that our writes have overwritten, now that the items were read, so that a person
// can bring them back. Neither system offers a write on condition that nothing has changed.
func (p *pass) keepOverwritten(ctx context.Context) error {
	if p.isDry() {
		return nil
	}
	p.refreshLinks()
	var lost []store.Conflict
	for _, w := range p.works {
		if !w.isAlive() {
			continue
		}
		for _, o := range w.overwritten {
			if w.item.Says(o.column, o.ours) { // otherwise somebody has edited it since
				lost = append(lost, p.overwrittenIn(w, o)...)
			}
		}
		w.overwritten = nil
	}
	if len(lost) == 0 {
		return nil
	}
	if err := p.Store.AddConflicts(ctx, p.holder, lost); err != nil {
		return err
	}
	for _, c := range lost {
		p.conflicts.WithLabelValues(c.Winner()).Inc()
	}
	return nil
}

// overwrittenIn returns the conflict of the field that filled the column.
func (p *pass) overwrittenIn(w *work, o overwritten) (lost []store.Conflict) {
	for _, rec := range w.board.Records {
		link := w.item.Links[rec.Name]
		if link == nil || link.SalesforceID == "" {
			continue
		}
		for _, f := range rec.Back() {
			if f.Column() != o.column {
				continue
			}
			value, ok := p.literal(f.Read(w.view.View.With(o.column, o.told.Value), link.Since, w.now))
			if !ok {
				w.log.note("a value that somebody entered in column " + o.column +
					" meanwhile was overwritten; Salesforce cannot hold it")
				continue
			}
			w.log.note("a value that somebody entered in column " + o.column +
				" meanwhile was overwritten, and is kept as a conflict")
			lost = append(lost, store.Conflict{
				BoardID: w.board.ID, ItemID: w.item.ID, Record: rec.Name, SalesforceID: link.SalesforceID, Field: f.Name,
				ColumnID: o.column,
				Monday:   value, Salesforce: link.Held[f.Name].Value, MondayAt: time.UnixMicro(o.told.At).UTC(),
				Rule: string(mapping.Salesforce),
			})
		}
	}
	return lost
}

// literal returns a value in the field's form, which for a link is the Id of the connected item's record. It is not ok
// if there is none.
func (p *pass) literal(v mapping.Value) (value any, ok bool) {
	if v.Link == nil {
		return v.Literal, v.Err == nil
	}
	id := p.refs.Linked[ledger.RecordRef{ItemID: v.Item, Record: v.Link.Name}]
	return id, id != ""
}
