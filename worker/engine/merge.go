package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// nameColumn is what the item's name is called where columns are named.
const nameColumn = "name"

// work is an item on its way through a batch, with the events that are about it.
type work struct {
	board *mapping.Board
	item  *store.Item
	tasks []*task

	changed bool            // the item is to be saved, not only freed
	read    bool            // the payloads do not say enough: Monday is to be asked
	gone    bool            // Monday does not know the item, or has it in the bin
	ended   bool            // a delete ends it with this batch
	fresh   bool            // it begins anew: what was written before counts for nothing
	touched map[string]bool // columns whose value as it stands was told by an event of the batch

	view mapping.Item // the item as the mapping looks at it, once all is merged
	log  changes

	answered time.Time // when Salesforce took the last of it
	err      error     // what keeps the whole item from its end: to be tried again
}

// merge brings an event into what is known of its item. For each column the newer time wins, so events may come in
// any order and any number of times.
func (w *work) merge(t *task) {
	switch t.Kind {
	case Deleted:
		w.mergeDelete(t)
		return
	case Restored:
		w.mergeRestore(t)
		return
	}
	if !w.item.DeletedAt.IsZero() {
		t.reason = "the item is deleted"
		return
	}
	if !w.item.Known {
		w.read = true
	}
	switch t.Kind {
	case Updated:
		w.mergeColumn(t)
	case Created, Renamed:
		w.mergeName(t)
	case Resync:
		w.fresh = w.fresh || t.Force
	}
}

func (w *work) mergeDelete(t *task) {
	switch at := t.TriggeredAt; {
	case t.Redelivered:
		w.read = true // its time is that of the delivery: whether the item is gone, only Monday knows
		w.ended = true
	case at.Before(w.item.ExistenceAt):
		t.stale, t.reason = true, "the item was restored since"
	default:
		w.item.DeletedAt, w.item.ExistenceAt = at, at
		w.changed, w.ended = true, true
	}
}

func (w *work) mergeRestore(t *task) {
	at := t.TriggeredAt
	if at.Before(w.item.ExistenceAt) {
		t.stale, t.reason = true, "the item was deleted since"
		return
	}
	w.item.DeletedAt, w.item.ExistenceAt = time.Time{}, at
	w.item.Known, w.item.Columns, w.item.NameAt = false, nil, time.Time{}
	w.changed, w.ended, w.read, w.fresh = true, false, true, true
}

func (w *work) mergeColumn(t *task) {
	if _, mapped := slices.BinarySearch(w.board.Columns, t.ColumnID); !mapped {
		t.reason = "the column is not mapped"
		return
	}
	value, inside, err := column.FromWebhook(t.ColumnType, t.Value)
	if errors.Is(err, column.ErrUnsure) {
		w.read = true
		w.touch(t.ColumnID)
		return
	}
	at := micros(t.ChangedAt)
	switch {
	case at != 0:
	case !inside.IsZero():
		at = inside.UnixMicro()
	case t.Redelivered:
		w.read = true
		w.touch(t.ColumnID)
		return
	default:
		at = t.TriggeredAt.UnixMicro()
	}
	known, ok := w.item.Columns[t.ColumnID]
	told := store.Column{Value: value, At: at}
	switch {
	case ok && at < known.At, ok && at == known.At && !value.Equal(known.Value) && !after(told, known):
		t.stale = true
	case ok && at == known.At && value.Equal(known.Value):
		w.touch(t.ColumnID)
	default:
		w.set(t.ColumnID, told)
		w.touch(t.ColumnID)
	}
}

func (w *work) mergeName(t *task) {
	if t.Redelivered {
		w.read = true
		w.touch(nameColumn)
		return
	}
	switch at := t.TriggeredAt; {
	case at.Before(w.item.NameAt), at.Equal(w.item.NameAt) && t.Name < w.item.Name:
		t.stale = true
	default:
		if w.item.Name != t.Name || !at.Equal(w.item.NameAt) {
			w.item.Name, w.item.NameAt, w.changed = t.Name, at, true
		}
		w.touch(nameColumn)
	}
}

// mergeRead brings in what Monday answered. Its times are those inside the values, else the time of the item's last
// change, in whole seconds: a value never replaces one whose own time is later.
func (w *work) mergeRead(read *mondayclient.Item) {
	if read == nil || read.State != "active" {
		w.gone = true
		return
	}
	for id, value := range read.Columns {
		at := read.UpdatedAt
		if own, ok := read.ChangedAt[id]; ok {
			at = own
		}
		if known, ok := w.item.Columns[id]; !ok || at.UnixMicro() >= known.At {
			w.set(id, store.Column{Value: value, At: at.UnixMicro()})
		}
	}
	if !read.UpdatedAt.Before(w.item.NameAt) && (w.item.Name != read.Name || !w.item.Known) {
		w.item.Name, w.item.NameAt, w.changed = read.Name, read.UpdatedAt, true
	}
	if !w.item.Known {
		w.item.Known, w.changed = true, true
	}
}

// settleDelete decides about a delete that Monday delivered again, now that it was asked.
func (w *work) settleDelete() {
	for _, t := range w.tasks {
		if t.Kind != Deleted || !t.Redelivered {
			continue
		}
		if !w.gone {
			t.reason = "the item is there"
			continue
		}
		if w.item.DeletedAt.IsZero() {
			w.item.DeletedAt, w.changed = t.TriggeredAt, true
		}
		w.ended = true
	}
	w.ended = w.ended && !w.item.DeletedAt.IsZero()
}

// look fixes the item as the mapping looks at it.
func (w *work) look() {
	columns := make(map[string]column.Value, len(w.item.Columns))
	for id, c := range w.item.Columns {
		columns[id] = c.Value
	}
	w.view = mapping.Item{ID: w.item.ID, Name: w.item.Name, Columns: columns}
}

func (w *work) set(id string, c store.Column) {
	if known, ok := w.item.Columns[id]; ok && known.At == c.At && known.Value.Equal(c.Value) {
		return
	}
	if w.item.Columns == nil {
		w.item.Columns = map[string]store.Column{}
	}
	w.item.Columns[id] = c
	w.changed = true
}

func (w *work) touch(id string) {
	if w.touched == nil {
		w.touched = map[string]bool{}
	}
	w.touched[id] = true
}

// alive says whether there is an item to bring to Salesforce.
func (w *work) alive() bool {
	return w.err == nil && !w.gone && w.item.DeletedAt.IsZero()
}

// micros turns Unix seconds into microseconds; Monday tells fractions of a second as a float.
func micros(seconds float64) int64 {
	return int64(math.Round(seconds * 1e6))
}

// after orders two values of the same time, so that the order in which they come does not matter.
func after(a, b store.Column) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Compare(x, y) > 0
}
