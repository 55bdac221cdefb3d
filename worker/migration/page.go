package migration

import (
	"cmp"
	"errors"
	"slices"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// outcome is what becomes of a record.
type outcome uint8

const (
	unchanged outcome = iota // also one that is left alone
	created
	updated
	conflict
	failed
)

// subject is a record on its way to its item.
type subject struct {
	id     string // Salesforce Id, of 18 characters
	stamp  string
	record sfclient.Record
	values map[string]column.Value // what the record says, by column; without what has no one answer

	item    int64        // 0: there is none yet
	link    *ledger.Link // what both sides agreed on; nil: the item is not linked
	claimed *ledger.Item // leased
	read    *mondayclient.Item
	key     bool  // the item is new to the record, which is to carry the item's id
	signed  bool  // it does
	plan    *plan // what is to be written to the item; nil: nothing
	outcome outcome
	err     error // why it failed
}

// page is a part of the records on its way through the stages.
type page struct {
	*slice
	subjects  []*subject
	linked    map[ledger.RecordRef]string // Ids of the records that items are connected to
	documents []*document                 // that make items
	keys      []string                    // leased
	claims    []int64                     // leased
	failures  []store.Failure
}

func (s *slice) newPage(records []sfclient.Record) (*page, error) {
	p := &page{slice: s, linked: map[ledger.RecordRef]string{}}
	for _, r := range records {
		id, _ := r["Id"].(string)
		stamp, err := stampOf(r)
		if err != nil {
			return nil, err
		}
		id, ok := sfclient.ID18(id)
		if !ok {
			return nil, errors.New("a record without an Id")
		}
		p.subjects = append(p.subjects, &subject{id: id, stamp: stamp, record: r})
	}
	return p, nil
}

// bring takes a page that was looked up to the board, and keeps that and how far the run has come.
func (p *page) bring() error {
	for _, stage := range []func() error{p.fill, p.lease, p.update, p.create, p.sign, p.claimCreated} {
		if err := stage(); err != nil {
			return errors.Join(err, p.release())
		}
	}
	return p.commit()
}

// fill reads the fields of the records backwards, into columns.
func (p *page) fill() error {
	var targets []string // Ids of records that the records name
	for _, x := range p.subjects {
		for _, t := range p.migration.Targets {
			if id, ok := reference(x.record, t); ok {
				targets = append(targets, id)
			}
		}
	}
	links := map[string][]store.Linked{}
	if len(targets) > 0 {
		slices.Sort(targets)
		var err error
		if links, err = p.Store.LinksOf(p.ctx, slices.Compact(targets)); err != nil {
			return err
		}
	}
	for _, x := range p.subjects {
		x.values = map[string]column.Value{}
		for _, t := range p.migration.Targets {
			var item int64
			if id, ok := reference(x.record, t); ok {
				item = itemOf(t.Link(), links[id])
				p.linked[ledger.RecordRef{ItemID: item, Record: t.Link().Name}] = id
			}
			typ := p.types[t.Column]
			if v, ok := t.Back(x.record[t.Field], typ, item); ok {
				x.values[t.Column] = v
			}
		}
	}
	return nil
}

// reference is the Id of the record that a field names, where its item is to be connected.
func reference(r sfclient.Record, t *mapping.Target) (string, bool) {
	text, _ := r[t.Field].(string)
	if t.Link() == nil || text == "" {
		return "", false
	}
	return sfclient.ID18(text)
}

// itemOf is the item of a record on the record's board, or 0.
func itemOf(rec *mapping.Record, links []store.Linked) int64 {
	for _, l := range links {
		if l.BoardID == rec.Board.ID && l.Record == rec.Name && !l.Ended {
			return l.ItemID
		}
	}
	return 0
}

// name is the item's name. An item must have one.
func (x *subject) name() string {
	name := []rune(x.values["name"].Text)
	return cmp.Or(string(name[:min(len(name), 255)]), x.id)
}

// fail keeps why a record could not be brought to the board. The others are not kept back.
func (p *page) fail(x *subject, columnID string, err error) {
	if x.outcome == failed {
		return
	}
	x.outcome, x.err, x.plan = failed, err, nil
	p.failures = append(p.failures, store.Failure{
		JobID: p.job.ID, Attempt: p.job.Attempt, Event: p.job.Kind, BoardID: p.job.BoardID, ItemID: x.item, ColumnID: columnID,
		Object: p.migration.Record.Object, SalesforceID: x.id, Class: "permanent", Code: codeOf(err), Message: err.Error(),
	})
}

// which are the subjects for which a condition holds.
func (p *page) which(holds func(*subject) bool) (some []*subject) {
	for _, x := range p.subjects {
		if holds(x) {
			some = append(some, x)
		}
	}
	return some
}
