package engine

import (
	"slices"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// changes are what a batch does to an item: what is to be kept, and what the log says of it.
type changes struct {
	links    []*ledger.Link
	waits    []store.Wait
	appeared bool // a link has a record that others may wait for
	notes    []string
	records  []recordChange
}

// recordChange is an entry in the log of an event: which record, and which of its fields, without their values.
type recordChange struct {
	Record  string   `json:"record"`
	Object  string   `json:"object"`
	ID      string   `json:"id,omitempty"`
	Fields  []string `json:"fields,omitempty"`
	Created bool     `json:"created,omitempty"`
	Linked  bool     `json:"linked,omitempty"`
	Deleted bool     `json:"deleted,omitempty"`
}

// response is the JSON form of what an event did, in sync_logs.response_data.
type response struct {
	Records []recordChange `json:"records,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Notes   []string       `json:"notes,omitempty"`
}

// relink has the link kept, in place of what was to be kept of its record.
func (c *changes) relink(link *ledger.Link) {
	for n, other := range c.links {
		if other.Record == link.Record {
			c.links[n] = link
			return
		}
	}
	c.links = append(c.links, link)
}

func (c *changes) wait(wait store.Wait) { c.waits = append(c.waits, wait) }

func (c *changes) note(text string) {
	if !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}

// wrote keeps a change of a record, and which events brought it about: those that told one of its columns, and for a
// record that is new all that still count.
func (w *work) wrote(change recordChange, columns []string) {
	w.log.records = append(w.log.records, change)
	whole := change.Created || change.Linked || change.Deleted
	marked := false
	for _, t := range w.tasks {
		if w.counts(t) && (whole || slices.ContainsFunc(columns, t.tells) || t.Kind == Restored || t.Kind == Resync) {
			t.wrote, marked = true, true
		}
	}
	if !marked {
		w.cause()[0].wrote = true
	}
}
