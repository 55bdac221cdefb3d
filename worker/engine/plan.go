package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// Refusals are kept by field; these stand for what is no field.
const (
	wholeRecord = ""    // the record as a whole, with a digest of it as the value
	shownID     = "@id" // the Salesforce Id that the item's id column shows
)

// op is how a row is brought to Salesforce.
type op uint8

const (
	opUpdate op = iota // by Id
	opUpsert           // by the key field that holds the item's id: repeating it makes no second record
	opCreate           // a shared record, under a lease on what it is matched by
	opDelete
)

// row is a record of an item with what is to be written of it.
type row struct {
	work   *work
	record *mapping.Record
	link   *ledger.Link
	op     op
	fields map[string]any // field -> value to send
	empty  []string       // fields that stay null on a new record
	match  string         // key of the match values, where a record is looked up by them before one is made
	adopts bool           // the link is new: the record was there before it
	like   []*row         // rows of other items that share the record to be made
	older  bool           // the record, found by its key, was there before its item
	again  bool           // the record was gone and is made anew
	search *search        // for the value that a new record is refused for; nil: it was not, or it was said
}

// references answers what a plan needs to know from outside its item.
type references struct {
	linked map[ledger.RecordRef]string  // Ids of records of other items
	users  map[int64]string             // Salesforce users of Monday's persons; empty: there is none
	owner  string                       // the user where there is none
	owners map[string]int64             // the items that records belong to, by Salesforce Id
	works  map[int64]*work              // the items of the same batch
	leased func(key string) (mine bool) // whether a decision about the key may be made now
}

// plan compares what Salesforce should hold of a record with what was last written, and returns the difference: nil where
// there is none. It decides by the item, its links and refs alone, so that planning what was applied gives nothing.
func (w *work) plan(rec *mapping.Record, key string, refs *references, today time.Time) *row {
	link := w.link(rec)
	r := &row{work: w, record: rec, link: link}
	if link.SalesforceID == "" && rec.IDColumn != "" {
		if blocked := w.adoptShown(r, refs); blocked {
			return nil
		}
	}
	if link.SalesforceID == "" && !rec.When.Holds(w.view) {
		return nil
	}
	values := rec.Desired(w.view, link.Since, today)
	if rec.Shared {
		return w.planShared(r, values, refs)
	}
	r.difference(values, refs)
	if link.SalesforceID != "" {
		if own := strconv.FormatInt(w.item.ID, 10); !link.Holds(key, own) && !r.refusedStill(key, own) {
			r.fields[key] = own
		}
		if len(r.fields) == 0 {
			return nil
		}
		return r
	}
	r.op, r.match = opUpsert, keyOf(rec, r.fields)
	if r.refusedStill(wholeRecord, digest(r.fields)) {
		r.blameAgain(wholeRecord, nil)
		return nil
	}
	return r
}

// planShared links the item to a record that serves several: it is found or made by its match values, and looked for again
// only when these change. What it holds is never overwritten.
func (w *work) planShared(r *row, values map[string]mapping.Value, refs *references) *row {
	r.match = matchKey(r.record, values)
	if r.match == "" {
		return nil // nothing to find it by, and nothing to tell it apart once made
	}
	if r.link.SalesforceID != "" && r.match == matchWritten(r.record, r.link) {
		for field := range r.link.Rejected {
			r.blameAgain(field, nil)
		}
		return nil
	}
	written := r.link
	r.link = &ledger.Link{ItemID: w.item.ID, Record: r.record.Name, Object: r.record.Object, Rejected: written.Rejected, Since: written.Since}
	r.difference(values, refs)
	r.op = opCreate
	if keyOf(r.record, r.fields) != r.match {
		return nil // a match value was refused: without it nobody would find the record
	}
	if r.refusedStill(wholeRecord, digest(r.fields)) {
		r.blameAgain(wholeRecord, nil)
		return nil
	}
	return r
}

// difference collects the fields that are not in Salesforce yet.
func (r *row) difference(values map[string]mapping.Value, refs *references) {
	w, linked := r.work, r.link.SalesforceID != ""
	r.fields, r.empty = map[string]any{}, nil
	for _, field := range r.record.Fields {
		v := values[field.Name]
		if v.Err != nil {
			r.refuseValue(field, v.Err)
			continue
		}
		value, ok := w.resolve(v, refs)
		if !ok {
			continue
		}
		if v.Since != "" && r.link.Since[field.Name] != v.Since {
			kept := w.link(r.record)
			kept.Apply(field.Name, v.Since)
			r.link.Since = kept.Since
			w.log.relink(kept)
		}
		_, was := r.link.Written[field.Name]
		switch {
		case value == nil && !linked:
			r.empty = append(r.empty, field.Name)
		case value == nil && !was && !w.touches(field):
			// A record that was there before its link keeps what Monday has never had.
		case linked && r.link.Holds(field.Name, value) && !w.fresh:
		case r.refusedStill(field.Name, value):
			r.blameAgain(field.Name, field.Columns())
		default:
			r.fields[field.Name] = value
		}
	}
}

// resolve turns a value of the mapping into what is sent. It is not ok where it refers to what does not exist yet.
func (w *work) resolve(v mapping.Value, refs *references) (value any, ok bool) {
	switch {
	case v.Record != nil:
		if id := w.link(v.Record).SalesforceID; id != "" {
			return id, true
		}
		return nil, false
	case v.Link != nil:
		ref := ledger.RecordRef{ItemID: v.Item, Record: v.Link.Name}
		if id := refs.id(ref); id != "" {
			return id, true
		}
		w.log.wait(store.Wait{Ref: ledger.Ref{BoardID: w.board.ID, ItemID: w.item.ID}, Target: ref})
		return nil, false
	case v.Person != 0:
		if id := refs.users[v.Person]; id != "" {
			return id, true
		}
		w.log.note("a person has no active Salesforce user with the same email")
		return refs.owner, refs.owner != ""
	}
	return v.Literal, true
}

// adoptShown links the item to the record whose Id its id column shows, so that nothing is created for it. A copy of an item
// shows the Id of the item that it was copied from: it gets a record of its own.
func (w *work) adoptShown(r *row, refs *references) (blocked bool) {
	id, ok := sfclient.ID18(w.view.Columns[r.record.IDColumn].Text)
	if !ok || r.link.Ended(id) {
		return false
	}
	if r.refusedStill(shownID, id) {
		r.blameAgain(shownID, []string{r.record.IDColumn})
		return true
	}
	if owner := refs.owners[id]; owner != 0 && owner != w.item.ID {
		w.log.note("the Id that the item shows belongs to another item")
		return false
	}
	if !refs.leased(ledger.IDLease(id)) {
		w.err = &BusyError{What: "the record that the item shows"}
		return true
	}
	r.link.Adopt(id)
	r.adopts = true
	w.log.relink(r.link)
	w.log.appeared = true
	return false
}

// id is the Id of a record of another item, as far as it is known in this batch.
func (refs *references) id(ref ledger.RecordRef) string {
	if w := refs.works[ref.ItemID]; w != nil {
		if link := w.item.Links[ref.Record]; link != nil {
			return link.SalesforceID
		}
		return ""
	}
	return refs.linked[ref]
}

// link is the item's link for a record, made where there is none.
func (w *work) link(rec *mapping.Record) *ledger.Link {
	link := w.item.Links[rec.Name]
	if link == nil {
		link = &ledger.Link{ItemID: w.item.ID, Record: rec.Name, Object: rec.Object}
		w.item.Links[rec.Name] = link
	}
	return link
}

// touches says whether an event of the batch told what the field is made from.
func (w *work) touches(field *mapping.Field) bool {
	return len(w.touched) > 0 && slices.ContainsFunc(field.Columns(), func(id string) bool { return w.touched[id] })
}

func (r *row) refusedStill(field string, value any) bool {
	return r.link.Rejects(field, value)
}

// digest stands for a whole record where that was refused.
func digest(fields map[string]any) string {
	text, err := json.Marshal(fields) // keys in order
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
