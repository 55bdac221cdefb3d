package migration

import (
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// pageSize is the maximum number of records that go through the stages together.
const pageSize = 1000

// page is a set of records that goes through the stages together.
type page struct {
	records []*record
	again   bool     // its records failed in an earlier run: it does not move the run's cursor
	end     position // of the last record that was read for it
	dropped []string // Ids of failed records that are not selected any more

	linked    map[ledger.RecordRef]string // Ids of the records that items are connected to
	updates   []*update
	creations []*creation
	rings     []ledger.Ref // items that the engine has to compare
	documents []*document  // that created items of this page

	keys     []string // leased
	claims   []int64  // leased
	failures []store.Failure
}

// position is a position in the order of the records.
type position struct{ stamp, id string }

// newPage returns a page of the records in Salesforce's answer.
func newPage(records []*record) *page {
	p := &page{records: records, linked: map[ledger.RecordRef]string{}}
	if len(records) > 0 {
		last := records[len(records)-1]
		p.end = position{last.stamp, last.id}
	}
	return p
}

// those returns the records that satisfy a condition.
func (p *page) those(meet func(*record) bool) (some []*record) {
	for _, r := range p.records {
		if meet(r) {
			some = append(some, r)
		}
	}
	return some
}

// links returns the links that the page changes.
func (p *page) links() (links []*ledger.Link) {
	for _, u := range p.updates {
		if u.read != nil && u.link.SalesforceID != "" {
			links = append(links, u.link)
		}
	}
	for _, c := range p.creations {
		if c.link != nil {
			links = append(links, c.link)
		}
	}
	return links
}

// update is a record with an existing item, which may have to be changed.
type update struct {
	record  *record
	item    int64
	claimed *ledger.Item // leased
	link    *ledger.Link
	read    *mondayclient.Item // nil: it is left alone
	adopts  bool               // the item is not linked yet
	origin  ledger.Origin      // of the link, if it is adopted
	diff    difference
	write   *write // nil: nothing to write
}
