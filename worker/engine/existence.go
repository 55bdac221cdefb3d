package engine

import (
	"time"

	"crmsync/mondayclient"
	"crmsync/schema/ledger"
)

// Reasons for which an event does not concern Salesforce.
const (
	reasonUnmappedBoard  = "the board is not mapped"
	reasonUnmappedColumn = "the column is not mapped"
	reasonThere          = "the item is there"
	reasonDeletedSince   = "the item was deleted since"
	reasonDeleted        = "the item is deleted"
	reasonMissing        = "the item is not on its board"
	reasonElsewhere      = "the item is on a board that is not mapped"
	reasonOtherBoard     = "the item is on another board"
	reasonNoRecord       = "no record is wanted yet"
	reasonNewer          = "a newer value is known"
	reasonHeld           = "held by the delete brake"
)

// settleExistence decides about deletes and restores, now that Monday was asked.
func (w *work) settleExistence() {
	for _, t := range w.tasks {
		switch {
		case t.stale || t.reason != "":
		case t.Kind == Resync && !t.Release:
		case t.ends() && w.state == missing:
			w.retry(&UnconfirmedError{}) // a token that lost the board sees no item of it either
		case t.Kind == Resync && w.state == gone:
			w.state = ending
		case t.Kind == Deleted && (w.state == gone || w.state == ending):
			w.item.Delete(w.existedAt(t))
			w.state, w.changed = ending, true
		case t.ends():
			t.reason = reasonThere
			w.revive(t)
		case t.Kind == Restored && w.state == alive:
			w.restore(t)
		case t.Kind == Restored:
			t.reason = reasonDeletedSince
		}
	}
}

// ends reports whether the event says that the item ended.
func (t *task) ends() bool { return t.Kind == Deleted || t.Release }

// revive lets an item live on that was taken for deleted, when Monday says that it is there.
func (w *work) revive(t *task) {
	if w.item.IsDeleted() {
		w.restore(t)
	}
}

// restore lets an item begin again that was just read.
func (w *work) restore(t *task) {
	w.item.Restore(w.existedAt(t))
	w.item.Known, w.fresh, w.changed, w.restored = true, true, true, true
}

// existedAt is the time of a delete or restore, as far as it can be believed.
func (w *work) existedAt(t *task) time.Time {
	if !ledger.Believable(t.TriggeredAt, w.now) {
		return w.now
	}
	return t.TriggeredAt
}

// move takes the item to the board on which Monday has it. What that board maps is known where it was asked for.
func (w *work) move(read *mondayclient.Item, asked []string) {
	board := w.mapping.Board(read.BoardID)
	if board == nil {
		w.state = elsewhere
		return
	}
	w.item.MoveTo(board.ID)
	w.board, w.changed = board, true
	for _, rec := range board.Records {
		if link := w.item.Links[rec.Name]; link != nil && link.Object != rec.Object {
			link.End()
			w.item.Links[rec.Name] = &ledger.Link{ItemID: w.item.ID, Record: rec.Name, Object: rec.Object, EndedIDs: link.EndedIDs}
		}
	}
	for name, link := range w.item.Links {
		if link.SalesforceID != "" && board.Named(name) == nil {
			w.log.note("the item was moved to this board; the records that only its old board has are kept as they are")
		}
	}
	w.mergeReading(read, asked)
	for _, id := range board.Columns {
		if _, known := w.item.Columns[id]; !known {
			w.unread = true
		}
	}
}

// settleBoard ends what events said of another board than the item's.
func (w *work) settleBoard() {
	for _, t := range w.tasks {
		if !t.elsewhere || t.Kind == Resync || t.Kind == Deleted || t.Kind == Restored {
			continue
		}
		switch {
		case w.state == elsewhere:
			t.reason = reasonElsewhere
		case t.BoardID != w.item.BoardID:
			t.reason = reasonOtherBoard
		case t.Kind == Updated && !w.isMapped(t.ColumnID):
			t.reason = reasonUnmappedColumn
		case t.Kind == Updated:
			w.touch(t.ColumnID)
		default:
			w.touch(ledger.NameColumn)
		}
	}
}
