package engine

import (
	"context"
	"slices"
	"time"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/sfclient"
)

// lookLinks finds the records of other items that the batch's items refer to.
func (p *pass) lookLinks() error {
	var wanted []ledger.RecordRef
	for _, w := range p.works {
		if !w.alive() {
			continue
		}
		for _, rec := range w.board.Records {
			for _, field := range rec.Fields {
				target := field.Link()
				if target == nil {
					continue
				}
				if ids := w.view.Columns[field.Columns()[0]].IDs; len(ids) > 0 && p.refs.works[ids[0]] == nil {
					wanted = append(wanted, ledger.RecordRef{ItemID: ids[0], Record: target.Name})
				}
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	var err error
	p.refs.linked, err = p.Store.LinkedIDs(p.ctx, wanted)
	return err
}

// lookShown finds out whose records the Ids are that unlinked items show in their id columns, under a lease on each Id.
func (p *pass) lookShown() error {
	var shown, keys []string
	for _, w := range p.works {
		if !w.alive() {
			continue
		}
		for _, rec := range w.board.Records {
			if rec.IDColumn == "" || w.item.Links[rec.Name] != nil && w.item.Links[rec.Name].SalesforceID != "" {
				continue
			}
			if id, ok := sfclient.ID18(w.view.Columns[rec.IDColumn].Text); ok {
				shown, keys = append(shown, id), append(keys, ledger.IDLease(id))
			}
		}
	}
	if len(shown) == 0 {
		return nil
	}
	if err := p.lease(keys); err != nil {
		return err
	}
	var err error
	if p.refs.owners, err = p.owners(shown); err != nil {
		return err
	}
	// Of two items of one batch that show the same Id, the first has it.
	for _, w := range p.works {
		for _, rec := range w.board.Records {
			if rec.IDColumn == "" {
				continue
			}
			id, ok := sfclient.ID18(w.view.Columns[rec.IDColumn].Text)
			if ok && p.refs.owners[id] == 0 && w.alive() {
				p.refs.owners[id] = w.item.ID
			}
		}
	}
	return nil
}

// owners finds the items that records belong to, by Id. A record that several items share belongs to none of them.
func (p *pass) owners(ids []string) (map[string]int64, error) {
	links, err := p.Store.LinksOf(p.ctx, ids)
	owners := map[string]int64{}
	for id, linked := range links {
		for _, l := range linked {
			if owners[id] == 0 && p.Mapping.Owns(l.BoardID, l.Record) {
				owners[id] = l.ItemID
			}
		}
	}
	return owners, err
}

// lookUsers finds the Salesforce users of the persons in the batch's items.
func (p *pass) lookUsers() error {
	var persons []int64
	for _, w := range p.works {
		if !w.alive() {
			continue
		}
		for _, value := range w.view.Columns {
			if value.Type == column.People && len(value.IDs) > 0 && !slices.Contains(persons, value.IDs[0]) {
				persons = append(persons, value.IDs[0])
			}
		}
	}
	if len(persons) == 0 {
		return nil
	}
	var err error
	p.refs.users, err = p.users.find(p.ctx, persons)
	return err
}

// lease takes leases on keys for the batch; those that it does not get are with another worker.
func (p *pass) lease(keys []string) error {
	got, err := p.Store.Lease(p.ctx, p.holder, keys, p.Timeout+ledger.LeaseMargin)
	if err != nil {
		return err
	}
	p.keys = append(p.keys, got...)
	return nil
}

func (p *pass) leased(key string) bool { return slices.Contains(p.keys, key) }

// keepUnsure shortens the leases on values that a record may just be made for.
func (p *pass) keepUnsure() {
	if len(p.unsure) == 0 {
		return
	}
	err := p.persist(func(ctx context.Context) error {
		_, err := p.Store.Lease(ctx, p.holder, p.unsure, unsureLease)
		return err
	})
	if err != nil {
		p.Log.Warn("lease not shortened", "keys", len(p.unsure), "lasts", (p.Timeout + ledger.LeaseMargin).Round(time.Second), "error", err)
	}
}
