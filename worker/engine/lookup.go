package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
)

// Codes for an Id in an id column that cannot be the item's record.
const (
	codeWrongObject = "WRONG_OBJECT"     // the Id belongs to another object
	codeNoRecord    = "NO_SUCH_RECORD"   // there is no such record, or it is not visible
	codeNotAdopted  = "SHOWN_ID_REFUSED" // the mapping does not adopt records that are only shown
)

// lookUp looks up what the plans of the batch refer to.
func (p *pass) lookUp(ctx context.Context) {
	p.refs = plan.References{Linked: map[ledger.RecordRef]string{}, Owner: p.Mapping.Owner, Shown: map[string]plan.Shown{}}
	looks := []func(context.Context) error{p.lookDoubtful, p.lookLinks, p.lookShown, p.lookUsers, p.lookHeld}
	for _, look := range looks {
		if err := look(ctx); err != nil {
			for _, w := range p.works {
				w.retry(err)
			}
			return
		}
	}
}

// lookLinks looks up the records of other items that the batch's items refer to.
func (p *pass) lookLinks(ctx context.Context) (err error) {
	var wanted []ledger.RecordRef
	assumed := map[ledger.RecordRef]string{}
	for _, w := range p.works {
		if !w.isAlive() {
			continue
		}
		for _, rec := range w.board.Records {
			for _, field := range rec.Fields {
				target := field.Link()
				if target == nil {
					continue
				}
				for _, item := range w.connected(field.Columns()[0]) {
					ref := ledger.RecordRef{ItemID: item, Record: target.Name}
					if id := p.assumed(ref); id != "" {
						assumed[ref] = id
					} else if p.byItem[ref.ItemID] == nil {
						wanted = append(wanted, ref)
					}
				}
			}
		}
	}
	if len(wanted) > 0 {
		if p.refs.Linked, err = p.Store.LinkedIDs(ctx, wanted); err != nil {
			return err
		}
	}
	maps.Copy(p.refs.Linked, assumed)
	return nil
}

// connected returns the items that count in a column: the first of those that it shows, and of those that our writes
// have overwritten.
func (w *work) connected(id string) (items []int64) {
	shown := []column.Value{w.view.View.Columns[id]}
	for _, o := range w.overwritten {
		if o.column == id {
			shown = append(shown, o.told.Value)
		}
	}
	for _, v := range shown {
		if len(v.IDs) > 0 {
			items = append(items, v.IDs[0])
		}
	}
	return items
}

// refreshLinks adds the links created so far in this batch to the references.
func (p *pass) refreshLinks() {
	for _, w := range p.works {
		for name, link := range w.item.Links {
			ref := ledger.RecordRef{ItemID: w.item.ID, Record: name}
			if id := cmp.Or(p.assumed(ref), link.SalesforceID); id != "" {
				p.refs.Linked[ref] = id
			} else {
				delete(p.refs.Linked, ref)
			}
		}
	}
}

// shownID is a Salesforce Id shown by an item without a record.
type shownID struct {
	work   *work
	record *mapping.Record
	id     string
}

// shownIDs returns the Ids that items show for records they do not have yet.
func (p *pass) shownIDs() (shown []shownID) {
	for _, w := range p.works {
		if !w.isAlive() {
			continue
		}
		for _, rec := range w.board.Records {
			link := w.item.Links[rec.Name]
			id := w.view.Shown[rec.Name]
			if id != "" && p.compares(rec) && (link == nil || link.SalesforceID == "" && link.Closed == "" && !link.Ended(id)) {
				shown = append(shown, shownID{w, rec, id})
			}
		}
	}
	return shown
}

// lookShown determines, under a lease on each Id, which item the shown records belong to, and whether they can be the
// showing item's.
func (p *pass) lookShown(ctx context.Context) error {
	shown := p.shownIDs()
	if len(shown) == 0 {
		return nil
	}
	var ids, keys []string
	for _, s := range shown {
		ids, keys = append(ids, s.id), append(keys, ledger.IDLease(s.id))
	}
	if err := p.lease(ctx, keys); err != nil {
		return err
	}
	owners, err := p.owners(ctx, ids)
	if err != nil {
		return err
	}
	facts, err := p.shownFacts(ctx, shown, owners)
	if err != nil {
		return err
	}
	for _, s := range shown {
		fact := facts[s.id]
		fact.Busy = !p.isLeased(ledger.IDLease(s.id))
		if fact.Item == 0 && fact.Fault == "" {
			fact.Item = s.work.item.ID // if two items of one batch show the same Id, the first gets it
			facts[s.id] = fact
		}
		p.refs.Shown[s.id] = fact
	}
	return nil
}

// shownFacts asks Salesforce about the shown Ids. An Id may belong to another object or to no record at all, and a
// record that carries another item's key belongs to that item.
func (p *pass) shownFacts(ctx context.Context, shown []shownID,
	owners map[string]int64) (map[string]plan.Shown, error) {
	facts := map[string]plan.Shown{}
	asked := map[string][]string{} // object -> Ids
	for _, s := range shown {
		shape, err := p.shape(ctx, s.record.Object)
		if err != nil {
			return nil, fmt.Errorf("describing %s: %w", s.record.Object, err)
		}
		switch {
		case !shape.Fits(s.id):
			facts[s.id] = plan.Shown{Fault: codeWrongObject}
		case owners[s.id] != 0:
			facts[s.id] = plan.Shown{Item: owners[s.id]}
		case !p.Mapping.AdoptShown:
			facts[s.id] = plan.Shown{Fault: codeNotAdopted}
		default:
			facts[s.id] = plan.Shown{Fault: codeNoRecord}
			asked[s.record.Object] = append(asked[s.record.Object], s.id)
		}
	}
	for object, ids := range asked {
		items, err := p.bearers(ctx, object, ids)
		if err != nil {
			return nil, err
		}
		for id, item := range items {
			facts[id] = plan.Shown{Item: item}
		}
	}
	return facts, nil
}

// lookUsers looks up the Salesforce users of the people in the batch's items.
func (p *pass) lookUsers(ctx context.Context) (err error) {
	var persons []int64
	for _, w := range p.works {
		if !w.isAlive() {
			continue
		}
		for _, value := range w.view.View.Columns {
			if value.Type == column.People && len(value.IDs) > 0 && !slices.Contains(persons, value.IDs[0]) {
				persons = append(persons, value.IDs[0])
			}
		}
	}
	if len(persons) > 0 {
		p.refs.Users, err = p.users.find(ctx, persons)
	}
	return err
}

// lookDoubtful looks up, by their keys, records that may exist without a link. One that exists is kept in sync from
// now on, even if nothing would create it any more.
func (p *pass) lookDoubtful(ctx context.Context) error {
	var wanted []target
	for _, w := range p.works {
		for _, rec := range w.board.Records {
			link := w.item.Links[rec.Name]
			if w.isAlive() && link != nil && link.SalesforceID == "" && link.InDoubt(p.Mapping.Key) {
				wanted = append(wanted, target{w, rec})
			}
		}
	}
	found := p.findByKey(ctx, wanted)
	for _, t := range wanted {
		if record, ok := found[t]; ok {
			p.linkFound(t, record)
		} else if t.work.err == nil {
			p.linkNone(t)
		}
	}
	return nil
}

// findByKey looks up records by the key field with the item's id: a worker may have died between creating a record
// and storing its Id. If this fails, the items are attempted again.
func (p *pass) findByKey(ctx context.Context, wanted []target) map[target]sfclient.Record {
	found := map[target]sfclient.Record{}
	byObject := map[string][]target{}
	for _, t := range wanted {
		byObject[t.record.Object] = append(byObject[t.record.Object], t)
	}
	for object, all := range byObject {
		byItem, ids := map[int64][]target{}, make([]string, len(all))
		for n, t := range all {
			byItem[t.work.item.ID] = append(byItem[t.work.item.ID], t)
			ids[n] = strconv.FormatInt(t.work.item.ID, 10)
		}
		answers, sets := p.selectIn(ctx, "Id, CreatedDate, "+p.Mapping.Key, object, p.Mapping.Key, ids)
		for n, answer := range answers {
			if answer.err != nil {
				for _, t := range pick(all, sets[n]) {
					t.work.retry(fmt.Errorf("looking up %s: %w", object, answer.err))
				}
				continue
			}
			for _, record := range answer.records {
				for _, t := range byItem[keyItem(record, p.Mapping.Key)] {
					found[t] = record
				}
			}
		}
	}
	return found
}
