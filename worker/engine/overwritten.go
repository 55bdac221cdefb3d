package engine

import (
	"context"
	"time"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// keepOverwritten stores the values that our writes have overwritten, now that the items were read, so that a person
// can bring them back. Neither system offers a write on condition that nothing has changed.
func (p *pass) keepOverwritten(ctx context.Context) error {
	if p.isDry() {
		return nil
	}
	var lost []store.Conflict
	for _, w := range p.works {
		if !w.isAlive() {
			continue
		}
		for _, o := range w.overwritten {
			if w.item.Says(o.column, o.ours) { // otherwise somebody has edited it since
				lost = append(lost, w.overwrittenIn(o)...)
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
func (w *work) overwrittenIn(o overwritten) (lost []store.Conflict) {
	for _, rec := range w.board.Records {
		link := w.item.Links[rec.Name]
		if link == nil || link.SalesforceID == "" {
			continue
		}
		for _, f := range rec.Back() {
			value := f.Read(w.view.View.With(o.column, o.told.Value), link.Since, w.now)
			if f.Column() != o.column || value.Err != nil || value.Link != nil {
				continue
			}
			w.log.note("a value that somebody entered in column " + o.column +
				" meanwhile was overwritten, and is kept as a conflict")
			lost = append(lost, store.Conflict{
				BoardID: w.board.ID, ItemID: w.item.ID, Record: rec.Name, SalesforceID: link.SalesforceID, Field: f.Name,
				ColumnID: o.column,
				Monday:   value.Literal, Salesforce: link.Held[f.Name].Value, MondayAt: time.UnixMicro(o.told.At).UTC(),
				Rule: string(mapping.Salesforce),
			})
		}
	}
	return lost
}
