package engine

import (
	"time"

	"github.com/google/uuid"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/settle"
)

// Page is a set of items of one board, as Monday returned them together.
type Page struct {
	BoardID int64
	Items   []mondayclient.Item
	Unread  []int64  // further items, which the comparison reads itself
	Asked   []string // the columns that were read
	ReadAt  time.Time
	JobID   int64 // that the comparison belongs to; 0: none

	// Holder holds the page's leases, which last for Lease unless they are renewed; zero: the engine's own.
	Holder uuid.UUID
	Lease  time.Duration

	Choices plan.Choices

	// Import is the import that the comparison belongs to: its columns take what changed only in Salesforce, only its
	// record is compared, and nothing is sent but the item's id and fields that go both ways. nil: none.
	Import *mapping.Migration

	// Assigned are the records that the import has found for items without one.
	Assigned map[int64]Assigned

	// Whole makes the comparison also return what the records hold, including records shared with other items.
	Whole bool

	// Dry makes the comparison report what it would find and do. Nothing is changed and nothing is leased.
	Dry bool

	// Assumed are the Ids of records that items have only once a plan is carried out. A dry comparison takes them as
	// given: the items that refer to those records are planned with the references.
	Assumed map[ledger.RecordRef]string
}

// pageLag is how far Monday's pages may lag behind its writes: a page shows a state at most this old.
const pageLag = time.Minute

// Found is what a comparison found for one item.
type Found struct {
	ItemID      int64
	Differences []Difference
	Fields      int   // compared with Salesforce
	Err         error // why the item must be compared again; nil: it was compared

	// Held is what Salesforce holds, by record name and field, if Page.Whole is set. It must not be stored.
	Held map[string]map[string]any

	// Records are the Ids of the item's records by their names, if Page.Dry is set: those that it would have after the
	// comparison, with placeholders for those that would be created.
	Records map[string]string
}

// Difference is what a comparison found for one field of a record, or for a record as a whole.
type Difference struct {
	Record, Object, SalesforceID string
	Field                        string // empty: the record as a whole
	Kind                         plan.Kind
	Code                         string // why it cannot be sent
	Monday, Salesforce           any    // must not be stored
	Sends                        bool   // Monday's value is sent, or was
	Takes                        bool   `json:",omitempty"` // Monday takes Salesforce's value, or took it unless Rejected
	Column                       string `json:"-"`          // the column that takes or may take it

	Value    column.Value `json:"-"`          // the value that the column takes; must not be stored
	MondayAt time.Time    `json:"-"`          // when the column changed
	Rejected bool         `json:",omitempty"` // the value was not accepted
	Held     bool         `json:"-"`          // the delete brake would hold it
}

// Cost is the number of calls that a comparison makes, or would make.
type Cost struct{ Salesforce, Monday int }

// bulk is the additional state of a pass over a page.
type bulk struct {
	Page
	readings map[int64]*mondayclient.Item
	found    map[int64]*Found
	seen     map[seen]bool
	counted  map[target]bool // records whose fields were counted
	cost     Cost
}

// Assigned is a record that an import has found for an item.
type Assigned struct {
	SalesforceID string
	Origin       ledger.Origin
}

// seen identifies a difference.
type seen struct {
	item          int64
	record, field string
	kind          plan.Kind
}

// imports returns the import that the pass belongs to; nil: none.
func (p *pass) imports() *mapping.Migration {
	if p.bulk == nil {
		return nil
	}
	return p.bulk.Import
}

// compares reports whether the pass compares a record: an import compares only the one that its items come from.
func (p *pass) compares(rec *mapping.Record) bool {
	g := p.imports()
	return g == nil || g.Record == rec
}

// assumed returns the Id that the record is assumed to have; empty: nothing is assumed of it.
func (p *pass) assumed(ref ledger.RecordRef) string {
	if !p.isDry() {
		return ""
	}
	return p.bulk.Assumed[ref]
}

// imported returns the fields that fill a column of the record's item during this pass alone.
func (p *pass) imported(rec *mapping.Record) []*mapping.Field {
	if g := p.imports(); g != nil && g.Record == rec {
		return g.Targets
	}
	return nil
}

// fills returns the fields that fill a column of the record's item.
func (p *pass) fills(rec *mapping.Record) []*mapping.Field { return settle.Fills(rec, p.imported(rec)) }
