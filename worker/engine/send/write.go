package send

import (
	"time"

	"crmsync/sfclient"
)

// Op is the operation of a write.
type Op uint8

// The operations.
const (
	Update Op = iota // changes a record by its Id
	Upsert           // updates or creates the record with a key value
	Create           // creates a record
	Delete           // deletes a record by its Id
)

// Write is one row of one call. It is immutable: an attempt with fewer fields is another Write.
type Write struct {
	Op       Op
	Object   string
	Key      string         // of an Upsert: the external-ID field
	KeyValue string         // of an Upsert: its value
	ID       string         // of an Update or Delete: the record
	Fields   map[string]any // without Id and Key; nil stands for null

	// Needed are the fields without which the record must not be created, such as those by which a shared record is
	// found.
	Needed []string

	// References maps the fields that hold Ids of other records to their objects.
	References map[string]string

	// Options are sent as headers, so writes with different options are in different calls.
	Options sfclient.WriteOptions
}

// Outcome is exactly one of Done, Rejected, Gone, Retry and Unknown.
type Outcome interface{ outcome() }

// Done is the outcome of a write that took effect.
type Done struct {
	ID      string
	Created bool
	Left    []Rejection // fields that were left out because Salesforce rejects them
	At      time.Time   // of the last answer, by Salesforce's clock, in whole seconds; zero: unknown
}

// Rejected is the outcome of a write that Salesforce rejects completely. Nothing was written.
type Rejected struct{ Rejections []Rejection }

// Gone is the outcome of a write to a record that no longer exists, as confirmed by querying its Id. Nothing was
// written.
type Gone struct {
	Code      string      // of the error
	Into      string      // record that it was merged into; empty if it was not
	Converted *Conversion // of a lead; nil if it was not converted
}

// Conversion is what a lead was converted into. An Id is empty if there is no such record.
type Conversion struct{ Contact, Account, Opportunity string }

// Retry is the outcome of a write that was rejected, or not attempted, for a transient reason. Err says when to retry,
// by the behaviors RetryAfter, Outage and Scoped (which affects only new records).
type Retry struct {
	Err error

	// ID is set if the record was created and only some of its fields are still to be written: it must be linked, and
	// the fields sent as an Update. Which of them it holds is unknown.
	ID string
}

// Unknown is the outcome of a write whose answer was lost: it may or may not have taken effect.
type Unknown struct {
	Err error
	ID  string // as in Retry
}

func (Done) outcome()     {}
func (Rejected) outcome() {}
func (Gone) outcome()     {}
func (Retry) outcome()    {}
func (Unknown) outcome()  {}

// Rejection describes what Salesforce rejects.
type Rejection struct {
	Code string

	// Fields are the rejected fields of the write. If empty, the error names none of them, and no single one explains
	// it, so the record is rejected as a whole.
	Fields []string

	// Missing are fields that the error names but the write does not hold, such as required ones.
	Missing []string

	// Dependent reports whether the rejection may depend on other fields or on the state of the record, so that it is
	// worth another attempt when the record is next written.
	Dependent bool

	// Records are the Ids that Salesforce names, such as those of duplicates.
	Records []string

	// Gone reports whether the record that the field refers to does not exist, as confirmed by querying its Id. If it
	// was merged, Records has the winner. A reference that is merely rejected may exist.
	Gone bool
}
