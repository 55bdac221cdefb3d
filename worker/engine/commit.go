package engine

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// commit keeps what the batch did and frees its leases. Items whose lease was lost are left as they are and compared again
// in full: the last write of this batch may have overtaken a newer one.
func (p *pass) commit() {
	p.keepUnsure()
	c, done := p.kept()
	var lost []int64
	err := p.persist(func(ctx context.Context) (err error) {
		lost, err = p.Store.Save(ctx, p.holder, c)
		return err
	})
	if err != nil && len(p.works) > 1 && !waits(err) {
		p.commitSingly()
		return
	}
	if err != nil {
		p.failAll(err)
		return
	}
	if len(lost) > 0 {
		p.overtaken(lost)
	}
	for _, t := range done {
		if w := p.refs.works[t.ItemID]; t.wrote && t.err == nil && !w.answered.IsZero() && !t.TriggeredAt.IsZero() {
			p.lag.Observe(w.answered.Sub(t.TriggeredAt).Seconds())
		}
	}
}

// commitSingly keeps each item for itself, because one of them has something that Postgres does not take, and then what
// is not of an item.
func (p *pass) commitSingly() {
	rest := *p
	rest.works, rest.tasks = nil, slices.Clone(p.tasks)
	for _, w := range p.works {
		one := *p
		one.works, one.tasks, one.keys = []*work{w}, w.tasks, nil
		one.commit()
		rest.tasks = slices.DeleteFunc(rest.tasks, func(t *task) bool { return slices.Contains(w.tasks, t) })
	}
	rest.commit()
}

// kept is what the batch has to keep, and the events that come to their end with it.
func (p *pass) kept() (store.Commit, []*task) {
	c := store.Commit{HoldFor: ledger.LeaseMargin, Requeue: func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error {
		return p.Requeue(ctx, tx, items, false)
	}}
	var done []*task
	for _, w := range p.works {
		w.end()
		c.Items, c.Changed, c.Held = append(c.Items, w.item), append(c.Changed, w.changed), append(c.Held, w.held)
		c.Links, c.Waits = append(c.Links, w.log.links...), append(c.Waits, w.log.waits...)
		c.Appeared = c.Appeared || w.log.appeared
	}
	for _, t := range p.tasks {
		if t.err == nil {
			done = append(done, t)
			c.Logs = append(c.Logs, p.logOf(t))
		}
	}
	for _, key := range p.keys {
		if !slices.Contains(p.unsure, key) {
			c.Keys = append(c.Keys, key)
		}
	}
	return c, done
}

// end fixes the answers of the item's events.
func (w *work) end() {
	for _, t := range w.tasks {
		if w.err != nil && t.reason == "" {
			t.err = w.err // what was refused is kept, and fails the event once the rest is done
		}
		if t.err == nil || permanent(t.err) {
			w.told(t)
		}
		if t.err != nil || t.wrote || t.reason != "" {
			continue
		}
		switch {
		case w.gone:
			t.reason = "the item is not on its board"
		case w.deleted() && t.Kind != Deleted:
			t.reason = "the item is deleted"
		case !t.stale && w.unlinked():
			t.reason = "no record is wanted yet"
		}
	}
}

// told forgets which event told a column, now that it comes to its end.
func (w *work) told(t *task) {
	if c := w.item.Columns[t.ColumnID]; c.By != 0 && c.By == t.JobID {
		c.By = 0
		w.item.Columns[t.ColumnID] = c
		w.changed = true
	}
}

// unlinked says whether the item has no record, and none that was refused.
func (w *work) unlinked() bool {
	for _, link := range w.item.Links {
		if link.SalesforceID != "" || len(link.Rejected) > 0 {
			return false
		}
	}
	return true
}

func (p *pass) logOf(t *task) store.Log {
	log := store.Log{
		JobID: t.JobID, Event: t.Type, BoardID: t.BoardID, ItemID: t.ItemID, ColumnID: t.ColumnID,
		Status: string(t.outcome()), Attempt: t.Attempt, ReceivedAt: t.ReceivedAt,
	}
	told := response{Reason: t.reason}
	if w := p.refs.works[t.ItemID]; w != nil && t.wrote {
		told.Records, told.Notes = w.log.records, w.log.notes
	} else if w == nil {
		log.Unclaimed = true
	}
	if t.stale && told.Reason == "" {
		told.Reason = "a newer value is known"
	}
	log.Response = told
	return log
}

// overtaken answers the events of items that another worker has taken over.
func (p *pass) overtaken(lost []int64) {
	var refs []ledger.Ref
	for _, w := range p.works {
		if !slices.Contains(lost, w.item.ID) {
			continue
		}
		refs = append(refs, ledger.Ref{BoardID: w.board.ID, ItemID: w.item.ID})
		for _, t := range w.tasks {
			t.err = &BusyError{What: "the item"}
		}
	}
	err := p.persist(func(ctx context.Context) error {
		return p.Store.Do(ctx, func(tx pgx.Tx) error { return p.Requeue(ctx, tx, refs, true) })
	})
	if err != nil {
		p.Log.Error("comparison of overtaken items not queued", "items", len(refs), "error", err)
	}
}
