package engine

import (
	"maps"
	"slices"

	"crmsync/sfclient"
)

// refused takes in that Salesforce did not take a row, and returns what is to be sent in its place. A refused value fails
// the event that told it and goes out of the row; the rest goes through.
func (p *pass) refused(r *row, err sfclient.RowError) (again []*row) {
	named := slices.DeleteFunc(slices.Clone(err.Fields), func(field string) bool {
		_, sent := r.fields[field]
		return !sent
	})
	switch class := err.Class(); {
	case class == sfclient.Transient, class == sfclient.Outage, class == sfclient.Quota, class == sfclient.Throttle,
		class == sfclient.Oversized, class == sfclient.StorageFull,
		class == sfclient.Duplicate && slices.Contains(err.Fields, p.Mapping.Key) && r.op == opUpsert: // two first upserts at once
		p.retryRow(r, err.Code)
		return nil
	case class == sfclient.Gone && r.forgetReferences(named):
		p.retryRow(r, err.Code)
		return nil
	case class == sfclient.Gone && r.op == opUpdate && len(named) == 0:
		return p.vanished(r, err.Code)
	}
	return p.reject(r, named, err.Code)
}

// rejectCall takes in that a call with this row alone, or with others like it, was refused.
func (p *pass) rejectCall(r *row, code string) (again []*row) {
	if (r.op == opCreate || r.op == opUpsert) && suspicious(code) && r.leaveOut(code) {
		return []*row{r}
	}
	return p.reject(r, nil, code)
}

// reject takes in that a row cannot be written as it is: the fields that were named go out of it; where none was, the
// fault is found by halves.
func (p *pass) reject(r *row, named []string, code string) (again []*row) {
	matched := slices.DeleteFunc(slices.Clone(named), func(field string) bool { return !slices.Contains(r.record.Match, field) })
	switch {
	case r.record.Shared && len(matched) > 0: // without it nobody would find the record
		for _, r := range append(r.like, r) {
			for _, field := range matched {
				r.refuse(field, r.fields[field], r.columns([]string{field}), p.refusal(r, field, code))
			}
		}
		return nil
	case len(named) > 0:
		for _, field := range named {
			r.refuse(field, r.fields[field], r.columns([]string{field}), p.refusal(r, field, code))
			delete(r.fields, field)
			if r.search != nil {
				delete(r.search.whole, field)
			}
		}
		if len(r.fields) == 0 {
			return nil
		}
		return []*row{r}
	case r.search != nil && r.leaveOut(code):
		return []*row{r}
	case r.op == opUpdate && len(r.fields) > 1:
		return r.halves() // it is not said which field: each half for itself
	case r.op == opUpdate:
		for field, value := range r.fields {
			r.refuse(field, value, r.columns([]string{field}), p.refusal(r, field, code))
		}
		return nil
	}
	if r.search != nil {
		code = r.search.code
	}
	for _, r := range append(r.like, r) {
		r.refuse(wholeRecord, digest(r.fields), r.columns(slices.Collect(maps.Keys(r.fields))), p.refusal(r, "", code))
	}
	return nil
}

// vanished is a record that somebody deleted in Salesforce: it is made anew, unless all that is known of it is that an
// item shows its Id.
func (p *pass) vanished(r *row, code string) []*row {
	id := r.link.SalesforceID
	confirmed := len(r.link.Written) > 0
	if !confirmed {
		r.link.SalesforceID, r.link.Written = "", nil
		r.refuse(shownID, id, []string{r.record.IDColumn}, p.refusal(r, "Id", code))
		return nil
	}
	if r.again {
		r.link.SalesforceID, r.link.Written = "", nil
		p.retryRow(r, code)
		return nil
	}
	r.link.End()
	r.work.log.relink(r.link)
	again := r.work.plan(r.record, p.Mapping.Key, &p.refs, p.Now())
	if again == nil {
		return nil
	}
	again.again = true
	return p.match([]*row{again})
}

// forgetReferences forgets the records of the same item that the row refers to, by the named fields or, where none was
// named, by any: one of them is gone. The next try finds it, or makes it anew.
func (r *row) forgetReferences(named []string) (forgot bool) {
	for _, field := range r.record.Fields {
		_, sent := r.fields[field.Name]
		if field.Record() == nil || !sent || len(named) > 0 && !slices.Contains(named, field.Name) {
			continue
		}
		link := r.work.link(field.Record())
		link.End()
		r.work.log.relink(link)
		forgot = true
	}
	return forgot
}

// halves are two rows in place of one, which go out one after the other.
func (r *row) halves() []*row {
	fields := slices.Sorted(maps.Keys(r.fields))
	first, second := *r, *r
	first.fields, second.fields = map[string]any{}, map[string]any{}
	for n, field := range fields {
		if n < len(fields)/2 {
			first.fields[field] = r.fields[field]
		} else {
			second.fields[field] = r.fields[field]
		}
	}
	return []*row{&first, &second}
}

func (p *pass) retryRow(r *row, code string) {
	err := &RowError{Object: r.record.Object, SalesforceID: r.link.SalesforceID, Code: code}
	retryAll(append(r.like, r), err)
}

func (p *pass) refusal(r *row, field, code string) *RefusedError {
	return &RefusedError{Object: r.record.Object, SalesforceID: r.link.SalesforceID, Field: field, Code: code}
}
