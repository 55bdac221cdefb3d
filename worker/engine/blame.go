package engine

import (
	"slices"
	"strings"

	"crmsync/schema/ledger"
	"crmsync/worker/engine/send"
)

// blame fails the events that carried one of the columns: those in this batch; else the pending one, whose job it
// returns; else the event that triggered the write.
func (w *work) blame(columns []string, err error) (job int64) {
	job = w.pending(columns)
	blamed := w.carriers(columns)
	if len(blamed) == 0 && job == 0 {
		blamed = w.trigger()
	}
	for _, t := range blamed {
		t.fail(err)
		job = t.JobID
	}
	return job
}

// blameAgain fails the events that carry a value that was rejected before: the same event again, after a worker died
// between storing its end and completing its job, or another event with the same value.
func (d planned) blameAgain(field string, columns []string) {
	link := d.work.item.Links[d.plan.Record.Name]
	if link == nil {
		return
	}
	rejection := link.Rejected[field]
	carriers := d.work.carriers(columns)
	for _, t := range d.work.tasks {
		if t.JobID == rejection.JobID || slices.Contains(carriers, t) {
			t.fail(&RejectedError{
				Object: d.plan.Record.Object, SalesforceID: link.SalesforceID, Field: publicName(field), Code: rejection.Code,
				Detail: rejection.Detail, record: link.Record,
			})
		}
	}
}

// carriers returns the events that carried one of the columns with its current value.
func (w *work) carriers(columns []string) (tasks []*task) {
	for _, t := range w.tasks {
		if w.counts(t) && slices.ContainsFunc(columns, t.carries) {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// pending returns the job of an event that carried one of the columns and will be attempted again; 0 if there is none.
func (w *work) pending(columns []string) int64 {
	for _, id := range columns {
		if c := w.item.Columns[id]; c.By != 0 {
			return c.By
		}
	}
	return 0
}

// trigger returns the event to attribute a write to if none carried the value: the first that is not stale.
func (w *work) trigger() []*task {
	for _, t := range w.tasks {
		if w.counts(t) {
			return []*task{t}
		}
	}
	return w.tasks[:1]
}

// carries reports whether the event is about the column.
func (t *task) carries(column string) bool {
	switch t.Kind {
	case Updated:
		return t.ColumnID == column
	case Created, Renamed:
		return column == ledger.NameColumn
	}
	return false
}

// counts reports whether the event still matters: it is not older than what is known, and if this batch ends the item,
// it is the delete that ends it.
func (w *work) counts(t *task) bool {
	return !t.stale && t.reason == "" && (!w.item.IsDeleted() || t.Kind == Deleted)
}

// detail describes the records that Salesforce names, or the fields it requires.
func detail(r send.Rejection) string {
	switch {
	case len(r.Records) > 0:
		return "the same as " + join(r.Records)
	case len(r.Missing) > 0:
		return "it misses " + join(r.Missing)
	}
	return ""
}

// wrote records a change of a record for the events that caused it: those that carried one of its columns and, for a
// new record, all that count.
func (w *work) wrote(change recordChange, columns []string) {
	w.log.records = append(w.log.records, change)
	whole := change.Created || change.Linked || change.Deleted
	marked := false
	for _, t := range w.tasks {
		if w.counts(t) && (whole || slices.ContainsFunc(columns, t.carries) || t.Kind == Restored || t.Kind == Resync) {
			t.wrote, marked = true, true
		}
	}
	if !marked {
		w.trigger()[0].wrote = true
	}
}

func join(texts []string) string { return strings.Join(texts, ", ") }
