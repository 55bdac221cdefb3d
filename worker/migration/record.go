package migration

import (
	"cmp"
	"errors"
	"slices"
	"strconv"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// record is a record of Salesforce that is being imported.
type record struct {
	id     string // 18 characters
	stamp  string
	fields sfclient.Record
	values map[string]column.Value // what a new item shows, by column; without what is ambiguous
	match  match
	known  bool // it failed before, in this run or an earlier one
	signed bool // it carries the id of its item

	outcome outcome
	err     error       // why it failed
	leftOut []rejection // columns that Monday rejects
}

// match is what is known about a record's item. It is exactly one of unmatched, created, linked, found and leftAlone.
type match interface{ itemID() int64 }

type (
	// unmatched is the match of a record without an item, for which one will be created.
	unmatched struct{}

	// created is an item that was created for the record and is not linked yet.
	created struct {
		item    int64
		columns []string // those sent with it
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

	// leftAlone is the match of a record for which no item is created or written.
	leftAlone struct{ why string }
)

func (unmatched) itemID() int64 { return 0 }
func (m created) itemID() int64 { return m.item }
func (m linked) itemID() int64  { return m.item }
func (m found) itemID() int64   { return m.item }
func (leftAlone) itemID() int64 { return 0 }

// Reasons for which a record is left alone.
const (
	itemDeleted    = "its item was deleted"
	itemSuppressed = "its item was erased for good"
	itemElsewhere  = "it belongs to an item of another board"
	itemOther      = "its item belongs to another record"
)

// rejection is a column whose value Monday rejects, and its error.
type rejection struct {
	column string
	err    error
}

// outcome is the result for a record.
type outcome uint8

const (
	isUnchanged outcome = iota // or left alone
	isCreated
	isUpdated
	isConflict
	isFailed
)

// readRecord reads a record from Salesforce's answer.
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

// isUnmatched reports whether an item will be created for the record.
func (r *record) isUnmatched() bool {
	_, ok := r.match.(unmatched)
	return ok && r.outcome != isFailed
}

// key returns the item id that the record carries, or 0.
func (r *record) key(field string) int64 {
	text, _ := r.fields[field].(string)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return max(id, 0)
}

// filled returns the columns that the record has a value for, sorted.
func (r *record) filled() (columns []string) {
	for id, v := range r.values {
		if id != ledger.NameColumn && v.Written() != nil {
			columns = append(columns, id)
		}
	}
	slices.Sort(columns)
	return columns
}

// name returns the name of the record's item, which must not be empty.
func (r *record) name() string {
	name := []rune(r.values[ledger.NameColumn].Text)
	return cmp.Or(string(name[:min(len(name), 255)]), r.id)
}

// fail records why a record has no item, or an incorrect one. It does not affect the other records of the page.
func (r *record) fail(err error) {
	if r.outcome != isFailed {
		r.outcome, r.err = isFailed, err
	}
}

// count adds a record to the run's counts. In a later lap, unchanged records have been counted before.
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

// failedWhole returns why a page failed as a whole: all its records that needed an item or a change failed for one
// reason. A single record is not enough, and neither are records that failed before if the others are unchanged.
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
