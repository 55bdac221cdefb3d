package engine

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
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

// seen identifies a difference.
type seen struct {
	item          int64
	record, field string
	kind          plan.Kind
}

// heldOf returns what the records of an item hold, for the fields that were read.
func (p *pass) heldOf(w *work) map[string]map[string]any {
	held := map[string]map[string]any{}
	for name, link := range w.item.Links {
		if fields := p.holds[link.SalesforceID]; fields != nil {
			held[name] = fields
		}
	}
	return held
}

// placeholder stands for the Id of a record that would be created.
func placeholder(d planned) string {
	return fmt.Sprintf("new:%d:%s", d.work.item.ID, d.plan.Record.Name)
}

func isPlaceholder(id string) bool { return len(id) > 4 && id[:4] == "new:" }
