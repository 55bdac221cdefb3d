package engine

import (
	"slices"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// refuseValue is a column whose value cannot become the field.
func (r *row) refuseValue(field *mapping.Field, err error) {
	code, detail := "INVALID_VALUE", err.Error()
	if v, ok := asBehaviour[*mapping.ValueError](err); ok {
		code = v.Code
	}
	if r.refusedStill(field.Name, detail) {
		r.blameAgain(field.Name, field.Columns())
		return
	}
	r.refuse(field.Name, detail, field.Columns(), &RefusedError{
		Object: r.record.Object, SalesforceID: r.link.SalesforceID, Field: field.Name, Code: code, Detail: detail,
	})
}

// refuse keeps a value that was refused, so that it is not sent again until it changes, and fails the events that told
// it: where none of the batch did, the one that did and has not come to its end, and else the one that caused the write.
func (r *row) refuse(field string, value any, columns []string, err *RefusedError) {
	w := r.work
	refusal := ledger.Rejection{Value: value, Code: err.Code, JobID: w.open(columns)}
	blamed := w.tellers(columns)
	if len(blamed) == 0 && refusal.JobID == 0 {
		blamed = w.cause()
	}
	for _, t := range blamed {
		t.fail(err)
		refusal.JobID = t.JobID
	}
	kept := w.link(r.record) // a shared record's row has a link of its own until it is linked
	kept.Reject(field, refusal)
	r.link.Rejected = kept.Rejected
	w.log.relink(kept)
}

// blameAgain fails the events that tell a value which was refused before: the same event once more, after a worker
// died between keeping its end and River's knowing it, or another that says the same.
func (r *row) blameAgain(field string, columns []string) {
	refusal := r.link.Rejected[field]
	told := r.work.tellers(columns)
	for _, t := range r.work.tasks {
		if t.JobID != refusal.JobID && !slices.Contains(told, t) {
			continue
		}
		named := field
		if field == shownID {
			named = "Id"
		}
		t.fail(&RefusedError{Object: r.record.Object, SalesforceID: r.link.SalesforceID, Field: named, Code: refusal.Code})
	}
}

// tellers are the events that told one of the columns as it stands.
func (w *work) tellers(columns []string) (tasks []*task) {
	for _, t := range w.tasks {
		if w.counts(t) && slices.ContainsFunc(columns, t.tells) {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// open is the job of an event that told one of the columns and is to come again; 0 where there is none.
func (w *work) open(columns []string) int64 {
	for _, id := range columns {
		if c := w.item.Columns[id]; c.By != 0 {
			return c.By
		}
	}
	return 0
}

// cause is the event that a write is put down to where no event told what was written: the first that still counts.
func (w *work) cause() []*task {
	for _, t := range w.tasks {
		if w.counts(t) {
			return []*task{t}
		}
	}
	return w.tasks[:1]
}

// tells says whether the event is about the column.
func (t *task) tells(column string) bool {
	switch t.Kind {
	case Updated:
		return t.ColumnID == column
	case Created, Renamed:
		return column == nameColumn
	}
	return false
}

// counts says whether the event still has a say: it is not older than what is known, and where the item ends, it is its delete.
func (w *work) counts(t *task) bool {
	return !t.stale && t.reason == "" && (!w.deleted() || t.Kind == Deleted)
}
