package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"crmsync/sfclient"
)

// stage brings the records of one stage to Salesforce: what they refer to is there from the stages before.
func (p *pass) stage(n int) {
	var rows []*row
	for _, w := range p.works {
		if !w.alive() {
			continue
		}
		for _, rec := range w.board.Records {
			if rec.Stage != n {
				continue
			}
			if r := w.plan(rec, p.Mapping.Key, &p.refs, p.Now()); r != nil {
				rows = append(rows, r)
			}
		}
	}
	p.apply(p.match(rows))
}

// delete ends the records of the items that end, where the mapping says so.
func (p *pass) delete() {
	var rows []*row
	for _, w := range p.works {
		if w.err != nil || !w.ended {
			continue
		}
		for _, rec := range w.board.Records {
			if rec.DeleteWithItem {
				rows = append(rows, &row{work: w, record: rec, link: w.link(rec), op: opDelete})
			}
		}
	}
	p.apply(p.find(rows))
}

// find looks up, by their key, the records of items that end without a link: a worker may have died between making a
// record and keeping its Id.
func (p *pass) find(rows []*row) (found []*row) {
	unlinked := map[string][]*row{}
	for _, r := range rows {
		if r.link.SalesforceID != "" {
			found = append(found, r)
		} else {
			unlinked[r.record.Object] = append(unlinked[r.record.Object], r)
		}
	}
	for object, rows := range unlinked {
		for some := range slices.Chunk(rows, p.BatchSize) {
			byItem, quoted := map[string]*row{}, make([]string, len(some))
			for n, r := range some {
				id := strconv.FormatInt(r.work.item.ID, 10)
				byItem[id], quoted[n] = r, sfclient.Quote(id)
			}
			records, err := p.Salesforce.Select(p.ctx, "SELECT Id, CreatedDate, "+p.Mapping.Key+" FROM "+object+
				" WHERE "+p.Mapping.Key+" IN ("+strings.Join(quoted, ", ")+")")
			if err != nil {
				retryAll(some, fmt.Errorf("looking up %s: %w", object, err))
				continue
			}
			for _, record := range records {
				key, _ := record[p.Mapping.Key].(string)
				if r := byItem[key]; r != nil {
					r.link.SalesforceID, _ = record["Id"].(string)
					r.older = olderThan(record, r.work.item.SeenAt)
					found = append(found, r)
				}
			}
		}
	}
	return found
}

// olderThan says whether a record was there at a time, which Salesforce tells in whole seconds. One that does not say counts
// as older.
func olderThan(record sfclient.Record, at time.Time) bool {
	made, ok := record.Time("CreatedDate")
	return !ok || made.Before(at.Truncate(time.Second))
}

// apply sends rows until each has its end. A row comes again without what was refused of it; a record is in one
// call at a time.
func (p *pass) apply(rows []*row) {
	for len(rows) > 0 {
		calls, later := group(rows, p.BatchSize)
		for _, c := range calls {
			later = append(later, p.call(c)...)
		}
		rows = later
	}
}

// group puts rows into calls: one for each object and operation, of a limited size, with each record once.
func group(rows []*row, size int) (calls [][]*row, later []*row) {
	type kind struct {
		op     op
		object string
	}
	open := map[kind]int{} // the call that is being filled
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.identity()] {
			later = append(later, r)
			continue
		}
		seen[r.identity()] = true
		k := kind{r.op, r.record.Object}
		n, ok := open[k]
		if !ok || len(calls[n]) == size {
			n = len(calls)
			open[k], calls = n, append(calls, nil)
		}
		calls[n] = append(calls[n], r)
	}
	return calls, later
}

// identity tells records apart: two writes of one must not be in flight at once.
func (r *row) identity() string {
	switch r.op {
	case opCreate:
		return r.match
	case opUpsert:
		return r.record.Object + " " + strconv.FormatInt(r.work.item.ID, 10)
	}
	return r.link.SalesforceID
}

// call sends rows of one object and operation, and returns those that are to be sent once more.
func (p *pass) call(rows []*row) (again []*row) {
	results, err := p.send(rows)
	if err == nil {
		for n, r := range rows {
			again = append(again, p.settle(r, results[n])...)
		}
		return again
	}
	if !refusedWhole(rows, err) {
		p.unanswered(rows, err)
		return nil
	}
	parts := parts(rows, codeOf(err))
	if len(parts) == 1 {
		for _, r := range rows {
			again = append(again, p.rejectCall(r, codeOf(err))...)
		}
		return again
	}
	for _, part := range parts {
		again = append(again, p.call(part)...)
	}
	return again
}

// refusedWhole says whether a call failed because of something in its rows. A path that is not found is not: only that of
// an upsert names what the mapping does.
func refusedWhole(rows []*row, err error) bool {
	refused, ok := asBehaviour[interface{ Refused() bool }](err)
	return ok && refused.Refused() && (codeOf(err) != "NOT_FOUND" || rows[0].op == opUpsert)
}

// parts cuts a call that was refused as a whole, until it is one part. A field that does not exist concerns all rows that
// have it; another fault is found by halves.
func parts(rows []*row, code string) [][]*row {
	if len(rows) == 1 {
		return [][]*row{rows}
	}
	switch code {
	case "INVALID_FIELD", "INVALID_TYPE", "NOT_FOUND":
		alike := map[string][]*row{}
		for _, r := range rows {
			fields := strings.Join(slices.Sorted(maps.Keys(r.fields)), " ")
			alike[fields] = append(alike[fields], r)
		}
		return slices.Collect(maps.Values(alike))
	}
	return [][]*row{rows[:len(rows)/2], rows[len(rows)/2:]}
}

// send makes the call.
func (p *pass) send(rows []*row) ([]sfclient.Result, error) {
	object := rows[0].record.Object
	if rows[0].op == opDelete {
		ids := make([]string, len(rows))
		for n, r := range rows {
			ids[n] = r.link.SalesforceID
		}
		return p.Salesforce.Delete(p.ctx, ids)
	}
	records := make([]sfclient.Record, len(rows))
	for n, r := range rows {
		record := make(sfclient.Record, len(r.fields)+1)
		maps.Copy(record, r.fields)
		switch r.op {
		case opUpdate:
			record["Id"] = r.link.SalesforceID
		case opUpsert:
			record[p.Mapping.Key] = strconv.FormatInt(r.work.item.ID, 10)
		}
		records[n] = record
	}
	created := sfclient.WriteOptions{AutoAssign: true} // a new record passes through the org's assignment rules
	switch rows[0].op {
	case opUpsert:
		return p.Salesforce.Upsert(p.ctx, object, p.Mapping.Key, records, created)
	case opCreate:
		return p.Salesforce.Create(p.ctx, object, records, created)
	}
	return p.Salesforce.Update(p.ctx, object, records, sfclient.WriteOptions{})
}

// unanswered is a call of which it is not known what became of it. Where it was given up from here, because the batch's time
// is over, Salesforce may still be at it: nobody else may write the records until it must have ended.
func (p *pass) unanswered(rows []*row, err error) {
	retryAll(rows, err)
	for _, r := range rows {
		retryAll(r.like, err)
		r.work.held = r.work.held || p.ctx.Err() != nil
		switch r.op {
		case opCreate:
			p.unsure = append(p.unsure, r.lease())
		case opUpsert:
			p.doubt(r.work, r.record)
		case opUpdate:
			r.doubt()
		}
	}
}

// settle takes in what became of a row.
func (p *pass) settle(r *row, result sfclient.Result) (again []*row) {
	r.work.answered = p.Now()
	switch {
	case !result.Success && len(result.Errors) == 0:
		return p.refused(r, sfclient.RowError{Code: "UNKNOWN_EXCEPTION"})
	case !result.Success && r.op == opDelete && result.Errors[0].Class() == sfclient.Gone:
	case !result.Success:
		return p.refused(r, result.Errors[0])
	}
	change := recordChange{
		Record: r.record.Name, Object: r.record.Object, ID: cmp.Or(result.ID, r.link.SalesforceID),
		Created: r.op == opCreate || result.Created, Linked: r.adopts || r.op == opUpsert && !result.Created, Deleted: r.op == opDelete,
	}
	if r.op == opDelete {
		r.deleted()
		r.work.wrote(change, nil)
		return nil
	}
	if change.Created {
		r.written(r.empty, nil)
	}
	if r.op == opUpsert {
		r.link.Agree(p.Mapping.Key, strconv.FormatInt(r.work.item.ID, 10))
	}
	r.linked(change.ID, r.fields)
	change.Fields = slices.Sorted(maps.Keys(r.fields))
	r.work.wrote(change, r.columns(change.Fields))
	if r.op == opUpsert && !change.Created {
		again = r.emptied()
	}
	for _, other := range r.like {
		other.work.answered = r.work.answered
		if r.search != nil {
			delete(other.fields, r.search.out)
		}
		other.linked(change.ID, other.fields)
		other.work.wrote(recordChange{Record: change.Record, Object: change.Object, ID: change.ID, Linked: true}, nil)
	}
	p.found(r)
	return again
}

// emptied is what a new record would not have, where the row came upon the item's record from before.
func (r *row) emptied() []*row {
	next := &row{work: r.work, record: r.record, link: r.link, fields: map[string]any{}}
	for _, field := range r.record.Fields {
		if slices.Contains(r.empty, field.Name) && (empties(r.record, field.Name) || r.work.touches(field)) {
			next.fields[field.Name] = nil
		}
	}
	if len(next.fields) == 0 {
		return nil
	}
	return []*row{next}
}

// linked keeps that the row's record holds the fields.
func (r *row) linked(id string, fields map[string]any) {
	if r.link.SalesforceID != id || r.op != opUpdate {
		r.work.log.appeared = true
	}
	r.link.SalesforceID = id
	r.written(slices.Collect(maps.Keys(fields)), fields)
	delete(r.link.Rejected, wholeRecord)
	r.work.item.Links[r.record.Name] = r.link
	r.work.log.relink(r.link)
}

// written keeps what the fields hold now: null where values has none.
func (r *row) written(fields []string, values map[string]any) {
	for _, field := range fields {
		r.link.Agree(field, values[field])
	}
}

// deleted keeps that the record ended with its item.
func (r *row) deleted() {
	r.link.End()
	r.link.Rejected, r.link.Since = nil, nil
	r.work.log.relink(r.link)
}

// columns are the columns that the fields are made from.
func (r *row) columns(fields []string) (columns []string) {
	for _, field := range r.record.Fields {
		if slices.Contains(fields, field.Name) {
			columns = append(columns, field.Columns()...)
		}
	}
	return columns
}

func codeOf(err error) string {
	if c, ok := asBehaviour[*sfclient.Error](err); ok {
		return cmp.Or(c.Code, strconv.Itoa(c.Status))
	}
	return "REFUSED"
}
