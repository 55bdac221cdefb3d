package engine

import (
	"context"
	"errors"
	"maps"
	"slices"

	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
)

// writeSize is the maximum number of items written to Monday in one call.
const writeSize = 50

// idCell is the cell in which an item shows the Id of a record.
type idCell struct {
	work   *work
	record *mapping.Record
	id     string
}

func (c idCell) planned() planned { return planned{c.work, plan.Plan{Record: c.record}} }

// writeBack writes the Ids of records to the id columns of their items, unless they already show them.
func (p *pass) writeBack(ctx context.Context) {
	var items []*work
	byWork := map[*work][]idCell{}
	for _, w := range p.works {
		if w.state != alive || w.item.IsDeleted() || !w.item.Known {
			continue
		}
		if cells := w.idCells(); len(cells) > 0 {
			items, byWork[w] = append(items, w), cells
		}
		for _, c := range byWork[w] {
			p.note(c.planned(), Difference{Field: c.record.IDColumn, Kind: plan.IDColumn, Sends: true})
		}
	}
	if p.bulk != nil {
		p.bulk.cost.Monday += (len(items) + writeSize - 1) / writeSize
	}
	if p.isDry() {
		return
	}
	for some := range slices.Chunk(items, writeSize) {
		p.writeIDs(ctx, some, byWork)
	}
}

// idCells returns the cells that do not show the right Id.
func (w *work) idCells() (cells []idCell) {
	for _, rec := range w.board.Records {
		link := w.item.Links[rec.Name]
		if rec.IDColumn == "" || link == nil || link.SalesforceID == "" {
			continue
		}
		if id, _ := sfclient.ID18(w.item.Columns[rec.IDColumn].Text); id == link.SalesforceID {
			continue
		}
		cell := idCell{w, rec, link.SalesforceID}
		if link.Rejects(plan.ShownID, cell.id) {
			cell.planned().blameAgain(plan.ShownID, []string{rec.IDColumn})
			continue
		}
		cells = append(cells, cell)
	}
	return cells
}

// writeIDs writes the Ids of some items to Monday. Each item succeeds or fails separately. If one of their boards
// makes the call fail, it makes one call for each board.
func (p *pass) writeIDs(ctx context.Context, items []*work, byWork map[*work][]idCell) {
	writes := make([]mondayclient.Write, len(items))
	for n, w := range items {
		writes[n] = mondayclient.Write{BoardID: w.board.ID, ItemID: w.item.ID, Columns: map[string]any{}}
		for _, c := range byWork[w] {
			writes[n].Columns[c.record.IDColumn] = c.id
		}
	}
	fates, err := p.Monday.Write(ctx, writes)
	if boards := byBoard(items); divisible(err) && len(boards) > 1 {
		for _, id := range slices.Sorted(maps.Keys(boards)) {
			p.writeIDs(ctx, boards[id], byWork)
		}
		return
	}
	for n, w := range items {
		fate := err
		if fate == nil {
			fate = fates[n]
		}
		for _, c := range byWork[w] {
			switch {
			case fate == nil:
				c.shows()
			case permanent(fate):
				p.recordUnshown(c, fate)
			default:
				w.retry(fate)
			}
		}
	}
}

// shows records that the item shows the Id.
func (c idCell) shows() {
	c.work.item.ShowID(c.record.IDColumn, c.id)
	c.work.changed = true
	c.work.wrote(recordChange{Record: c.record.Name, Object: c.record.Object, ID: c.id}, []string{c.record.IDColumn})
}

// recordUnshown records that Monday rejected the Id. An item that has ended meanwhile does not need it.
func (p *pass) recordUnshown(c idCell, err error) {
	code := "REFUSED"
	var monday *mondayclient.Error
	if errors.As(err, &monday) {
		code = monday.Code
	}
	if code == "ResourceNotFoundException" || code == "ItemNotFoundException" {
		c.work.log.note("the item went before it could show the Id of its record")
		return
	}
	p.reject(c.planned(), plan.ShownID, ledger.Rejection{Value: c.id, Code: code}, []string{c.record.IDColumn}, &RefusedError{
		Object: "column " + c.record.IDColumn, SalesforceID: c.id, Code: code,
	})
}
