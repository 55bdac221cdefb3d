// Package report describes the state of one item: whether it is in sync and, if not, why; its records field by field,
// with the values of both systems; and what happened to it, in words. The console shows a report as a page, the command
// line as text.
//
// It compares nothing itself: the engine does, as for a plan.
package report

import (
	"time"
)

// State is the state of an item, a record or a field.
type State string

// The states, from the most urgent for a person to the least.
const (
	Rejected     State = "refused"         // a value was rejected by Salesforce or has no form for it
	Unshown      State = "cannot_be_shown" // no value of the column says what Salesforce holds, or Monday rejected it
	Failed       State = "failed"          // an event is a dead letter for another reason
	Held         State = "held"            // the delete brake holds the item's records
	Conflict     State = "conflict"        // both sides changed
	FirstMeeting State = "first_meeting"   // both sides have a value, and never agreed on one
	Drift        State = "drift"           // Salesforce changed although Monday did not
	Differs      State = "differs"         // Monday's value is not in Salesforce, and no event is under way
	Waits        State = "waits"           // for a record that does not exist yet
	OnItsWay     State = "on_its_way"
	NoRecord     State = "no_record"       // none is wanted yet
	Ended        State = "ended"           // deleted or archived in Monday, or the record is gone
	Unknown      State = "unknown"         // could not be determined
	OneWay       State = "one_way"         // not compared: it belongs to several items
	Theirs       State = "salesforce_only" // Monday has no value and never had one: Salesforce keeps its own
	Suppressed   State = "suppressed"      // erased for good: nothing is synced
	Agreed       State = "agreed"
)

// Report is the state of one item. Its JSON form is stable.
type Report struct {
	Item        int64        `json:"item"`
	Name        string       `json:"name"`
	BoardID     int64        `json:"board_id"`
	Board       string       `json:"board"`                 // its name in the mapping; empty: it is not mapped
	Title       string       `json:"board_title,omitempty"` // its name in Monday, if known
	MondayURL   string       `json:"monday_url,omitempty"`
	State       State        `json:"state"`
	Sentence    string       `json:"sentence"`
	Advice      string       `json:"advice,omitempty"` // what a person can do, unless a dead letter says so
	Since       *time.Time   `json:"since,omitempty"`  // when it last came to be in sync
	Records     []Record     `json:"records"`
	DeadLetters []DeadLetter `json:"dead_letters"` // open ones
	Pending     int          `json:"pending_events"`
	Asked       []Asked      `json:"pending_comparisons,omitempty"`
	Holds       *Hold        `json:"held,omitempty"`
	Timeline    []Entry      `json:"timeline"` // newest first

	// Problems say what could not be read. Values are then those of the last sync.
	Problems []string  `json:"problems,omitempty"`
	ReadAt   time.Time `json:"read_at"`

	SalesforceCalls int `json:"salesforce_calls"` // that a resync takes, where something differs
	MondayCalls     int `json:"monday_calls"`
}

// Record is a record of the item.
type Record struct {
	Name         string  `json:"record"`
	Object       string  `json:"object"`
	SalesforceID string  `json:"salesforce_id,omitempty"`
	URL          string  `json:"url,omitempty"`
	Shared       bool    `json:"shared,omitempty"`
	State        State   `json:"state"`
	Note         string  `json:"note,omitempty"`
	Code         string  `json:"code,omitempty"`
	Fields       []Field `json:"fields"`
}

// Field is a field of a record, with the values of both systems.
type Field struct {
	Name       string   `json:"field"`
	Columns    []Column `json:"columns,omitempty"`
	Source     string   `json:"source,omitempty"` // where the value comes from if not from columns alone
	Direction  string   `json:"sync"`
	NeverBack  string   `json:"never_back,omitempty"` // why the value never comes back to Monday
	Monday     string   `json:"monday"`
	Wanted     string   `json:"wanted,omitempty"` // what Salesforce should hold, where that is not what Monday shows
	Salesforce string   `json:"salesforce"`
	State      State    `json:"state"`
	Code       string   `json:"code,omitempty"`
	Times      int      `json:"times_refused,omitempty"`
	Sends      bool     `json:"resync_sends,omitempty"` // a resync writes it in Salesforce
	Takes      bool     `json:"resync_takes,omitempty"` // a resync writes it in Monday
}

// Column is a column that fills a field.
type Column struct {
	ID    string `json:"id"`
	Title string `json:"title"` // the id, if the title is unknown
}

// Asked is a comparison of the item that a person asked for, and that is not over.
type Asked struct {
	Does      string     `json:"does"` // in words
	Since     time.Time  `json:"since"`
	NotBefore *time.Time `json:"not_before,omitempty"` // it waits until then
}

// Hold is what the delete brake holds of the item.
type Hold struct {
	Archive bool      `json:"archive"` // the item is to be archived; otherwise its records are to be deleted
	Since   time.Time `json:"since"`
}

// DeadLetter is an open dead letter.
type DeadLetter struct {
	JobID    int64     `json:"job_id"`
	Reason   string    `json:"reason"`
	Advice   string    `json:"advice,omitempty"`
	Code     string    `json:"code,omitempty"`
	Attempts int       `json:"attempts"`
	EndedAt  time.Time `json:"ended_at"`
}

// Kind is what an entry of the timeline is about.
type Kind string

// The kinds of entries.
const (
	Wrote        Kind = "wrote"     // Salesforce or Monday was changed
	Quiet        Kind = "quiet"     // nothing had to be done
	Attempt      Kind = "attempt"   // an attempt failed
	Broken       Kind = "failed"    // an event failed for good
	Decided      Kind = "conflict"  // both sides had changed, and a rule decided
	DeadLettered Kind = "letter"    // an event became a dead letter
	Cleared      Kind = "cleared"   // a dead letter was replayed, closed or ignored
	Person       Kind = "person"    // a person acted
	Deletions    Kind = "deletions" // the item's records ended, or are held
)

// Entry is something that happened to the item.
type Entry struct {
	At     time.Time `json:"at"`
	Kind   Kind      `json:"kind"`
	Text   string    `json:"text"`             // what happened
	Effect string    `json:"effect,omitempty"` // what came of it
	Code   string    `json:"code,omitempty"`
	JobID  int64     `json:"job_id,omitempty"`
	By     string    `json:"by,omitempty"` // who did it in Monday, if known

	user int64 // their id
}

// IsMoving reports whether something is under way that may change the state.
func (r *Report) IsMoving() bool { return r.Pending > 0 || len(r.Asked) > 0 }

// Writes returns how many fields a resync would write.
func (r *Report) Writes() (fields int) {
	for _, rec := range r.Records {
		for _, f := range rec.Fields {
			if f.Sends || f.Takes {
				fields++
			}
		}
	}
	return fields
}
