package engine

import (
	"fmt"
	"time"

	"crmsync/mondayclient"
	"crmsync/worker/engine/plan"
)

// Page is items of one board, as Monday showed them together.
type Page struct {
	BoardID int64
	Items   []mondayclient.Item
	Asked   []string // the columns that were asked for
	ReadAt  time.Time
	JobID   int64 // that the comparison is part of; 0: none
	Choices plan.Choices

	// Dry says what a comparison would find and do, and changes nothing anywhere. It takes no lease.
	Dry bool
}

// pageLag is how far Monday's pages may lag behind its writes: what a page shows is at least as new as that.
const pageLag = time.Minute

// Found is what a comparison found of one item.
type Found struct {
	ItemID      int64
	Differences []Difference
	Fields      int   // that were compared with what Salesforce holds
	Err         error // why the item is to be compared again; nil: it was compared
}

// Difference is what a comparison found of one field of a record, or of a record as a whole.
type Difference struct {
	Record, Object, SalesforceID string
	Field                        string // empty: the record as a whole
	Kind                         plan.Kind
	Code                         string // why it cannot be sent
	Monday, Salesforce           any    // values; not to be kept
	Sends                        bool   // Monday's value is sent, or was
}

// Cost is the calls that a comparison makes, or would make.
type Cost struct{ Salesforce, Monday int }

// bulk is what a pass over a page has beside one over events.
type bulk struct {
	Page
	readings map[int64]*mondayclient.Item
	held     map[string]map[string]any // what Salesforce holds, by Id; without fields: there is no such record
	found    map[int64]*Found
	seen     map[seen]bool
	counted  map[target]bool // records whose fields were counted
	cost     Cost
}

// seen tells differences apart.
type seen struct {
	item          int64
	record, field string
	kind          plan.Kind
}

// keep remembers what a record holds; nil: there is none.
func (b *bulk) keep(id string, record map[string]any) { b.held[id] = record }

// placeholder stands for the Id of a record that would be created.
func placeholder(d planned) string {
	return fmt.Sprintf("new:%d:%s", d.work.item.ID, d.plan.Record.Name)
}

func isPlaceholder(id string) bool { return len(id) > 4 && id[:4] == "new:" }
