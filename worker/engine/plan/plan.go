// Package plan compares what Salesforce should hold for an item with what both sides last agreed on, and determines
// what has to be done. It is pure: creating a plan changes nothing and does no I/O, so planning again after applying
// a plan gives an empty one.
package plan

import (
	"strconv"
	"time"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// Rejections are stored by field; these names stand for things that are not fields.
const (
	WholeRecord = ""             // the record as a whole, with a digest of its fields as the value
	ShownID     = ledger.ShownID // the Salesforce Id that the item's id column shows
)

// Plan is what one record of one item needs.
type Plan struct {
	Record *mapping.Record
	Write  *Write // nil: nothing has to be written

	// Adopts is the Id of an existing record that becomes the item's; empty: none.
	Adopts string

	// Match is the key of the values used to look for an existing record before creating one; empty: no look-up.
	Match string

	Rejected []Rejection        // values that cannot be sent
	Repeated []string           // fields whose value Salesforce rejected before
	Waits    []ledger.RecordRef // referenced records that do not exist yet
	Since    map[string]string  // first days of relative defaults, by field
	Unread   bool               // the record must be read before fields that go both ways are sent
	Notes    []string
	Busy     string // what another worker is deciding about; empty: nothing

	// Differences are what was found where Salesforce's values were read. Agrees are the fields that both sides hold
	// alike although the ledger did not know it.
	Differences []Difference
	Agrees      map[string]any
	Apart       []string // fields that differ, and that nobody has decided about
	Compared    int      // fields
}

// Op is how a record is written.
type Op uint8

// The operations.
const (
	Update Op = iota // by Id
	Upsert           // by the key field with the item's id: repeating it creates no second record
	Create           // a shared record, under a lease on its match values
)

// Write is what is sent.
type Write struct {
	Op     Op
	ID     string         // Update: the record
	Fields map[string]any // field -> value
	Empty  []string       // fields that stay null on a new record
}

// Rejection is a value that cannot be converted for its field.
type Rejection struct {
	Field   string
	Value   any // recognizes it
	Code    string
	Detail  string   // for people; no customer's value
	Columns []string // the source of the value
}

// Item is the input of a plan, besides the record's mapping.
type Item struct {
	View    mapping.Item
	Links   map[string]*ledger.Link // by record name
	Shown   map[string]string       // by record name: the Salesforce Id that its id column shows
	Touched map[string]bool         // columns whose value an event of the batch carried
	Fresh   bool                    // every field is sent, whatever was written before

	// Carried are the columns whose present value an event has carried, in this batch or one that is still pending. Any
	// other value was read, and a label that was read may be the new name of another one.
	Carried map[string]bool

	// Held is what Salesforce holds, by Id and field, where it was read. An Id without fields belongs to no record.
	// Where Held has nothing, the ledger counts.
	Held    map[string]map[string]any
	Choices Choices

	// Decided are the fields that were decided by comparing both sides, by record. true: Monday's value is sent;
	// false: it is not. A field that goes both ways is not sent to an existing record without a decision.
	Decided map[string]map[string]bool
}

// References contains what a plan needs to know from outside its item.
type References struct {
	Linked map[ledger.RecordRef]string // Ids of records of other items
	Users  map[int64]string            // Salesforce users of people in Monday; empty: none
	Owner  string                      // the user to use if there is none
	Shown  map[string]Shown            // by Salesforce Id
}

// Shown is what is known of a record whose Id an item shows.
type Shown struct {
	Item  int64  // the item it belongs to; 0: none
	Busy  bool   // another worker is deciding about it
	Fault string // code for why it cannot be the item's; empty: it can
}

// maker creates a plan.
type maker struct {
	Plan
	it   Item
	refs *References
	link ledger.Link    // a copy, with the plan's changes
	held map[string]any // what Salesforce holds; nil: not read
}

// Make plans a record. adopt is the Id of an existing record found for the item, or "".
func Make(rec *mapping.Record, it Item, adopt string, refs *References, key string, today time.Time) Plan {
	m := &maker{Plan: Plan{Record: rec}, it: it, refs: refs}
	if link := it.Links[rec.Name]; link != nil {
		m.link = *link
	}
	switch {
	case m.link.Closed != "":
		return m.Plan
	case adopt != "":
		m.adopt(adopt)
	case m.link.SalesforceID == "" && rec.IDColumn != "":
		if blocked := m.adoptShown(); blocked {
			return m.Plan
		}
	}
	if m.link.SalesforceID == "" && !m.link.Lost && !rec.When.Holds(it.View) {
		return m.Plan
	}
	held, asked := it.Held[m.link.SalesforceID]
	if m.held = held; asked && held == nil && !rec.Shared {
		m.Differences = append(m.Differences, Difference{Kind: Gone})
		return m.Plan
	}
	values := it.desired(rec, &m.link, today)
	if rec.Shared {
		m.shared(values)
	} else {
		m.own(values, key)
	}
	return m.Plan
}

func (m *maker) adopt(id string) {
	m.Adopts = id
	m.link.Adopt(id, "")
}

// adoptShown adopts the record whose Id the id column shows, so that none is created. A copied item shows the Id of
// the original's record: it gets its own record.
func (m *maker) adoptShown() (blocked bool) {
	id := m.it.Shown[m.Record.Name]
	if id == "" || m.link.Ended(id) {
		return false
	}
	switch shown := m.refs.Shown[id]; {
	case m.link.Rejects(ShownID, id):
		m.Repeated = append(m.Repeated, ShownID)
		return true
	case shown.Item != 0 && shown.Item != m.it.View.ID:
		m.note("the Id that the item shows belongs to another item")
		return false
	case shown.Busy:
		m.Busy = "the record that the item shows"
		return true
	case shown.Fault != "":
		m.Rejected = append(m.Rejected, Rejection{
			Field: ShownID, Value: id, Code: shown.Fault, Detail: ShownIn(m.Record), Columns: []string{m.Record.IDColumn},
		})
		return true
	}
	m.adopt(id)
	return false
}

// ShownIn returns where the item shows an Id that cannot be its record's.
func ShownIn(rec *mapping.Record) string { return "shown in column " + rec.IDColumn }

// own plans a record that belongs to the item alone.
func (m *maker) own(values map[string]mapping.Value, key string) {
	w := m.difference(values)
	if id := m.link.SalesforceID; id != "" {
		own := strconv.FormatInt(m.it.View.ID, 10)
		if !m.holdsKey(key, own) && !m.link.Rejects(key, own) {
			w.Fields[key] = own
		}
		if len(w.Fields) > 0 {
			w.Op, w.ID = Update, id
			m.Write = w
		}
		return
	}
	if m.link.Rejects(WholeRecord, Digest(w.Fields)) {
		m.Repeated = append(m.Repeated, WholeRecord)
		return
	}
	w.Op = Upsert
	m.Write, m.Match = w, KeyOf(m.Record, w.Fields)
}

// holdsKey reports whether the record carries the item's id.
func (m *maker) holdsKey(key, own string) bool {
	if m.held == nil {
		return m.link.Holds(key, own)
	}
	if m.held[key] != own {
		m.Differences = append(m.Differences, Difference{Field: key, Kind: WrongKey, Monday: own, Salesforce: m.held[key],
			Sends: true})
		return false
	}
	if !m.link.Holds(key, own) {
		m.agree(key, own)
	}
	return true
}

func (m *maker) agree(field string, value any) {
	if m.Agrees == nil {
		m.Agrees = map[string]any{}
	}
	m.Agrees[field] = value
}

// shared plans a record that serves several items: it is found or created by its match values, and looked up again
// only when they change. Its contents are never overwritten.
func (m *maker) shared(values map[string]mapping.Value) {
	match := matchOf(m.Record, values)
	if match == "" {
		return // nothing to find it by, or to recognize it by once it is created
	}
	if m.link.SalesforceID != "" && match == matchWritten(m.Record, &m.link) {
		for field := range m.link.Rejected {
			m.Repeated = append(m.Repeated, field)
		}
		return
	}
	m.link.Unlink()
	w := m.difference(values)
	if KeyOf(m.Record, w.Fields) != match {
		return // a match value was rejected: without it the record cannot be found
	}
	if m.link.Rejects(WholeRecord, Digest(w.Fields)) {
		m.Repeated = append(m.Repeated, WholeRecord)
		return
	}
	w.Op = Create
	m.Write, m.Match = w, match
}

func (m *maker) note(text string) { m.Notes = append(m.Notes, text) }
