package engine

import (
	"cmp"
	"math"
	"slices"
	"time"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
)

// work is an item on its way through a batch, with the events that are about it.
type work struct {
	mapping *mapping.Mapping
	board   *mapping.Board
	item    *ledger.Item
	tasks   []*task
	now     time.Time

	state   state
	unread  bool         // Monday has to be asked
	isRead  bool         // it was, in this batch
	floor   ledger.Floor // of what it answers
	view    plan.Item    // the item as it is planned, once all is merged
	touched map[string]bool
	adopts  map[string]string // by record name: the Id of a record that was found for the item
	remade  map[string]bool   // records that were gone and are created again

	changed  bool      // the item is to be saved, not only released
	fresh    bool      // it begins again: what was written before counts for nothing
	restored bool      // it is back: what was decided about its deletion counts no more
	held     bool      // a call that writes it was interrupted, and may still take effect
	answered time.Time // when Salesforce took the last of it
	log      changes
	err      error // what keeps the whole item from its end: it is tried again
}

// state is whether there is an item to sync.
type state uint8

const (
	alive     state = iota
	ending          // a delete ends it with this batch
	gone            // Monday has it in the archive or in the bin
	missing         // Monday does not show it
	elsewhere       // it is on a board that is not mapped
)

// merge brings an event into what is known of its item.
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
		w.fresh = w.fresh || t.Force
		w.unread = w.unread || t.Release
	}
}

// mergeElsewhere takes an event that names another board than the one that the item is known to be on. Monday has to say
// which is right.
func (w *work) mergeElsewhere(t *task) {
	w.unread, t.elsewhere = true, true
	if t.Kind == Resync {
		w.fresh = w.fresh || t.Force
	} else if ledger.Believable(t.TriggeredAt, w.now) {
		w.floor.All = max(w.floor.All, t.TriggeredAt.UnixMicro())
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
	w.take(t, t.ColumnID, at, w.item.MergeColumn(t.ColumnID, told, sure, w.now))
}

func (w *work) mergeName(t *task) {
	at := t.TriggeredAt
	w.take(t, ledger.NameColumn, at.UnixMicro(), w.item.MergeName(t.Name, at, !t.Redelivered, w.now))
}

// take acts on what became of a value that an event carries.
func (w *work) take(t *task, id string, at int64, m ledger.Merge) {
	switch m {
	case ledger.Stale:
		t.stale = true
		return
	case ledger.Doubtful:
		w.ask(id, at)
	case ledger.Taken:
		w.changed = true
	}
	w.touch(id)
}

// mergeExistence has Monday asked whether the item is there: neither its end nor its return is believed without a look.
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

// ask has the value of a column read, because an event of the time does not say it for certain. What was before the item's end
// is of no use.
func (w *work) ask(id string, at int64) {
	if w.item.IsDeleted() && at < w.item.DeletedAt.UnixMicro() {
		return
	}
	if !ledger.Believable(time.UnixMicro(at), w.now) {
		at = w.item.Columns[id].At // what is read is newer than what is known
	}
	w.floor.Raise(id, at)
	w.unread = true
}

// mustRead reports whether Monday has to be asked about the item.
func (w *work) mustRead() bool {
	return w.unread || w.item.Unread(w.board.Columns) && !w.item.IsDeleted()
}

// mergeRead brings in what Monday answered to a question about these columns; nil: it does not show the item.
func (w *work) mergeRead(read *mondayclient.Item, asked []string) {
	w.unread, w.state = false, alive
	switch {
	case read == nil:
		w.state = missing
	case read.State != "active":
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
	if w.item.MergeReading(ReadingOf(read), wanted, w.floor, w.now) {
		w.changed = true
	}
}

// ReadingOf is what Monday answered, as the ledger takes it.
func ReadingOf(read *mondayclient.Item) ledger.Reading {
	return ledger.Reading{
		BoardID: read.BoardID, Name: read.Name, UpdatedAt: read.UpdatedAt, Columns: read.Columns, ChangedAt: read.ChangedAt,
	}
}

// look fixes the item as it is planned.
func (w *work) look() {
	columns := make(map[string]column.Value, len(w.item.Columns))
	for id, c := range w.item.Columns {
		columns[id] = c.Value
	}
	w.view = plan.Item{
		View:  mapping.Item{ID: w.item.ID, Name: w.item.Name, Columns: columns},
		Links: w.item.Links, Shown: map[string]string{}, Touched: w.touched, Fresh: w.fresh,
	}
	for _, rec := range w.board.Records {
		if rec.IDColumn == "" {
			continue
		}
		if id, ok := sfclient.ID18(columns[rec.IDColumn].Text); ok {
			w.view.Shown[rec.Name] = id
		}
	}
}

func (w *work) isMapped(id string) bool {
	_, mapped := slices.BinarySearch(w.board.Columns, id)
	return mapped
}

func (w *work) touch(id string) {
	if w.touched == nil {
		w.touched = map[string]bool{}
	}
	w.touched[id] = true
}

// isAlive reports whether there is an item to bring to Salesforce.
func (w *work) isAlive() bool { return w.err == nil && w.state == alive && !w.item.IsDeleted() }

// retry keeps the first reason for which the whole item is to be tried again.
func (w *work) retry(err error) {
	if w.err == nil {
		w.err = err
	}
}

// micros turns Unix seconds into microseconds; Monday tells fractions of a second as a float.
func micros(seconds float64) int64 { return int64(math.Round(seconds * 1e6)) }
