package report

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"crmsync/internal/advice"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// describeHistory describes what happened, newest first.
func (d *draft) describeHistory() {
	h := d.history
	d.Pending, d.Asked = len(h.Pending), asked(h.Sweeps)
	if h.Deletion != nil && h.Deletion.State == "held" {
		d.Holds = &Hold{Archive: h.Deletion.Archive, Since: h.Deletion.At.UTC()}
	}
	for _, l := range h.DeadLetters {
		if l.IsOpen() {
			d.DeadLetters = append(d.DeadLetters, letterOf(l))
		}
		d.Timeline = append(d.Timeline, letterEntries(l)...)
	}
	for _, log := range h.Logs {
		if log.Status != "failed" { // its dead letter says so
			d.Timeline = append(d.Timeline, LogEntry(log, d.names.Column))
		}
	}
	for _, w := range h.Writes {
		d.Timeline = append(d.Timeline, d.writeEntry(w))
	}
	for _, c := range d.conflicts {
		d.Timeline = append(d.Timeline, conflictEntry(c))
	}
	for _, f := range h.Failures {
		d.Timeline = append(d.Timeline, d.failureEntry(f))
	}
	for _, o := range h.Operations {
		d.Timeline = append(d.Timeline, OperationEntry(o))
	}
	if h.Deletion != nil {
		d.Timeline = append(d.Timeline, deletionEntry(*h.Deletion))
	}
	slices.SortStableFunc(d.Timeline, func(a, b Entry) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.JobID, a.JobID))
	})
}

// nameUsers says who caused the events.
func (d *draft) nameUsers(ctx context.Context) {
	var ids []int64
	for _, e := range d.Timeline {
		if e.user > 0 {
			ids = append(ids, e.user)
		}
	}
	users := d.Places.Users(ctx, ids)
	for n := range d.Timeline {
		switch e := &d.Timeline[n]; {
		case e.user < 0:
			e.By = "a form or an automation"
		case e.user != 0 && e.user == d.names.Self:
			e.By = "crmsync"
		default:
			e.By = users[e.user]
		}
	}
}

// lastChange returns when an event last changed anything, or nil if that is not known.
func (d *draft) lastChange() *time.Time {
	for _, e := range d.Timeline {
		if e.Kind == Wrote {
			return &e.At
		}
	}
	return nil
}

// effects is the part of response_data in sync_logs that a timeline shows.
type effects struct {
	Records []struct {
		Object, ID, Ended, Into  string
		Fields, Columns          []string
		Created, Linked, Deleted bool
	}
	Reason string
	Notes  []string
	By     int64

	Differing, Written int // of a comparison
}

// LogEntry returns the end of an event in words. column returns what a board's column is called.
func LogEntry(log store.LogRow, column func(board int64, id string) string) Entry {
	board, id := int64(0), ""
	if log.BoardID != nil {
		board = *log.BoardID
	}
	if log.ColumnID != nil {
		id = column(board, *log.ColumnID)
	}
	e := Entry{At: log.FinishedAt.UTC(), Kind: Quiet, Text: EventWords(log.Event, id), JobID: log.JobID}
	var did effects
	if err := json.Unmarshal([]byte(log.Response), &did); err != nil {
		return e
	}
	e.user = did.By
	switch {
	case log.Event == "sweep_board" && log.Status != "failed":
		e.Effect = fmt.Sprintf("%d differ, %d written", did.Differing, did.Written)
		return e
	case log.Event == "reconcile" && log.Status != "failed":
		return e
	}
	named := func(id string) string { return column(board, id) }
	switch log.Status {
	case "unchanged":
		e.Effect = "nothing to send"
		if id != "" || log.Event == "update_name" { // any other event may leave a field that a person has to decide
			e.Effect += ": both sides hold it already"
		}
	case "failed":
		e.Kind, e.Effect = Broken, withoutQueue(did.Reason)
		if written := did.words(named); written != "" {
			e.Effect += "; apart from that: " + written
		}
	case "skipped":
		e.Effect = "nothing to send"
		if did.Reason != "" {
			e.Effect += ": " + did.Reason
		}
	default:
		e.Kind, e.Effect = Wrote, did.words(named)
	}
	if len(did.Notes) > 0 {
		e.Effect = strings.TrimPrefix(e.Effect+"; "+strings.Join(did.Notes, "; "), "; ")
	}
	return e
}

// words says what was done to records. column returns what a column is called.
func (e effects) words(column func(id string) string) string {
	var parts []string
	for _, r := range e.Records {
		switch {
		case r.Created:
			parts = append(parts, r.Object+" created")
		case r.Deleted:
			parts = append(parts, r.Object+" deleted")
		case r.Linked:
			parts = append(parts, r.Object+" found and linked")
		case r.Ended != "":
			parts = append(parts, r.Object+" was "+r.Ended)
		case len(r.Fields) > 0:
			parts = append(parts, r.Object+" updated: "+strings.Join(r.Fields, ", "))
		case len(r.Columns) > 0:
			names := make([]string, len(r.Columns))
			for n, id := range r.Columns {
				names[n] = column(id)
			}
			parts = append(parts, all(names)+" written to Monday")
		default:
			parts = append(parts, r.Object+" linked")
		}
	}
	return strings.Join(parts, "; ")
}

// event describes an event in words.
func (d *draft) event(name, column string) string {
	return EventWords(name, d.names.Column(d.BoardID, column))
}

// EventWords describes an event in words, with the name of its column if it has one.
func EventWords(name, column string) string {
	switch name {
	case "create_pulse":
		return "Created in Monday"
	case "update_column_value":
		return cmp.Or(column, "A column") + " changed in Monday"
	case "update_name":
		return "Renamed in Monday"
	case "delete_pulse":
		return "Deleted in Monday"
	case "archive_pulse":
		return "Archived in Monday"
	case "restore_pulse":
		return "Restored in Monday"
	case "item_resync":
		return "Resync"
	case "sweep_board":
		return "Comparison"
	case "reconcile":
		return "Comparisons started"
	}
	return capital(strings.ReplaceAll(name, "_", " "))
}

func (d *draft) failureEntry(f store.FailedAttempt) Entry {
	e := Entry{At: f.At.UTC(), Kind: Attempt, Text: d.event(f.Event, f.ColumnID), Code: f.Code, JobID: f.JobID}
	e.Effect = fmt.Sprintf("attempt %d failed: %s", f.Attempt, f.Message)
	return e
}

func letterEntries(l store.ItemDeadLetter) []Entry {
	entries := []Entry{{
		At: l.EndedAt.UTC(), Kind: DeadLettered, Effect: reason(l), Code: l.Code, JobID: l.JobID,
		Text: fmt.Sprintf("Event dead-lettered after %s", plural(l.Attempts, "attempt")),
	}}
	if l.ReplayedAt != nil {
		entries = append(entries, Entry{At: l.ReplayedAt.UTC(), Kind: Cleared, Text: "Dead letter put back into the queue",
			JobID: l.JobID})
	}
	if l.ClosedAt != nil && !strings.HasPrefix(l.ClosedBy, "ignored by ") {
		entries = append(entries, Entry{At: l.ClosedAt.UTC(), Kind: Cleared, Text: "Dead letter closed",
			Effect: "by " + l.ClosedBy, JobID: l.JobID})
	}
	return entries
}

func letterOf(l store.ItemDeadLetter) DeadLetter {
	letter := DeadLetter{JobID: l.JobID, Reason: reason(l), Code: l.Code, Attempts: l.Attempts, EndedAt: l.EndedAt.UTC()}
	if entry, known := advice.Of(advice.SystemOf(l.Code), l.Code); known {
		letter.Advice = entry.Text()
	}
	return letter
}

// reason returns why an event failed for good, without the queue's own words.
func reason(l store.ItemDeadLetter) string { return withoutQueue(l.Reason) }

func withoutQueue(reason string) string { return strings.TrimPrefix(reason, "JobCancelError: ") }

// asked describes the item's requested comparisons that are not over.
func asked(pending []store.PendingSweep) (all []Asked) {
	for _, w := range pending {
		a := Asked{Does: "The item is being compared", Since: w.StartedAt.UTC(), NotBefore: w.NotBefore}
		switch {
		case w.Options.Adopt == mapping.Monday:
			a.Does = "Monday's values are being sent"
		case w.Options.Adopt == mapping.Salesforce:
			a.Does = "Salesforce's values are being taken"
		}
		all = append(all, a)
	}
	return all
}

// acts says what people do.
var acts = map[string]string{
	store.ActReplay: "replayed", store.ActIgnore: "ignored", store.ActErase: "erased the values of",
	store.ActRelease: "released the deletion of",
	store.ActDrop:    "kept the records of", store.ActApply: "compared",
	store.ActResync: "asked for a resync of",
	store.ActTake:   "took one side's value of", store.ActMigrate: "imported records to",
	store.ActRegister: "registered",
}

// OperationEntry returns an act of a person in words.
func OperationEntry(o store.Operation) Entry {
	e := Entry{At: o.At.UTC(), Kind: Person, Text: o.Actor + " " + cmp.Or(acts[o.Act], o.Act) + " " + o.Subject}
	if o.Reason != "" {
		e.Effect = "“" + o.Reason + "”"
	}
	return e
}

func deletionEntry(d store.Deletion) Entry {
	words := map[string]string{
		"done": "Records ended with the item", "held": "The delete brake holds the item's records",
		"released": "The records of the item may be deleted", "dropped": "The records of the item are kept",
	}
	if d.Archive {
		words = map[string]string{
			"done":     "The item was archived, because its record was deleted",
			"held":     "The delete brake holds the item's archiving",
			"released": "The item may be archived", "dropped": "The item is not to be archived",
		}
	}
	e := Entry{At: d.At.UTC(), Kind: Deletions, Text: words[d.State]}
	if d.DecidedAt != nil {
		e.At, e.Effect = d.DecidedAt.UTC(), "decided by "+d.DecidedBy
	}
	return e
}
