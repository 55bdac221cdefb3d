package migration

import (
	"cmp"
	"errors"
	"strconv"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// record is a record of Salesforce on its way to its item.
type record struct {
	id     string // 18 characters
	stamp  string
	fields sfclient.Record
	values map[string]column.Value // what the record says, by column; without what has no one answer
	match  match
	known  bool // it failed in an earlier run, or in this one
	signed bool // it carries the id of its item

	outcome outcome
	err     error     // why it failed
	leftOut []refusal // columns that Monday refuses
}

// match is what is known of a record's item. It is exactly one of unmatched, created, linked, found and leftAlone.
type match interface{ itemID() int64 }

type (
	// unmatched is a record without an item: one is to be created.
	unmatched struct{}

	// created is an item that was created for the record and is not linked yet.
	created struct {
		item    int64
		columns []string // that were sent with it
	}

	// linked is an item that is linked to the record.
	linked struct {
		item int64
		link *ledger.Link
	}

	// found is an item that shows the record's Id, or whose id the record carries, and that is not linked.
	found struct {
		item   int64
		origin ledger.Origin
	}

	// leftAlone is a record that gets no item, and whose item is not written.
	leftAlone struct{ why string }
)

func (unmatched) itemID() int64 { return 0 }
func (m created) itemID() int64 { return m.item }
func (m linked) itemID() int64  { return m.item }
func (m found) itemID() int64   { return m.item }
func (leftAlone) itemID() int64 { return 0 }

// Reasons for which a record is left alone.
const (
	itemDeleted   = "its item was deleted"
	itemElsewhere = "it belongs to an item of another board"
	itemOther     = "its item belongs to another record"
)

// outcome is what became of a record.
type outcome uint8

const (
	isUnchanged outcome = iota // also one that is left alone
	isCreated
	isUpdated
	isConflict
	isFailed
)

// readRecord takes over a record as Salesforce answered it.
func readRecord(fields sfclient.Record) (*record, error) {
	stamp, err := stampOf(fields)
	if err != nil {
		return nil, err
	}
	text, _ := fields["Id"].(string)
	id, ok := sfclient.ID18(text)
	if !ok {
		return nil, errors.New("salesforce: a record without an Id")
	}
	return &record{id: id, stamp: stamp, fields: fields, match: unmatched{}}, nil
}

// isUnmatched reports whether an item is to be created for the record.
func (r *record) isUnmatched() bool {
	_, ok := r.match.(unmatched)
	return ok && r.outcome != isFailed
}

// key returns the item id that the record carries; 0: none.
func (r *record) key(field string) int64 {
	text, _ := r.fields[field].(string)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return max(id, 0)
}

// name is the name of the record's item, which must have one.
func (r *record) name() string {
	name := []rune(r.values[ledger.NameColumn].Text)
	return cmp.Or(string(name[:min(len(name), 255)]), r.id)
}

// fail records why a record has no item, or an item that is not as it should be. The others of the page are not kept
// back.
func (r *record) fail(err error) {
	if r.outcome != isFailed {
		r.outcome, r.err = isFailed, err
	}
}

// count adds a record to what a run has done. In a later lap the records that are as they should be were counted
// before.
func (r *record) count(n *store.Counts, lap int) {
	if r.outcome == isUnchanged && lap > 0 {
		return
	}
	n.Read++
	if len(r.leftOut) > 0 && r.outcome != isFailed {
		n.LeftOut++
	}
	switch r.outcome {
	case isCreated:
		n.Created++
	case isUpdated:
		n.Updated++
	case isConflict:
		n.Conflicts++
	case isFailed:
		n.Failed++
	default:
		n.Unchanged++
	}
}

// failedWhole returns why a page failed as a whole: each of its records that needed an item or a change failed, for one
// reason. One record alone proves nothing; nor do some that failed before, beside others that are as they should be.
func failedWhole(records []*record) *PageError {
	var failed []*record
	quiet, known := false, false
	for _, r := range records {
		switch r.outcome {
		case isUnchanged:
			quiet = true
		case isFailed:
			failed, known = append(failed, r), known || r.known
		default:
			return nil
		}
	}
	if len(failed) < 2 || quiet && known {
		return nil
	}
	for _, r := range failed[1:] {
		if codeOf(r.err) != codeOf(failed[0].err) {
			return nil
		}
	}
	return &PageError{Records: len(failed), Cause: failed[0].err}
}

func itemText(id int64) string { return strconv.FormatInt(id, 10) }
