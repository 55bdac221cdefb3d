package ledger

import "slices"

// Link is the Salesforce record of an item, and what both sides last agreed on.
type Link struct {
	ItemID       int64
	Record       string // the record's name in the mapping
	Object       string
	SalesforceID string               // 18 characters; empty: none yet, or it ended with its item
	Written      map[string]Written   // field -> value last written; a missing field was never written
	Rejected     map[string]Rejection // field -> value that Salesforce rejected
	EndedIDs     []string             // Ids of records that are gone, the latest last
	Since        map[string]string    // field -> day on which its relative default was first applied

	// Closed is why the record ended for good, so that no other one is created for the item; empty: it has not ended.
	Closed string

	// Held is what Salesforce holds in the fields that are written to Monday, in addition to the item's values
	// (Written). A missing field was never compared in both directions.
	Held map[string]Held

	Turns map[string]Turns // field -> how often it was written to Monday lately

	// Doubts are the writes of fields that go both ways whose outcome is not known. They are stored before the write.
	Doubts map[string]Doubt

	// Lost means that the record was deleted in Salesforce and that the item gets another one, even if the condition
	// for new records is not met, since the item had one.
	Lost bool

	// Origin is how the item got its record; empty: the link was stored by a version without origins.
	Origin Origin

	// Loaded is what Mappings returned when the link was stored; nil: it was not loaded. It rarely changes.
	Loaded map[string]string
}

// Reasons for closing a link.
const (
	Merged    = "merged"    // into a record of another item
	Deleted   = "deleted"   // in Salesforce, and the mapping keeps the item without a record
	Converted = "converted" // a lead that became a contact
)

// Origin is how an item got its record.
type Origin string

// The origins.
const (
	Created  Origin = "created"  // for the item
	Matched  Origin = "matched"  // found by its values
	Shown    Origin = "shown"    // a person entered its Id in the id column
	Migrated Origin = "migrated" // the item was created for the record
)

// Written is the value that a field was last known to hold.
type Written struct {
	Value any // while in doubt: what it held before

	// Unsure means that the answer to the last write was lost: Salesforce may or may not hold the value. It equals no
	// value, so the field is sent again whatever it should hold next.
	Unsure bool

	// Mapping identifies the field of the mapping from which the value was made; empty: the one in force.
	Mapping string

	// LeftOut means that the record was created without the field, and that nothing has been written to the field
	// since: if it holds a value, Salesforce or a person has filled it in.
	LeftOut bool

	// Apart means that both sides held different values when they were first compared, and that nobody has decided yet
	// which one counts. Value is what was written before; nil: nothing.
	Apart bool
}

// Rejection is a value that Salesforce rejected. It is not sent again until it changes.
type Rejection struct {
	Value any    `json:"value"`
	Code  string `json:"code"`
	JobID int64  `json:"job_id"` // the event that failed because of it

	Detail string `json:"detail,omitempty"` // for people; no customer's value

	// Dependent means that the value was rejected because of other fields, for example by a validation rule: it is
	// sent again with the next write of the record.
	Dependent bool `json:"dependent,omitempty"`
}

// keptEnded is how many Ids of ended records are kept: as many as an item may still show.
const keptEnded = 8

// Agreed returns the value that the field is known to hold. It is not ok if none was written, or if the answer was
// lost.
func (l *Link) Agreed(field string) (value any, ok bool) {
	w, ok := l.Written[field]
	return w.Value, ok && !w.Unsure && !w.Apart
}

// Holds reports whether the field is known to hold the value.
func (l *Link) Holds(field string, value any) bool {
	held, ok := l.Agreed(field)
	return ok && held == value
}

// Agree records that the field holds the value on both sides.
func (l *Link) Agree(field string, value any) {
	l.write(field, Written{Value: value})
	l.Accept(field)
	delete(l.Doubts, field)
	if _, both := l.Held[field]; both {
		l.Held[field] = Held{Value: value}
	}
}

// LeaveOut records that the record was created without the field, whose column is empty.
func (l *Link) LeaveOut(field string) {
	l.Agree(field, nil)
	l.write(field, Written{LeftOut: true})
}

// IsLeftOut reports whether the record was created without the field, and nothing has been written to the field since.
func (l *Link) IsLeftOut(field string) bool { return l.Written[field].LeftOut }

// Part records that both sides held different values when they were first compared. It reports whether that is new.
func (l *Link) Part(field string) bool {
	w := l.Written[field]
	if w.Apart {
		return false
	}
	w.Apart = true
	l.write(field, w)
	return true
}

// IsApart reports whether both sides held different values when they were first compared, and nobody has decided yet
// which one counts.
func (l *Link) IsApart(field string) bool { return l.Written[field].Apart }

// Doubt records that the field may hold a value other than the one last written.
func (l *Link) Doubt(field string) {
	was := l.Written[field]
	l.write(field, Written{Unsure: true, Value: was.Value, Mapping: was.Mapping, Apart: was.Apart})
}

// InDoubt reports whether the answer to the field's last write was lost, and the field is to be sent again.
func (l *Link) InDoubt(field string) bool { return l.Written[field].Unsure }

func (l *Link) write(field string, w Written) {
	if l.Written == nil {
		l.Written = map[string]Written{}
	}
	l.Written[field] = w
}

// ShownID is the name under which a link rejects an Id that the item shows.
const ShownID = "@id"

// Adopt makes an existing record the item's own. Its contents are unknown.
func (l *Link) Adopt(id string, o Origin) {
	l.own(id, o)
	l.Written, l.Held, l.Doubts = nil, nil, nil
}

// own makes a record the item's own. A wrong Id that the item showed before no longer matters.
func (l *Link) own(id string, o Origin) {
	l.SalesforceID, l.Origin, l.Lost = id, o, false
	if !l.Rejects(ShownID, id) {
		l.Accept(ShownID)
	}
}

// Take makes a record the item's own, and reports whether it was not already. Earlier writes to it still count.
func (l *Link) Take(id string, o Origin) (isNew bool) {
	if l.SalesforceID == id {
		return false
	}
	l.own(id, o)
	return true
}

// Unlink forgets the record and what was written to it.
func (l *Link) Unlink() { l.SalesforceID, l.Written, l.Held, l.Doubts = "", nil, nil, nil }

// outdated is the Mapping of a value whose source no mapping identifies.
const outdated = "-"

// Outdate records that the value of a field was made from another source than the field has now. It reports whether
// that is new.
func (l *Link) Outdate(field string) bool {
	w, was := l.Written[field]
	if !was || w.Mapping == outdated {
		return false
	}
	w.Mapping = outdated
	l.Written[field] = w
	return true
}

// Remapped reports whether the value of a field was made from another source than the field has now, or before the
// item moved. Such a value
// still says what the record holds, but not what the item holds.
func (l *Link) Remapped(field, mapping string) bool {
	w := l.Written[field]
	return w.Mapping != "" && w.Mapping != mapping
}

// Stamp records which mapping the values that were just written were made by.
func (l *Link) Stamp(mapping map[string]string) {
	for field, w := range l.Written {
		if made, mapped := mapping[field]; mapped && w.Mapping == "" {
			w.Mapping = made
			l.Written[field] = w
		}
	}
}

// The prefixes under which Mappings stores the fields that the record was created without, and those that are apart.
// Versions that do not know them ignore them.
const (
	leftOut = "@left out "
	apart   = "@apart "
)

// lost is the name under which Mappings stores that the record was deleted in Salesforce.
const lost = "@lost"

// ReadMappings takes over what Mappings returned.
func (l *Link) ReadMappings(stored map[string]string) {
	l.Loaded = stored
	_, l.Lost = stored[lost]
	for field, w := range l.Written {
		_, w.LeftOut = stored[leftOut+field]
		_, w.Apart = stored[apart+field]
		w.Mapping = stored[field]
		l.Written[field] = w
	}
}

// Mappings returns which version of its field each value was made by, as far as that is known, which fields the record
// was created without, which are apart, and whether the record is lost.
func (l *Link) Mappings() map[string]string {
	all := make(map[string]string, len(l.Written))
	if l.Lost {
		all[lost] = ""
	}
	for field, w := range l.Written {
		if w.Mapping != "" {
			all[field] = w.Mapping
		}
		if w.LeftOut {
			all[leftOut+field] = ""
		}
		if w.Apart {
			all[apart+field] = ""
		}
	}
	return all
}

// Accept forgets that Salesforce rejected a field, or the record as a whole.
func (l *Link) Accept(field string) { delete(l.Rejected, field) }

// EndWithItem ends the link together with its item, which may be restored.
func (l *Link) EndWithItem() {
	l.End()
	l.Rejected, l.Since = nil, nil
}

// Lose ends the link to a record that was deleted in Salesforce and will be created again.
func (l *Link) Lose() {
	l.End()
	l.Lost = true
}

// Replace returns a link for a record of another object that takes the place of this one. The Id that the item still
// shows does not restore the old record.
func (l *Link) Replace(object string) *Link {
	old := *l
	if old.SalesforceID != "" {
		old.End()
	}
	return &Link{ItemID: l.ItemID, Record: l.Record, Object: object, EndedIDs: old.EndedIDs}
}

// Close ends the link for good.
func (l *Link) Close(reason string) {
	l.End()
	l.Closed, l.Rejected = reason, nil
}

// Reopen links a deleted record again after it was restored.
func (l *Link) Reopen() { l.Closed = "" }

// End marks the record as gone. The item may go on showing the old Id, which must not link it again.
func (l *Link) End() {
	ids := append(slices.Clone(l.EndedIDs), l.SalesforceID)
	l.EndedIDs = ids[max(0, len(ids)-keptEnded):]
	l.SalesforceID, l.Written, l.Held, l.Doubts, l.Lost = "", nil, nil, nil, false
}

// Follow records that a shared record was merged into another one, which is found by the same values from now on.
func (l *Link) Follow(id string) {
	written := l.Written
	l.End()
	l.SalesforceID, l.Written = id, written
}

// Ended reports whether an Id belongs to a record that is gone.
func (l *Link) Ended(id string) bool { return slices.Contains(l.EndedIDs, id) }

// Reject records that Salesforce rejected the value of a field.
func (l *Link) Reject(field string, r Rejection) {
	if l.Rejected == nil {
		l.Rejected = map[string]Rejection{}
	}
	l.Rejected[field] = r
}

// Rejects reports whether Salesforce rejected exactly this value of the field.
func (l *Link) Rejects(field string, value any) bool {
	r, ok := l.Rejected[field]
	return ok && r.Value == value
}

// Apply records the first day of a field's relative default, and reports whether it was new.
func (l *Link) Apply(field, day string) bool {
	if day == "" || l.Since[field] == day {
		return false
	}
	if l.Since == nil {
		l.Since = map[string]string{}
	}
	l.Since[field] = day
	return true
}

// unsure is the stored form of a write without an answer; a field's value is never an object.
type unsure struct {
	Unsure bool `json:"unsure"`
	Was    any  `json:"was,omitempty"`
}

// StoredWritten returns the stored form of what was written: each field's value itself, or an object if it is in
// doubt. What the values were made from is stored elsewhere.
func (l *Link) StoredWritten() map[string]any {
	stored := make(map[string]any, len(l.Written))
	for field, w := range l.Written {
		stored[field] = w.Value
		if w.Unsure {
			stored[field] = unsure{true, w.Value}
		}
	}
	return stored
}

// ReadWritten takes over the decoded form of StoredWritten.
func (l *Link) ReadWritten(stored map[string]any) {
	l.Written = make(map[string]Written, len(stored))
	for field, value := range stored {
		w := Written{Value: value}
		if u, isUnsure := value.(map[string]any); isUnsure {
			w = Written{Value: u["was"], Unsure: true}
		}
		l.Written[field] = w
	}
}
