package engine

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"time"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// nameColumn is what the item's name is called where columns are named.
const nameColumn = "name"

// work is an item on its way through a batch, with the events that are about it.
type work struct {
	board *mapping.Board
	item  *ledger.Item
	tasks []*task

	changed  bool             // the item is to be saved, not only freed
	read     bool             // the payloads do not say enough: Monday is to be asked
	gone     bool             // Monday does not know the item, or has it in the bin
	ended    bool             // a delete ends it with this batch
	held     bool             // a call that writes it was given up, and may still be under way
	fresh    bool             // it begins anew: what was written before counts for nothing
	touched  map[string]bool  // columns whose value as it stands was told by an event of the batch
	asked    map[string]int64 // columns that an event has read, with its time in Unix microseconds: what is read is no older
	askedAll int64            // the time of the event that has all of them read; 0: none

	view mapping.Item // the item as the mapping looks at it, once all is merged
	log  changes

	answered time.Time // when Salesforce took the last of it
	err      error     // what keeps the whole item from its end: to be tried again
}

// merge brings an event into what is known of its item. For each column the newer time wins, so events may come in
// any order and any number of times.
func (w *work) merge(t *task) {
	if !w.item.Known && !w.deleted() {
		w.read = true
	}
	switch t.Kind {
	case Updated:
		w.mergeColumn(t)
	case Created, Renamed:
		w.mergeName(t)
	case Deleted:
		w.mergeDelete(t)
	case Restored:
		w.mergeRestore(t)
	case Resync:
		w.fresh = w.fresh || t.Force
	}
}

func (w *work) mergeDelete(t *task) {
	switch at := t.TriggeredAt; {
	case t.Redelivered:
		w.read = true // its time is that of the delivery: whether the item is gone, only Monday knows
	case at.Before(w.item.ExistenceAt):
		t.stale, t.reason = true, "a later delete or restore is known"
	default:
		w.item.DeletedAt, w.item.ExistenceAt = at, at
		w.changed, w.ended = true, true
	}
}

func (w *work) mergeRestore(t *task) {
	at := t.TriggeredAt
	if !t.Redelivered && at.Before(w.item.ExistenceAt) {
		t.stale, t.reason = true, "a later delete or restore is known"
		return
	}
	w.read, w.askedAll = true, max(w.askedAll, at.UnixMicro())
	if !t.Redelivered {
		w.item.ExistenceAt = at
		w.begin()
	}
}

// begin lets the item begin anew, from what Monday says.
func (w *work) begin() {
	w.item.DeletedAt, w.item.Known = time.Time{}, false
	w.changed, w.ended, w.fresh = true, false, true
}

func (w *work) mergeColumn(t *task) {
	if _, mapped := slices.BinarySearch(w.board.Columns, t.ColumnID); !mapped {
		t.reason = "the column is not mapped"
		return
	}
	value, inside, err := column.FromWebhook(t.ColumnType, t.Value)
	at := micros(t.ChangedAt)
	if at == 0 && !inside.IsZero() {
		at = inside.UnixMicro()
	}
	sure := err == nil && (at != 0 || !t.Redelivered)
	at = cmp.Or(at, t.TriggeredAt.UnixMicro())
	known, ok := w.item.Columns[t.ColumnID]
	told := ledger.Column{Value: value, At: at, By: t.JobID}
	switch {
	case ok && at < known.At, ok && at == known.At && sure && !value.Equal(known.Value) && !after(told, known):
		t.stale = true
		return
	case ok && at == known.At && (!sure || value.Equal(known.Value)):
	case !sure:
		w.ask(t.ColumnID, at)
	default:
		w.set(t.ColumnID, told)
	}
	w.touch(t.ColumnID)
}

func (w *work) mergeName(t *task) {
	switch at := t.TriggeredAt; {
	case at.Before(w.item.NameAt), at.Equal(w.item.NameAt) && !t.Redelivered && t.Name < w.item.Name:
		t.stale = true
		return
	case t.Redelivered && !at.Equal(w.item.NameAt):
		w.ask(nameColumn, at.UnixMicro())
	case !t.Redelivered && (w.item.Name != t.Name || !at.Equal(w.item.NameAt)):
		w.item.Name, w.item.NameAt, w.changed = t.Name, at, true
	}
	w.touch(nameColumn)
}

// mergeRead brings in what Monday answered. A value never replaces one whose time is later.
func (w *work) mergeRead(read *mondayclient.Item) {
	if read == nil || read.State != "active" {
		w.gone = true
		return
	}
	for id, value := range read.Columns {
		at := w.readAt(id, read)
		if known, ok := w.item.Columns[id]; !ok || at >= known.At {
			w.set(id, ledger.Column{Value: value, At: at})
		}
	}
	at := time.UnixMicro(w.readAt(nameColumn, read)).UTC()
	if !at.Before(w.item.NameAt) && (w.item.Name != read.Name || !at.Equal(w.item.NameAt)) {
		w.item.Name, w.item.NameAt, w.changed = read.Name, at, true
	}
	if !w.item.Known {
		w.item.Known, w.changed = true, true
	}
}

// readAt is the time of a value that was read: the one inside it, else that of the item's last change, which Monday tells in
// whole seconds only. Where an event had it read, the value is no older than the event.
func (w *work) readAt(id string, read *mondayclient.Item) int64 {
	at := read.UpdatedAt
	if own, ok := read.ChangedAt[id]; ok {
		at = own
	}
	return max(at.UnixMicro(), w.asked[id], w.askedAll)
}

// settleExistence decides about deletes and restores that Monday delivered again, now that it was asked.
func (w *work) settleExistence() {
	for _, t := range w.tasks {
		again := t.Redelivered && (t.Kind == Deleted || t.Kind == Restored)
		switch {
		case !again:
			continue
		case t.Kind == Deleted && !w.gone:
			t.reason = "the item is there"
			continue
		case t.Kind == Restored && w.gone:
			t.reason = "the item was deleted since"
			continue
		case t.Kind == Restored:
			w.begin()
			w.item.Known = true // it was just read
		case !w.deleted():
			w.item.DeletedAt = t.TriggeredAt
			fallthrough
		default:
			w.changed, w.ended = true, true
		}
		if t.TriggeredAt.After(w.item.ExistenceAt) {
			w.item.ExistenceAt = t.TriggeredAt
		}
	}
}

// look fixes the item as the mapping looks at it.
func (w *work) look() {
	columns := make(map[string]column.Value, len(w.item.Columns))
	for id, c := range w.item.Columns {
		columns[id] = c.Value
	}
	w.view = mapping.Item{ID: w.item.ID, Name: w.item.Name, Columns: columns}
}

func (w *work) set(id string, c ledger.Column) {
	if known, ok := w.item.Columns[id]; ok && known.At == c.At && known.Value.Equal(c.Value) {
		return
	}
	if w.item.Columns == nil {
		w.item.Columns = map[string]ledger.Column{}
	}
	w.item.Columns[id] = c
	w.changed = true
}

// ask has the value of a column read, because an event of the time does not tell it for certain. What was before the item's
// end is of no use.
func (w *work) ask(id string, at int64) {
	if w.deleted() && at < w.item.DeletedAt.UnixMicro() {
		return
	}
	if w.asked == nil {
		w.asked = map[string]int64{}
	}
	w.asked[id] = max(w.asked[id], at)
	w.read = true
}

func (w *work) touch(id string) {
	if w.touched == nil {
		w.touched = map[string]bool{}
	}
	w.touched[id] = true
}

func (w *work) deleted() bool { return !w.item.DeletedAt.IsZero() }

// alive says whether there is an item to bring to Salesforce.
func (w *work) alive() bool {
	return w.err == nil && !w.gone && !w.deleted()
}

// micros turns Unix seconds into microseconds; Monday tells fractions of a second as a float.
func micros(seconds float64) int64 {
	return int64(math.Round(seconds * 1e6))
}

// after orders two values of the same time, so that the order in which they come does not matter.
func after(a, b ledger.Column) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Compare(x, y) > 0
}
