package send

import "crmsync/sfclient"

// Op is what a write does.
type Op uint8

// The operations.
const (
	Update Op = iota // changes a record by its Id
	Upsert           // changes the record with a key value, or creates it
	Create           // creates a record
	Delete           // deletes a record by its Id
)

// Write is one row of one call. It never changes: an attempt with fewer fields is another Write.
type Write struct {
	Op       Op
	Object   string
	Key      string         // of an Upsert: the external-ID field
	KeyValue string         // of an Upsert: its value
	ID       string         // of an Update or Delete: the record
	Fields   map[string]any // without Id and Key; nil stands for null

	// Needed are the fields without which the record must not be created, such as those that a shared record is found
	// by.
	Needed []string

	// References are the objects of the fields that hold Ids of other records.
	References map[string]string

	// Options are sent as headers: writes with other options are in other calls.
	Options sfclient.WriteOptions
}

// Outcome is exactly one of Done, Rejected, Gone, Retry and Unknown.
type Outcome interface{ outcome() }

// Done is a write that took effect.
type Done struct {
	ID      string
	Created bool
	Left    []Rejection // fields that were left out because Salesforce rejects them
}

// Rejected is a write of which Salesforce takes nothing. Nothing was written.
type Rejected struct{ Rejections []Rejection }

// Gone is a record that is no longer there, as Salesforce confirmed when asked for it by its Id. Nothing was written.
type Gone struct {
	Code      string      // of the refusal
	Into      string      // record that it was merged into; empty: it was not
	Converted *Conversion // of a lead; nil: it was not
}

// Conversion is what a lead was converted into. An Id is empty where there is no such record.
type Conversion struct{ Contact, Account, Opportunity string }

// Retry is a write that was refused, or not attempted, for a reason that passes. Err says when to come back, by the
// behaviors RetryAfter, Outage and Scoped (which is of new records alone).
type Retry struct {
	Err error

	// ID is set where a Create made the record and only some of its fields are still to be written: it must be linked,
	// and the fields sent as an Update. What it holds of them is not known.
	ID string
}

// Unknown is a write whose answer was lost: it may have taken effect or not.
type Unknown struct {
	Err error
	ID  string // as in Retry
}

func (Done) outcome()     {}
func (Rejected) outcome() {}
func (Gone) outcome()     {}
func (Retry) outcome()    {}
func (Unknown) outcome()  {}

// Rejection is what Salesforce rejects.
type Rejection struct {
	Code string

	// Fields are the rejected fields of the write. Empty: the error names none of them, and no single one explains it,
	// so that the record as a whole is rejected.
	Fields []string

	// Missing are fields that the error names although the write does not hold them, such as required ones.
	Missing []string

	// Dependent reports whether the rejection may depend on other fields or on the state of the record, so that it is
	// worth another attempt when the record is next written.
	Dependent bool

	// Records are the Ids that Salesforce names, such as those of duplicates.
	Records []string

	// Gone reports whether the record that the field refers to is not there, as Salesforce confirmed when asked for it by
	// its Id. Where that was merged, Records has the winner. A reference that is merely refused may be there.
	Gone bool
}
