package engine

import (
	"errors"
	"slices"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// writeSize is the most items that are written to Monday in one call.
const writeSize = 50

// shown is the Id of a record that an item is to show.
type shown struct {
	work   *work
	record *mapping.Record
	link   *ledger.Link
}

// writeBack shows the Ids of records in the id columns of their items, where these do not show them yet.
func (p *pass) writeBack() {
	var items []*work
	byWork := map[*work][]shown{}
	for _, w := range p.works {
		if w.gone || !w.item.DeletedAt.IsZero() || !w.item.Known {
			continue
		}
		for _, rec := range w.board.Records {
			link := w.item.Links[rec.Name]
			if rec.IDColumn == "" || link == nil || link.SalesforceID == "" {
				continue
			}
			if id, _ := sfclient.ID18(w.item.Columns[rec.IDColumn].Text); id == link.SalesforceID {
				continue
			}
			s := shown{w, rec, link}
			if refusal, refused := link.Rejected[shownID]; refused && refusal.Value == link.SalesforceID {
				s.row().blameAgain(shownID, []string{rec.IDColumn})
				continue
			}
			if byWork[w] == nil {
				items = append(items, w)
			}
			byWork[w] = append(byWork[w], s)
		}
	}
	for some := range slices.Chunk(items, writeSize) {
		p.show(some, byWork)
	}
}

// show writes the Ids of some items to Monday. Each item has its own fate.
func (p *pass) show(items []*work, byWork map[*work][]shown) {
	writes := make([]mondayclient.Write, len(items))
	for n, w := range items {
		writes[n] = mondayclient.Write{BoardID: w.board.ID, ItemID: w.item.ID, Columns: map[string]any{}}
		for _, s := range byWork[w] {
			writes[n].Columns[s.record.IDColumn] = s.link.SalesforceID
		}
	}
	fates, err := p.Monday.Write(p.ctx, writes)
	for n, w := range items {
		fate := err
		if fate == nil {
			fate = fates[n]
		}
		switch {
		case fate == nil:
			for _, s := range byWork[w] {
				s.done()
			}
		case permanent(fate):
			for _, s := range byWork[w] {
				s.refused(fate)
			}
		default:
			w.retry(fate)
		}
	}
}

// done keeps that the item shows the Id. Its time is just after the last known one, so that whatever Monday tells of the
// column from now on is newer.
func (s shown) done() {
	at := s.work.item.Columns[s.record.IDColumn].At + 1
	s.work.set(s.record.IDColumn, ledger.Column{Value: column.Value{Type: column.Text, Text: s.link.SalesforceID}, At: at})
	s.work.wrote(recordChange{Record: s.record.Name, Object: s.record.Object, ID: s.link.SalesforceID}, []string{s.record.IDColumn})
}

// refused keeps that Monday does not take the Id. An item that has gone meanwhile needs none.
func (s shown) refused(err error) {
	code := "REFUSED"
	var monday *mondayclient.Error
	if errors.As(err, &monday) {
		code = monday.Code
	}
	if code == "ResourceNotFoundException" || code == "ItemNotFoundException" {
		s.work.log.note("the item went before it could show the Id of its record")
		return
	}
	s.row().refuse(shownID, s.link.SalesforceID, []string{s.record.IDColumn}, &RefusedError{
		Object: "column " + s.record.IDColumn, SalesforceID: s.link.SalesforceID, Code: code,
	})
}

func (s shown) row() *row {
	return &row{work: s.work, record: s.record, link: s.link}
}
