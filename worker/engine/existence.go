package engine

import (
	"time"

	"crmsync/schema/ledger"
)

// settleExistence decides about deletes and restores after Monday has been asked.
func (w *work) settleExistence() {
	for _, t := range w.tasks {
		switch {
		case t.stale || t.reason != "":
		case t.Kind == Resync && w.isShown && w.state == alive && w.item.IsDeleted():
			w.restore(t) // its event was lost
		case t.Kind == Resync && !t.Release:
		case t.ends() && w.state == missing:
			w.retry(&UnconfirmedError{}) // a token that lost access to the board cannot see its items either
		case t.Kind == Resync && w.state == gone:
			w.state = ending
		case t.Kind == Deleted && (w.state == gone || w.state == ending):
			w.item.Delete(w.existedAt(t))
			w.state, w.changed = ending, true
		case (t.ends() || t.Kind == Restored) && w.state == alive && w.item.IsDeleted():
			w.restore(t)
		case t.ends(), t.Kind == Restored && w.state == alive:
			t.reason = reasonThere
		case t.Kind == Restored:
			t.reason = reasonDeletedSince
		}
	}
}

// ends reports whether the event ends the item.
func (t *task) ends() bool { return t.Kind == Deleted || t.Release }

// restore restarts an item that was just read. Fields that only go to Salesforce get what Monday says. The others are
// compared as usual: what was edited in Salesforce meanwhile is not lost.
func (w *work) restore(t *task) {
	w.item.Restore(w.existedAt(t))
	w.item.Known, w.fresh, w.changed, w.restored = true, true, true, true
	for _, link := range w.item.Links {
		if link.Lost { // the item starts again, and with it the condition for its records
			link.Lost = false
			w.log.relink(link)
		}
	}
}

// existedAt returns the time of a delete or restore, as far as the event can be trusted.
func (w *work) existedAt(t *task) time.Time {
	if !ledger.Believable(t.TriggeredAt, w.now) {
		return w.now
	}
	return t.TriggeredAt
}
