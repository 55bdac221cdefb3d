package migration

import (
	"crmsync/schema/mapping"
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

	items     map[*mapping.Record]map[string]int64 // items of the records that the records refer to, by Id
	creations []*creation
	documents []*document // that created items of this page

	keys     []string // leased
	claims   []int64  // leased
	failures []store.Failure

	sent     chan struct{} // closed once its calls for new items are out
	begun    chan error    // receives the result of its first stages
	finished chan struct{} // closed once it is committed
}

// position is a position in the order of the records.
type position struct{ stamp, id string }

// newPage returns a page of the records in Salesforce's answer.
func newPage(records []*record) *page {
	p := &page{records: records, items: map[*mapping.Record]map[string]int64{}, sent: make(chan struct{}),
		begun: make(chan error, 1), finished: make(chan struct{})}
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

// allSent records that the calls for the page's new items are out. It may be called again.
func (p *page) allSent() {
	select {
	case <-p.sent:
	default:
		close(p.sent)
	}
}
