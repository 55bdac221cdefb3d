package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// part is what is committed together: the whole batch, or one item of it.
type part struct {
	works []*work
	tasks []*task
	keys  []string       // leases to free
	left  []*ledger.Item // claimed, but unchanged
}

// commit saves the batch's results and ends its leases.
func (p *pass) commit(ctx context.Context) {
	if p.isDry() {
		for _, w := range p.works {
			w.end()
		}
		return
	}
	p.shortenUnsure(ctx)
	for _, w := range p.works {
		w.end()
	}
	whole := part{works: p.works, tasks: p.tasks, left: p.suppressed}
	for _, key := range p.leases.keys {
		if !slices.Contains(p.leases.unsure, key) {
			whole.keys = append(whole.keys, key)
		}
	}
	err := p.save(ctx, whole)
	if err == nil {
		return
	}
	if len(p.works) < 2 || waits(err) {
		failAll(p.tasks, err)
		p.abandon(ctx, whole)
		return
	}
	// Postgres rejects the data of one of the items: save each separately, then the rest.
	rest := part{tasks: slices.Clone(p.tasks), keys: whole.keys, left: p.suppressed}
	for _, w := range p.works {
		one := part{works: []*work{w}, tasks: w.tasks}
		if err := p.save(ctx, one); err != nil {
			failAll(one.tasks, err)
			p.abandon(ctx, one)
		}
		rest.tasks = slices.DeleteFunc(rest.tasks, func(t *task) bool { return slices.Contains(w.tasks, t) })
	}
	if err := p.save(ctx, rest); err != nil {
		failAll(rest.tasks, err)
		p.abandon(ctx, rest)
	}
}

// abandonTimeout limits the one attempt to release what could not be saved.
const abandonTimeout = 2 * time.Second

// abandon releases the leases of a part that could not be saved, so that its events need not wait until they expire:
// the next holder reads everything again. Items that a call may still be writing stay leased, and in that case so do
// all keys, since records may be under creation under them.
func (p *pass) abandon(ctx context.Context, what part) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTimeout)
	defer cancel()
	var ids []int64
	keys := what.keys
	for _, w := range what.works {
		if w.held {
			keys = nil
			continue
		}
		ids = append(ids, w.item.ID)
	}
	for _, item := range what.left {
		ids = append(ids, item.ID)
	}
	if err := errors.Join(p.Store.Release(ctx, p.holder, ids), p.Store.Free(ctx, p.holder, keys)); err != nil {
		p.Log.Warn("could not release the leases of items that could not be saved", "items", len(ids),
			"lasts", p.leaseLasts().Round(time.Second), "error", err)
	}
}

// save commits one part. Items whose lease was lost are left unchanged and resynced in full: the last write of this
// batch may have overtaken a newer one.
func (p *pass) save(ctx context.Context, what part) error {
	c, ended := p.commitOf(what)
	var lost []int64
	err := p.persist(ctx, func(ctx context.Context) (err error) {
		lost, err = p.Store.Save(ctx, p.holder, c)
		return err
	})
	if err != nil {
		return err
	}
	if len(lost) > 0 {
		p.resyncLost(ctx, lost)
	}
	p.observeLag(ended)
	return nil
}

// observeLag observes how long ended events took to reach Salesforce, and how long changes in Salesforce took to reach
// their items.
func (p *pass) observeLag(ended []*task) {
	for _, t := range ended {
		w := p.byItem[t.ItemID]
		if t.wrote && t.err == nil && !w.answered.IsZero() && !t.TriggeredAt.IsZero() {
			p.lag.WithLabelValues(toSalesforce).Observe(w.answered.Sub(t.TriggeredAt).Seconds())
		}
		if w != nil && !w.shownAt.IsZero() {
			p.lag.WithLabelValues(toMonday).Observe(max(w.shownAt.Sub(w.savedAt), 0).Seconds()) // of two clocks
			w.shownAt = time.Time{}
		}
	}
}

// commitOf returns what a part has to save, and the events that end with it.
func (p *pass) commitOf(what part) (store.Commit, []*task) {
	c := store.Commit{Keys: what.keys, Requeue: func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error {
		return p.Requeue(ctx, tx, items, false)
	}}
	c.Items, c.Logs = make([]store.ItemChange, 0, len(what.works)+len(what.left)), make([]store.Log, 0, len(what.tasks))
	ended := make([]*task, 0, len(what.tasks))
	for _, item := range what.left {
		c.Items = append(c.Items, store.ItemChange{Item: item})
	}
	for _, w := range what.works {
		change := store.ItemChange{Item: w.item, Changed: w.changed}
		if w.held {
			change.HoldFor = ledger.LeaseMargin
		}
		c.Items = append(c.Items, change)
		w.settleChosen()
		w.stamp()
		c.Links, c.Waits = append(c.Links, w.log.links...), append(c.Waits, w.log.waits...)
		c.Appeared = c.Appeared || w.log.appeared
		c.Taken, c.Dropped = append(c.Taken, w.log.taken...), append(c.Dropped, w.log.dropped...)
	}
	for _, t := range what.tasks {
		if t.err == nil && !t.silent {
			ended = append(ended, t)
			c.Logs = append(c.Logs, p.logOf(t))
		}
	}
	return c, ended
}

// stamp records which mapping the written values of changed links were made by.
func (w *work) stamp() {
	for _, link := range w.log.links {
		if rec := w.board.Named(link.Record); rec != nil {
			link.Stamp(rec.Made())
		}
	}
}

// end determines the answers of the item's events.
func (w *work) end() {
	for _, t := range w.tasks {
		if w.err != nil && (t.reason == "" || w.isRead) {
			t.err = w.err // the rejection is stored, and the event fails once the rest is done
		}
		if t.err == nil || permanent(t.err) {
			w.changed = w.item.ClearPending(t.ColumnID, t.JobID) || w.changed
		}
		if t.err == nil && !t.wrote && t.reason == "" {
			t.reason = w.reason(t)
		}
		if rejected, ok := errors.AsType[*RejectedError](t.err); ok {
			t.err = w.complete(t, *rejected)
		}
	}
}

// complete adds to a rejection what is known at the end of the batch: the Id of a record that was created without the
// rejected value, and what the event wrote.
func (w *work) complete(t *task, rejected RejectedError) error {
	if link := w.item.Links[rejected.record]; link != nil {
		rejected.SalesforceID = cmp.Or(rejected.SalesforceID, link.SalesforceID)
	}
	rejected.Response = w.did(t)
	return &rejected
}

// reason returns why an event without changes does not concern Salesforce; empty: Salesforce already held its values.
func (w *work) reason(t *task) string {
	switch {
	case w.state == elsewhere:
		return reasonElsewhere
	case w.state == gone, w.state == missing:
		return reasonMissing
	case w.item.IsDeleted() && t.Kind != Deleted:
		return reasonDeleted
	case t.stale, t.own:
		return ""
	case w.hasNoRecord():
		return reasonNoRecord
	}
	return w.closedRecord()
}

// hasNoRecord reports whether the item has no record, and none that was rejected or ended for good.
func (w *work) hasNoRecord() bool {
	for _, link := range w.item.Links {
		if link.SalesforceID != "" || len(link.Rejected) > 0 || link.Closed != "" {
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
	w := p.byItem[t.ItemID]
	log.Response, log.Unclaimed = w.did(t), w == nil
	return log
}

// did returns what an event did to its item; w is nil if the item was not claimed.
func (w *work) did(t *task) response {
	did := response{Reason: t.reason, By: t.UserID}
	switch {
	case w == nil:
	case t.wrote:
		did.Records, did.Notes = w.log.records, w.log.notes
	case len(w.log.records) > 0 && t.reason != "":
		did.Records = w.log.ends()
	}
	if t.stale && did.Reason == "" {
		did.Reason = reasonNewer
	}
	return did
}

// resyncLost lets the events of items whose lease was lost come back, and queues a resync of the items.
func (p *pass) resyncLost(ctx context.Context, lost []int64) {
	var refs []ledger.Ref
	for _, w := range p.works {
		if !slices.Contains(lost, w.item.ID) {
			continue
		}
		refs = append(refs, ledger.Ref{BoardID: w.board.ID, ItemID: w.item.ID})
		for _, t := range w.tasks {
			t.err = &BusyError{What: theItem}
		}
	}
	err := p.persist(ctx, func(ctx context.Context) error {
		return p.Store.Do(ctx, func(tx pgx.Tx) error { return p.Requeue(ctx, tx, refs, true) })
	})
	if err != nil {
		p.Log.Error("could not queue the resync of overtaken items", "items", len(refs), "error", err)
	}
}

// closedRecord returns why a record of the item ended for good; empty: none has.
func (w *work) closedRecord() string {
	for _, rec := range w.board.Records {
		if link := w.item.Links[rec.Name]; link != nil && link.Closed != "" {
			return "the record " + rec.Name + " was " + link.Closed
		}
	}
	return ""
}
