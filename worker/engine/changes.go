package engine

import (
	"slices"
	"time"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// changes are what a batch changes for an item: what has to be saved and logged.
type changes struct {
	links    []*ledger.Link
	waits    []store.Wait
	appeared bool // a link got a record that other items may wait for
	notes    []string
	records  []recordChange

	taken   []int64 // conflicts whose chosen value is now on both sides
	dropped []int64 // conflicts whose chosen value cannot be written
}

// recordChange is an entry in an event's log: the record, and its fields, without their values.
type recordChange struct {
	Record   string   `json:"record"`
	Object   string   `json:"object"`
	ID       string   `json:"id,omitempty"`
	Fields   []string `json:"fields,omitempty"`
	Columns  []string `json:"columns,omitempty"` // columns of the item that took the record's values
	Created  bool     `json:"created,omitempty"`
	Linked   bool     `json:"linked,omitempty"`
	Deleted  bool     `json:"deleted,omitempty"`
	Ended    string   `json:"ended,omitempty"`    // merged, converted or deleted, and not created again
	Archived bool     `json:"archived,omitempty"` // the item was archived with it
	Into     string   `json:"into,omitempty"`     // the record that it was merged into

	at time.Time // when Salesforce answered, by its own clock; zero: unknown
}

// response is the JSON form of an event's effects, in sync_logs.response_data.
type response struct {
	Records []recordChange `json:"records,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Notes   []string       `json:"notes,omitempty"`
	By      int64          `json:"by,omitempty"` // Monday user who caused the event
}

// relink schedules the link to be saved, replacing an earlier version for its record.
func (c *changes) relink(link *ledger.Link) {
	for n, other := range c.links {
		if other.Record == link.Record {
			c.links[n] = link
			return
		}
	}
	c.links = append(c.links, link)
}

func (c *changes) wait(item ledger.Ref, target ledger.RecordRef) {
	c.waits = append(c.waits, store.Wait{Ref: item, Target: target})
}

func (c *changes) note(text string) {
	if !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}

// end records that a record ended for good.
func (c *changes) end(change recordChange) { c.records = append(c.records, change) }

// ends returns the records that ended for good.
func (c *changes) ends() (ended []recordChange) {
	for _, change := range c.records {
		if change.Ended != "" {
			ended = append(ended, change)
		}
	}
	return ended
}
