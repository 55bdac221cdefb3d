package report

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/engine"
)

// ErrUnknown means that neither the ledger nor Monday knows the item.
var ErrUnknown = errors.New("neither crmsync nor Monday has an item with this id")

// Comparer compares the items of a page with Salesforce.
type Comparer interface {
	Compare(ctx context.Context, page engine.Page) ([]engine.Found, engine.Cost, error)
}

// Monday is the part of Monday's API that a report needs.
type Monday interface {
	Items(ctx context.Context, ids []int64, columns []string) ([]mondayclient.Item, error)
}

// liveTimeout is how long both systems may take to answer. After that, a report is created without them.
const liveTimeout = 15 * time.Second

// conflictsShown is how many conflicts of an item a report has.
const conflictsShown = 50

// Reporter creates reports. It is safe for concurrent use.
type Reporter struct {
	Mapping *mapping.Mapping
	Store   *store.Store
	Engine  Comparer
	Monday  Monday
	Places  *Places
	Now     func() time.Time
}

// draft is a report under construction.
type draft struct {
	*Reporter
	Report
	board   *mapping.Board
	item    *ledger.Item       // nil: the ledger does not know it
	live    *mondayclient.Item // nil: Monday did not show it, or was not asked
	asked   bool               // Monday answered
	view    mapping.Item       // Monday's values, from Monday or else from the ledger
	found   engine.Found
	compare bool // found describes both systems as they are now
	history store.History

	conflicts []store.Conflict
	names     Names
}

// Make reports on an item. It reads it in both systems, and changes nothing.
func (r *Reporter) Make(ctx context.Context, id int64) (*Report, error) {
	d := &draft{Reporter: r, Report: Report{
		Item: id, ReadAt: r.Now().UTC(), Records: []Record{}, DeadLetters: []DeadLetter{}, Timeline: []Entry{},
	}}
	var err error
	if d.item, err = r.Store.Item(ctx, id); err != nil {
		return nil, err
	}
	d.readLive(ctx)
	if d.item == nil && d.live == nil {
		if len(d.Problems) > 0 {
			return nil, fmt.Errorf("%w, as far as can be said: %s", ErrUnknown, d.Problems[0])
		}
		return nil, ErrUnknown
	}
	if d.history, err = r.Store.ItemHistory(ctx, id); err != nil {
		return nil, err
	}
	if d.conflicts, err = r.Store.Conflicts(ctx, 0, id, conflictsShown); err != nil {
		return nil, err
	}
	d.names = r.Places.Names(ctx)
	d.identify()
	d.describeRecords()
	d.describeHistory()
	d.nameUsers(ctx)
	d.conclude()
	return &d.Report, nil
}

// readLive reads the item in both systems. What fails becomes a problem of the report.
func (d *draft) readLive(ctx context.Context) {
	if d.isSuppressed() {
		d.board = d.Mapping.Board(d.item.BoardID)
		return // it was erased: nothing about it is read
	}
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	readAt := d.Now()
	columns := d.columns()
	items, err := d.Monday.Items(ctx, []int64{d.Item}, columns)
	if d.asked = err == nil; !d.asked {
		d.Problems = append(d.Problems, "Monday could not be read: "+err.Error())
	}
	if len(items) == 1 {
		d.live = &items[0]
	}
	switch {
	case d.live != nil && d.live.BoardID != 0:
		d.board = d.Mapping.Board(d.live.BoardID)
	case d.item != nil:
		d.board = d.Mapping.Board(d.item.BoardID)
	}
	if d.live == nil || d.live.State.IsEnded() || d.board == nil {
		return
	}
	page := engine.Page{BoardID: d.board.ID, Items: items, Asked: columns, ReadAt: readAt, Dry: true, Whole: true}
	found, cost, err := d.Engine.Compare(ctx, page)
	if err == nil && len(found) == 1 {
		d.found, err = found[0], found[0].Err
	}
	if d.compare = err == nil; !d.compare {
		d.Problems = append(d.Problems, "Salesforce could not be read: "+err.Error())
	}
	d.SalesforceCalls, d.MondayCalls = cost.Salesforce, cost.Monday
}

// columns returns the columns to read: those of the item's board, or of all boards if it is unknown.
func (d *draft) columns() (ids []string) {
	for _, b := range d.Mapping.Boards {
		if d.item == nil || d.item.BoardID == b.ID {
			ids = append(ids, b.Columns...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// identify fills in the item's name and board.
func (d *draft) identify() {
	d.view = mapping.Item{ID: d.Item, Columns: map[string]column.Value{}}
	if d.item != nil {
		d.BoardID, d.Name, d.view.Name = d.item.BoardID, d.item.Name, d.item.Name
		for id, c := range d.item.Columns {
			d.view.Columns[id] = c.Value
		}
	}
	if d.live != nil {
		d.Name, d.view.Name, d.view.Columns = d.live.Name, d.live.Name, d.live.Columns
		if d.live.BoardID != 0 {
			d.BoardID = d.live.BoardID
		}
	}
	if d.board != nil {
		d.Board = d.board.Name
	}
	d.Title = d.names.Boards[d.BoardID].Name
	d.MondayURL = d.names.ItemURL(d.BoardID, d.Item)
}

// isSuppressed reports whether a person erased the item for good.
func (d *draft) isSuppressed() bool { return d.item != nil && d.item.Suppressed }

// isEnded reports whether the item was deleted or archived in Monday.
func (d *draft) isEnded() bool {
	if d.live != nil {
		return d.live.State.IsEnded()
	}
	return d.item.IsDeleted() || d.asked
}
