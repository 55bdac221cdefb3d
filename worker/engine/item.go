package engine

import (
	"slices"
	"time"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/settle"
)

// work is an item in a batch, with its events.
type work struct {
	mapping *mapping.Mapping
	board   *mapping.Board
	item    *ledger.Item
	tasks   []*task
	now     time.Time

	state   state
	unread  bool         // Monday has to be asked
	isRead  bool         // Monday was asked, in this batch
	isAsked bool         // the same, and not from a page, which may lag
	rereads bool         // the answer counts as no older than what is known of the same second
	floor   ledger.Floor // minimum times of Monday's answer
	isShown bool         // a page shows the item although it counts as deleted
	view    plan.Item    // the item as the plans see it, once everything is merged
	touched map[string]bool
	told    map[string][]ledger.Column // the values that events carried, by column
	adopts  map[string]string          // by record name: the Id of an existing record found for the item
	remade  map[string]bool            // missing records that are created again

	overwritten []overwritten                // values from events that our writes have overwritten
	decisions   map[string][]settle.Decision // by record name: decisions about the columns that it fills
	archives    []target                     // deleted records because of which the item is archived
	chosen      []store.Conflict             // conflicts for which a person chose a value

	changed  bool      // the item has to be saved, not only released
	fresh    bool      // it begins again: earlier writes of fields that only go to Salesforce do not count
	forced   bool      // Salesforce may hold an older value of ours: a difference is no change there
	restored bool      // it is back: decisions about its deletion no longer count
	held     bool      // a call that writes it was interrupted, and may still take effect
	answered time.Time // when Salesforce answered the item's last write
	savedAt  time.Time // when Salesforce saved what the item has taken
	shownAt  time.Time // when the item took it; zero: it took nothing recent
	log      changes
	err      error // why the whole item must be attempted again
}

// state is whether there is an item to sync.
type state uint8

const (
	alive     state = iota
	ending          // a delete in this batch ends it
	gone            // Monday has archived or deleted it
	missing         // Monday does not show it
	elsewhere       // it is on an unmapped board
)

// target is a record of an item.
type target struct {
	work   *work
	record *mapping.Record
}

// overwritten is a value that a person entered in Monday between our read of the item and our write to it. Its event
// arrives when the column already shows what we wrote.
type overwritten struct {
	column string
	told   ledger.Column
	ours   column.Value // what the column showed when the event arrived
}

// look prepares the item for planning.
func (w *work) look() {
	columns := make(map[string]column.Value, len(w.item.Columns))
	for id, c := range w.item.Columns {
		columns[id] = c.Value
	}
	w.view = plan.Item{
		View:  mapping.Item{ID: w.item.ID, Name: w.item.Name, Columns: columns},
		Links: w.item.Links, Shown: map[string]string{}, Touched: w.touched, Carried: w.carried(), Fresh: w.fresh,
	}
	for _, rec := range w.board.Records {
		if rec.IDColumn == "" {
			continue
		}
		if id, ok := sfclient.ID18(columns[rec.IDColumn].Text); ok && !w.hasOther(rec.Name, id) {
			w.view.Shown[rec.Name] = id
		}
	}
}

// undecide drops the decisions about a record, because the item has another one from now on.
func (w *work) undecide(rec *mapping.Record) {
	if len(w.decisions[rec.Name]) == 0 {
		return
	}
	delete(w.decisions, rec.Name)
	w.look()
	for _, other := range w.board.Records {
		w.lookDecided(other)
	}
}

// lookDecided shows the plans what was decided about a record.
func (w *work) lookDecided(rec *mapping.Record) {
	decisions := w.decisions[rec.Name]
	if len(decisions) == 0 {
		return
	}
	if w.view.Decided == nil {
		w.view.Decided = map[string]map[string]bool{}
	}
	w.view.Decided[rec.Name] = settle.Decided(decisions)
	for _, d := range decisions {
		if d.Takes {
			w.view.View = w.view.View.With(d.Field.Column(), d.Value)
		}
	}
}

// hasOther reports whether an Id belongs to another record of the item: the column may have shown that one on the
// item's previous board.
func (w *work) hasOther(record, id string) bool {
	for name, link := range w.item.Links {
		if name != record && (link.SalesforceID == id || link.Ended(id)) {
			return true
		}
	}
	return false
}

func (w *work) isMapped(id string) bool {
	_, mapped := slices.BinarySearch(w.board.Columns, id)
	return mapped
}

// isIDColumn reports whether a column shows the Id of a record.
func (w *work) isIDColumn(id string) bool {
	return slices.ContainsFunc(w.board.Records, func(rec *mapping.Record) bool { return rec.IDColumn == id })
}

func (w *work) touch(id string) {
	if w.touched == nil {
		w.touched = map[string]bool{}
	}
	w.touched[id] = true
}

// tell remembers what an event carried for a column.
func (w *work) tell(id string, c ledger.Column) {
	if w.told == nil {
		w.told = map[string][]ledger.Column{}
	}
	w.told[id] = append(w.told[id], c)
}

// carried returns the columns whose present value an event has carried, in this batch or one that is still pending.
func (w *work) carried() map[string]bool {
	all := make(map[string]bool, len(w.told))
	for id, c := range w.item.Columns {
		says := func(told ledger.Column) bool { return w.item.Says(id, told.Value) }
		if c.By != 0 || slices.ContainsFunc(w.told[id], says) {
			all[id] = true
		}
	}
	return all
}

// isAlive reports whether there is an item to sync.
func (w *work) isAlive() bool { return w.err == nil && w.state == alive && !w.item.IsDeleted() }

// retry stores the first reason why the whole item must be attempted again.
func (w *work) retry(err error) {
	if w.err == nil {
		w.err = err
	}
}

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
	reasonSuppressed     = "suppressed"
	reasonHeld           = "held by the delete brake"
)
