package engine

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// merge merges an event into what is known of its item.
func (w *work) merge(t *task) {
	if t.BoardID != w.item.BoardID {
		w.mergeElsewhere(t)
		return
	}
	switch t.Kind {
	case Updated:
		w.mergeColumn(t)
	case Created, Renamed:
		w.mergeName(t)
	case Deleted, Restored:
		w.mergeExistence(t)
	case Resync:
		w.force(t)
		w.unread = w.unread || t.Release || t.Read
	}
}

// mergeElsewhere merges an event that names another board than the item's known one. Monday is asked which is right.
func (w *work) mergeElsewhere(t *task) {
	w.unread, t.elsewhere = true, true
	if t.Kind == Resync {
		w.force(t)
	} else if ledger.Believable(t.TriggeredAt, w.now) {
		w.floor.All = max(w.floor.All, t.TriggeredAt.UnixMicro())
	}
}

// force has everything sent again if the event asks for it.
func (w *work) force(t *task) {
	if t.Force {
		w.fresh, w.forced = true, true
	}
}

func (w *work) mergeColumn(t *task) {
	if !w.isMapped(t.ColumnID) {
		t.reason = reasonUnmappedColumn
		return
	}
	value, inside, err := column.FromWebhook(t.ColumnType, t.Value)
	at := micros(t.ChangedAt)
	if at == 0 && !inside.IsZero() {
		at = inside.UnixMicro()
	}
	sure := err == nil && (at != 0 || !t.Redelivered)
	at = cmp.Or(at, t.TriggeredAt.UnixMicro())
	told := ledger.Column{Value: value, At: at, By: t.JobID}
	if err == nil {
		w.tell(t.ColumnID, told)
	}
	t.own = w.isIDColumn(t.ColumnID) && w.item.Says(t.ColumnID, value)
	merged := w.item.MergeColumn(t.ColumnID, told, sure, w.now)
	w.overwrite(t.ColumnID, told, sure, merged)
	w.take(t, t.ColumnID, at, merged)
}

func (w *work) mergeName(t *task) {
	told := ledger.Column{Value: column.Value{Text: t.Name}, At: t.TriggeredAt.UnixMicro()}
	w.tell(ledger.NameColumn, told)
	merged := w.item.MergeName(t.Name, t.TriggeredAt, !t.Redelivered, w.now)
	w.overwrite(ledger.NameColumn, told, !t.Redelivered, merged)
	w.take(t, ledger.NameColumn, told.At, merged)
}

// take handles the result of merging a value that an event carries.
func (w *work) take(t *task, id string, at int64, m ledger.Merge) {
	switch m {
	case ledger.Stale:
		t.stale = true
		return
	case ledger.Doubtful:
		w.ask(id, at)
	case ledger.Echo:
		w.changed = true
		return
	case ledger.Taken:
		w.changed = true
	}
	w.touch(id)
}

// mergeExistence requests a read of the item, because neither a delete nor a restore is trusted until Monday has been
// asked.
func (w *work) mergeExistence(t *task) {
	if !t.Redelivered && t.TriggeredAt.Before(w.item.ExistenceAt) {
		t.stale, t.reason = true, "a later delete or restore is known"
		return
	}
	w.unread = true
	if t.Kind == Restored && ledger.Believable(t.TriggeredAt, w.now) {
		w.floor.All = max(w.floor.All, t.TriggeredAt.UnixMicro())
	}
}

// ask requests a read of the column, because an event of that time does not determine its value for certain. Values
// from before the item's end do not count.
func (w *work) ask(id string, at int64) {
	if w.item.IsDeleted() && at < w.item.DeletedAt.UnixMicro() {
		return
	}
	if !ledger.Believable(time.UnixMicro(at), w.now) {
		at = w.item.KnownAt(id) // the value read is newer than the known one
	}
	if ledger.Believable(time.UnixMicro(at), w.now) {
		w.floor.Raise(id, at)
	}
	w.unread = true
}

// mustRead reports whether Monday has to be asked about the item.
func (w *work) mustRead() bool {
	return w.unread || w.item.Unread(w.board.Columns) && !w.item.IsDeleted()
}

// mergeRead merges Monday's answer about these columns; nil: it does not show the item.
func (w *work) mergeRead(read *mondayclient.Item, asked []string) {
	w.unread, w.state = false, alive
	switch {
	case read == nil:
		w.state = missing
	case read.State.IsEnded():
		w.state = gone
	case read.BoardID != 0 && read.BoardID != w.item.BoardID:
		w.move(read, asked)
	default:
		w.mergeReading(read, asked)
	}
}

func (w *work) mergeReading(read *mondayclient.Item, asked []string) {
	w.isRead = true
	wanted := slices.DeleteFunc(slices.Clone(asked), func(id string) bool { return !w.isMapped(id) })
	if w.item.Known {
		w.outdate(func(link *ledger.Link, f *mapping.Field) bool {
			return slices.ContainsFunc(f.Columns(), w.isUnread) && link.Outdate(f.Name)
		})
	}
	for _, id := range wanted {
		if _, answered := read.Columns[id]; !answered && !w.isUnread(id) {
			w.log.note("Monday does not show the column " + id +
				": it was deleted, or the token may not read it. Its known value stays.")
		}
	}
	if w.rereads {
		w.confirm(read)
	}
	if w.item.MergeReading(ReadingOf(read), wanted, w.floor, w.now) {
		w.changed = true
		for id, events := range w.told {
			for _, told := range events {
				w.item.Attribute(id, told)
			}
		}
	}
}

// confirm lets an answer count as no older than values of the same second: Monday's times of items are in whole
// seconds, and a person may have edited twice within one.
func (w *work) confirm(read *mondayclient.Item) {
	for _, id := range append(slices.Collect(maps.Keys(w.item.Columns)), ledger.NameColumn) {
		if at := w.item.KnownAt(id); read.UpdatedAt.Unix() >= at/1e6 {
			w.floor.Raise(id, at)
		}
	}
}

// isUnread reports whether a mapped column has never been read from Monday.
func (w *work) isUnread(id string) bool {
	_, known := w.item.Columns[id]
	return !known && w.isMapped(id)
}

// moved records that the item has left the board by whose mapping a field was written.
func moved(link *ledger.Link, f *mapping.Field) bool { return link.Move(f.Name) }

// outdate records which fields have been written from another source than they have now; mark reports whether that is
// new for a field.
func (w *work) outdate(mark func(*ledger.Link, *mapping.Field) bool) {
	for _, rec := range w.board.Records {
		link := w.item.Links[rec.Name]
		if link == nil || rec.Shared {
			continue
		}
		for _, field := range rec.Fields {
			if mark(link, field) {
				w.log.relink(link)
			}
		}
	}
}

// ReadingOf converts Monday's answer for the ledger.
func ReadingOf(read *mondayclient.Item) ledger.Reading {
	return ledger.Reading{
		BoardID: read.BoardID, Name: read.Name, UpdatedAt: read.UpdatedAt, Columns: read.Columns, ChangedAt: read.ChangedAt,
	}
}

// micros converts Unix seconds to microseconds; Monday sends fractions of a second as a float.
func micros(seconds float64) int64 { return int64(math.Round(seconds * 1e6)) }

// move moves the item to the board on which Monday shows it. The columns that the new board maps are known if they
// were read.
func (w *work) move(read *mondayclient.Item, asked []string) {
	board := w.mapping.Board(read.BoardID)
	if board == nil {
		w.item.Leave()
		w.outdate(moved)
		w.state, w.changed = elsewhere, true
		return
	}
	w.item.MoveTo(board.ID)
	w.board, w.changed = board, true
	for _, rec := range board.Records {
		if link := w.item.Links[rec.Name]; link != nil && link.Object != rec.Object {
			w.item.Links[rec.Name] = link.Replace(rec.Object)
		}
	}
	for name, link := range w.item.Links {
		if link.SalesforceID != "" && board.Named(name) == nil {
			w.log.note("the item was moved to this board; the records that only its old board has are kept as they are")
		}
	}
	w.outdate(moved)
	w.mergeReading(read, asked)
	for _, id := range board.Columns {
		if _, known := w.item.Columns[id]; !known {
			w.unread = true
		}
	}
}

// settleBoard ends events that name another board than the item's.
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
