package engine

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"crmsync/internal/advice"
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/settle"
)

// writeBack writes to the items what they do not show yet: the Ids of their records, and the values that columns take
// from Salesforce.
func (p *pass) writeBack(ctx context.Context) {
	var items [][]cell
	for _, w := range p.works {
		if w.state != alive || w.item.IsDeleted() || !w.item.Known {
			continue
		}
		ids := slices.DeleteFunc(p.idCells(w), func(c cell) bool { return !p.compares(c.record) })
		for _, c := range ids {
			x := Difference{Field: c.record.IDColumn, Kind: plan.IDColumn, Monday: w.textOf([]string{c.column}), Sends: true}
			if c.id == "" {
				x.Code = codeEnded
			}
			p.note(c.planned(), x)
		}
		if cells := append(ids, w.takenCells()...); len(cells) > 0 {
			items = append(items, cells)
		}
	}
	if p.bulk != nil {
		p.bulk.cost.Monday += (len(items) + writeSize - 1) / writeSize
	}
	if p.isDry() {
		return
	}
	if err := p.foreseeShown(ctx, items); err != nil {
		for _, cells := range items {
			cells[0].work.retry(err)
		}
		return
	}
	for some := range slices.Chunk(items, writeSize) {
		p.writeCells(ctx, some)
	}
}

// codeEnded means that an id column is emptied: the record whose Id it shows is gone, and there is no other.
const codeEnded = "RECORD_ENDED"

// idCells returns the cells that do not show the right Id. One that shows the Id of a record that is gone is emptied,
// unless the item has another record. The Id of a converted lead stays, since the lead can still be viewed.
func (p *pass) idCells(w *work) (cells []cell) {
	for _, rec := range w.board.Records {
		link := w.item.Links[rec.Name]
		if rec.IDColumn == "" || link == nil {
			continue
		}
		id, _ := sfclient.ID18(w.item.Columns[rec.IDColumn].Text)
		isDead := id != "" && link.Ended(id) && link.Closed != ledger.Converted && len(w.archives) == 0
		if id == link.SalesforceID || link.SalesforceID == "" && !isDead {
			continue
		}
		c := cell{work: w, record: rec, column: rec.IDColumn, value: link.SalesforceID, id: link.SalesforceID}
		if link.Rejects(plan.ShownID, c.id) {
			c.planned().blameAgain(plan.ShownID, []string{rec.IDColumn})
			p.note(c.planned(), Difference{Field: rec.IDColumn, Kind: plan.CannotBeShown,
				Code: link.Rejected[plan.ShownID].Code})
			continue
		}
		cells = append(cells, c)
	}
	return cells
}

// takenCells returns the cells that take what Salesforce holds.
func (w *work) takenCells() (cells []cell) {
	for _, rec := range w.board.Records {
		for n, d := range w.decisions[rec.Name] {
			if !d.Takes || w.err != nil || !d.IsReady(w.item.Links[rec.Name]) {
				continue
			}
			c := cell{work: w, record: rec, column: d.Field.Column(), value: d.Value.Written(),
				decision: &w.decisions[rec.Name][n]}
			if c.column == ledger.NameColumn {
				c.value = d.Value.Text
			}
			cells = append(cells, c)
		}
	}
	return cells
}

// writeCells writes the cells of some items to Monday, in one call. Each item succeeds or fails separately. If one of
// their boards makes the call fail, it makes one call for each board; of an item that is rejected, each cell is written
// separately.
func (p *pass) writeCells(ctx context.Context, items [][]cell) {
	writes := make([]mondayclient.Write, len(items))
	boards := map[int64][][]cell{}
	for n, cells := range items {
		w := cells[0].work
		writes[n] = mondayclient.Write{BoardID: w.board.ID, ItemID: w.item.ID, Columns: map[string]any{}}
		for _, c := range cells {
			writes[n].Columns[c.column] = c.value
		}
		boards[w.board.ID] = append(boards[w.board.ID], cells)
	}
	fates, err := p.Monday.Write(ctx, writes)
	if divisible(err) && len(boards) > 1 {
		for _, id := range slices.Sorted(maps.Keys(boards)) {
			p.writeCells(ctx, boards[id])
		}
		return
	}
	var parts [][]cell
	for n, cells := range items {
		fate := err
		if fate == nil {
			fate = fates[n]
		}
		if permanent(fate) && len(cells) > 1 && !isMissing(fate) && !isAway(fate) {
			for _, c := range cells {
				parts = append(parts, []cell{c})
			}
			continue
		}
		for _, c := range cells {
			p.recordCell(c, fate)
		}
	}
	for some := range slices.Chunk(parts, writeSize) {
		p.writeCells(ctx, some)
	}
}

// recordCell records what became of a write to Monday.
func (p *pass) recordCell(c cell, err error) {
	switch {
	case err == nil && c.decision != nil:
		p.recordTaken(c)
	case err == nil:
		c.shows()
		if link := c.work.item.Links[c.record.Name]; link.Rejects(plan.ShownID, c.id) {
			p.keep(c.work, c.record).Accept(plan.ShownID)
		}
	case isAway(err):
		c.work.retry(&AwayError{})
	case permanent(err):
		p.recordUnshown(c, err)
	default:
		c.work.retry(err)
	}
}

// shows records that the item shows the Id.
func (c cell) shows() {
	c.work.item.ShowID(c.column, c.id)
	c.work.changed = true
	if c.id == "" {
		return // the event ends with the same reason as the record
	}
	c.work.wrote(recordChange{Record: c.record.Name, Object: c.record.Object, ID: c.id}, []string{c.column})
}

// recordTaken records that a column took what Salesforce holds.
func (p *pass) recordTaken(c cell) {
	w, link := c.work, p.keep(c.work, c.record)
	w.item.WriteColumn(c.column, c.decision.Value, link.Doubts[c.decision.Field.Name].Values()...)
	w.changed = true
	if at, ok := sfclient.Record(p.holds[link.SalesforceID]).Time(savedAt); ok && p.bulk == nil && len(w.chosen) == 0 {
		w.savedAt, w.shownAt = at, p.Now()
	}
	link.Accept(settle.Shows + c.column)
	link.Accept(settle.Rested + c.decision.Field.Name)
	c.decision.Record(link, w.tasks[0].JobID, p.Now())
	w.wrote(recordChange{
		Record: c.record.Name, Object: c.record.Object, ID: link.SalesforceID, Columns: []string{c.column},
	}, []string{c.column})
}

// recordUnshown records that Monday rejected a value. An item that has ended meanwhile does not need it.
func (p *pass) recordUnshown(c cell, err error) {
	code := advice.Refused
	if monday, ok := errors.AsType[*mondayclient.Error](err); ok {
		code = cmp.Or(monday.Code, code)
	}
	if isMissing(err) {
		c.work.log.note("the item went before it could show what its record holds")
		name := c.record.IDColumn
		if c.decision != nil {
			name = c.decision.Field.Name
		}
		p.noteLeft(c.planned(), name, code)
		return
	}
	name, value, field := plan.ShownID, any(c.id), "Id"
	if c.decision != nil {
		name, value, field = settle.Shows+c.column, c.decision.Shown(), c.decision.Field.Name
	}
	link := p.keep(c.work, c.record)
	if c.decision != nil {
		link.NotShown(field)
		c.decision.Unshown(link)
	}
	p.reject(c.planned(), name, ledger.Rejection{Value: value, Code: code}, []string{c.column}, &RejectedError{
		Object: c.record.Object, SalesforceID: link.SalesforceID, Field: field, Code: code, ByMonday: true,
		Detail: "column " + c.column,
	})
}

// isAway reports whether Monday does not let the token write to the board, or no longer has the item there.
func isAway(err error) bool {
	monday, ok := errors.AsType[*mondayclient.Error](err)
	return ok && monday.Code == "InvalidBoardIdException"
}
