package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"crmsync/schema/ledger"
	"crmsync/sfclient"
)

// Results in place of an item id.
const (
	beingCreated = -1 // it is being created
	unreadable   = -2 // the record's key is not the id of an item
)

// reserved leases records and returns the items they belong to.
func (p *pass) reserved(ctx context.Context, ids, keys []string) (map[string]int64, error) {
	if err := p.lease(ctx, keys); err != nil {
		return nil, err
	}
	owners, err := p.owners(ctx, ids)
	if err != nil {
		return nil, err
	}
	making, err := p.Store.Making(ctx, ids)
	for id, item := range making {
		owners[id] = cmp.Or(owners[id], item, beingCreated)
	}
	return owners, err
}

// owners returns the items that records belong to, by Id. A shared record belongs to no item.
func (p *pass) owners(ctx context.Context, ids []string) (map[string]int64, error) {
	links, err := p.Store.LinksOf(ctx, ids)
	owners := map[string]int64{}
	for id, linked := range links {
		for _, l := range linked {
			if owners[id] == 0 && p.Mapping.Owns(l.BoardID, l.Record) {
				owners[id] = l.ItemID
			}
		}
	}
	p.ownedHere(ids, owners)
	return owners, err
}

// ownedHere adds the records that items have received in this batch.
func (p *pass) ownedHere(ids []string, owners map[string]int64) {
	for _, w := range p.works {
		for _, rec := range w.board.Records {
			id := w.adopts[rec.Name]
			if link := w.item.Links[rec.Name]; id == "" && link != nil {
				id = link.SalesforceID
			}
			if !rec.Shared && owners[id] == 0 && slices.Contains(ids, id) {
				owners[id] = w.item.ID
			}
		}
	}
}

// mayTake reports whether an item may take over a record: it belongs to no other item, by our links and by its key.
// The lease on its Id lasts as long as the batch. It is not ok if this cannot be determined now; then the item is
// attempted again.
func (p *pass) mayTake(ctx context.Context, w *work, object, id string) (free, ok bool) {
	owners, err := p.reserved(ctx, []string{id}, []string{ledger.IDLease(id)})
	switch {
	case err != nil:
		w.retry(err)
		return false, false
	case !p.isLeased(ledger.IDLease(id)):
		w.retry(&BusyError{What: "the record that it became"})
		return false, false
	case owners[id] != 0:
		return owners[id] == w.item.ID, true
	}
	items, err := p.bearers(ctx, object, []string{id})
	if err != nil {
		w.retry(err)
		return false, false
	}
	return items[id] == 0 || items[id] == w.item.ID, true
}

// bearers asks Salesforce for the item ids that records carry as keys, by Id; 0: none. Missing records are omitted.
func (p *pass) bearers(ctx context.Context, object string, ids []string) (map[string]int64, error) {
	items := map[string]int64{}
	answers, _ := p.selectIn(ctx, "Id, "+p.Mapping.Key, object, "Id", ids)
	for _, answer := range answers {
		if answer.err != nil {
			return nil, fmt.Errorf("looking up %s: %w", object, answer.err)
		}
		for _, record := range answer.records {
			id, _ := record["Id"].(string)
			items[id] = keyItem(record, p.Mapping.Key)
		}
	}
	return items, nil
}

// keyItem returns the item whose id a record carries; 0: none.
func keyItem(record sfclient.Record, key string) int64 {
	text, _ := record[key].(string)
	id, err := strconv.ParseInt(text, 10, 64)
	switch {
	case text == "":
		return 0
	case err != nil || id <= 0:
		return unreadable
	}
	return id
}
