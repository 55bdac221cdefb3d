package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"crmsync/internal/advice"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
)

// conclude describes the state of the item in one sentence, beginning with what most needs a person.
func (d *draft) conclude() {
	for _, conclusion := range []func() (State, string){d.suppressed, d.outside, d.ended, d.held, d.rejectedRecord,
		d.differing, d.deadLetters, d.coming, d.wanting, d.lacking, d.unknown} {
		if s, text := conclusion(); text != "" {
			d.State, d.Sentence, d.Advice = s, text, d.advise(s)
			return
		}
	}
	d.State, d.Sentence, d.Since = Agreed, "In sync", d.lastChange()
	if !d.compare {
		d.State, d.Sentence, d.Since = Unknown, "As far as known without asking both systems, it is in sync", nil
	}
}

// advise says what a person can do about an item in a state.
func (d *draft) advise(s State) string {
	switch s {
	case Rejected:
		return d.adviseRejected()
	case FirstMeeting:
		return "Nothing is written until a person decides: take Monday's values, or " + d.otherWay()
	case Drift:
		return "A resync leaves it as it is. Take Monday's values to overwrite it, or enter Salesforce's value in Monday."
	case Conflict:
		return "A resync decides by the field's rule. The value that loses can be restored."
	case Unshown:
		return "Both sides keep their values until one of them is edited."
	case Differs:
		if text := d.adviseGone(); text != "" {
			return text
		}
		if d.Writes() > 0 && d.Mapping.Reconcile != "" {
			return "A resync writes it now, the nightly comparison later."
		}
	}
	return ""
}

// otherWay says how a first meeting ends with Salesforce's values: a field that only goes to Salesforce is not written
// to Monday.
func (d *draft) otherWay() string {
	for _, rec := range d.Records {
		for _, f := range rec.Fields {
			if f.State == FirstMeeting && f.Direction == string(mapping.ToSalesforce) {
				return "enter Salesforce's in Monday."
			}
		}
	}
	return "Salesforce's."
}

// adviseGone says what happens to an item whose record was deleted in Salesforce.
func (d *draft) adviseGone() string {
	for _, rec := range d.Records {
		if d.differs(rec.Name, "", plan.Gone) == nil {
			continue
		}
		switch d.board.Named(rec.Name).OnRecordDelete {
		case mapping.Archive:
			return "A resync asks Salesforce, and archives the item if the record was deleted."
		case mapping.Keep:
			return "A resync asks Salesforce. If the record was deleted, the item goes on without it."
		default:
			return "A resync does not create it again. The next change of the item in Monday does."
		}
	}
	return ""
}

// adviseRejected returns the advice on the first rejection, unless a dead letter contains it.
func (d *draft) adviseRejected() string {
	if len(d.DeadLetters) > 0 {
		return ""
	}
	for _, rec := range d.Records {
		codes := []string{rec.Code}
		for _, f := range rec.Fields {
			if f.State == Rejected {
				codes = append(codes, f.Code)
			}
		}
		for _, code := range codes {
			if entry, known := advice.Of(advice.SystemOf(code), code); known && code != "" {
				return entry.Do
			}
		}
	}
	return ""
}

// suppressed concludes about items that were erased for good.
func (d *draft) suppressed() (State, string) {
	if !d.isSuppressed() {
		return "", ""
	}
	return Suppressed, "Not synced: it was erased for good, and crmsync leaves it alone"
}

// held concludes about active items whose archiving the delete brake holds.
func (d *draft) held() (State, string) {
	if d.Holds == nil || !d.Holds.Archive {
		return "", ""
	}
	return Held, "Its record was deleted in Salesforce; the delete brake holds the item's archiving until a person decides"
}

// outside concludes about items that are not to be synced.
func (d *draft) outside() (State, string) {
	switch {
	case d.board == nil && d.BoardID != 0:
		return NoRecord, fmt.Sprintf("Not synced: the mapping has no board %d", d.BoardID)
	case d.item == nil:
		return Differs, "Not synced yet: no event of this item has arrived, and no comparison has seen it"
	}
	return "", ""
}

// ended concludes about items that were deleted or archived.
func (d *draft) ended() (State, string) {
	if !d.isEnded() {
		return "", ""
	}
	what := "Deleted in Monday"
	if d.live != nil && d.live.State == "archived" {
		what = "Archived in Monday"
	} else if d.live == nil && !d.item.IsDeleted() {
		what = "Monday does not show it: it was deleted, or the token may not see its board"
	}
	var kept []string
	for _, rec := range d.Records {
		if rec.SalesforceID != "" {
			kept = append(kept, rec.Object)
		}
	}
	switch {
	case d.Holds != nil:
		return Held, what + "; the delete brake holds its records until a person decides"
	case len(kept) > 0:
		return Ended, what + "; " + all(slices.Compact(kept)) + " kept in Salesforce"
	}
	return Ended, what
}

// rejectedRecord concludes about records that Salesforce rejects as a whole.
func (d *draft) rejectedRecord() (State, string) {
	for _, rec := range d.Records {
		if rec.State == Rejected && rec.Code != "" {
			why := "rejected as a whole"
			if own := ownWords(rec.Code); own != "" {
				why = own
			}
			return Rejected, fmt.Sprintf("%s is not in Salesforce as it should be: %s, %s", rec.Object, why, rec.Code)
		}
	}
	return "", ""
}

// differing concludes about fields that differ, by the most urgent state among them.
func (d *draft) differing() (State, string) {
	var fields []Field
	for _, rec := range d.Records {
		fields = append(fields, rec.Fields...)
	}
	s := worst(fields)
	if s == Agreed || s == OneWay || s == OnItsWay || s == Unknown || s == Waits {
		return "", ""
	}
	var names []string
	var first Field
	for _, f := range fields {
		if f.State == s && !slices.Contains(names, f.Name) {
			first.Name = cmp.Or(first.Name, f.Name)
			if first.Name == f.Name {
				first = f
			}
			names = append(names, f.Name)
		}
	}
	subject, differ := all(names), "differ"
	if len(names) > 3 {
		subject = plural(len(names), "field")
	}
	if len(names) == 1 {
		differ = "differs"
	}
	return s, subject + " " + differ + ": " + because(s, first, d.hasNoRecords(), len(names) > 1)
}

// because returns why fields differ. f is the first of them.
func because(s State, f Field, noRecords, several bool) string {
	it, was, value, is := "it", "it was", "value", "is"
	if several {
		it, was, value, is = "them", "they were", "values", "are"
	}
	switch s {
	case Rejected:
		if f.Code == "" {
			return "the " + value + " cannot be sent"
		}
		if own := ownWords(f.Code); own != "" {
			return own + ", " + f.Code
		}
		return rejecter(f.Code) + " rejected " + it + times(f.Times) + ", " + f.Code
	case Unshown:
		return "Monday cannot show Salesforce's " + value
	case Conflict:
		return "both sides have changed " + it + " since they last agreed"
	case FirstMeeting:
		return "both sides have a value, and a person has to decide which one counts"
	case Drift:
		return was + " changed in Salesforce, and Monday has not changed since"
	}
	if noRecords {
		return "the record is not in Salesforce yet"
	}
	if f.Takes {
		return "Salesforce's " + value + " " + is + " not in Monday yet"
	}
	return "Monday's " + value + " " + is + " not in Salesforce, and no event is under way"
}

// ownWords says what one of our own codes means, as the second half of a sentence; "" if it is another system's.
func ownWords(code string) string {
	entry, known := advice.Of(advice.Own, code)
	if !known || advice.SystemOf(code) != advice.Own || entry.Means == "" {
		return ""
	}
	return lowered(entry.Means)
}

// Unadopted says why a person's choice does not end a first meeting, and what to do; "" if the code says something
// else.
func Unadopted(code string) string {
	switch code {
	case plan.OnlyToSalesforce, plan.OnlyToMonday, plan.NoWayBack:
		entry, _ := advice.Of(advice.Own, code)
		return entry.Text()
	}
	return ""
}

// rejecter returns the system whose code it is.
func rejecter(code string) string {
	if advice.SystemOf(code) == advice.Monday {
		return "Monday"
	}
	return "Salesforce"
}

func (d *draft) hasNoRecords() bool {
	return !slices.ContainsFunc(d.Records, func(r Record) bool { return r.SalesforceID != "" })
}

// deadLetters concludes about events that failed for reasons that no field shows.
func (d *draft) deadLetters() (State, string) {
	if len(d.DeadLetters) == 0 {
		return "", ""
	}
	l := d.DeadLetters[0]
	what := "One of its events failed for good"
	if len(d.DeadLetters) > 1 {
		what = fmt.Sprintf("%d of its events failed for good", len(d.DeadLetters))
	}
	return Failed, what + ": " + cmp.Or(l.Code, l.Reason)
}

// coming concludes about what is on its way.
func (d *draft) coming() (State, string) {
	if n := len(d.history.Pending); n > 0 {
		for _, job := range d.history.Pending {
			if job.State == "retryable" {
				return OnItsWay, fmt.Sprintf("On its way: %s, after %s that failed", plural(n, "event"),
					plural(job.Attempt, "attempt"))
			}
		}
		return OnItsWay, "On its way: " + plural(n, "event")
	}
	if len(d.Asked) > 0 {
		return OnItsWay, "On its way: " + lowered(d.Asked[0].Does)
	}
	if len(d.history.Waits) > 0 {
		w := d.history.Waits[0]
		return Waits, fmt.Sprintf("Waits for the record %s of item %d, which does not exist yet", w.Record, w.ItemID)
	}
	return "", ""
}

// wanting concludes about items that have no record.
func (d *draft) wanting() (State, string) {
	if !d.hasNoRecords() {
		return "", ""
	}
	for _, rec := range d.Records {
		if rec.State == NoRecord || rec.State == Ended {
			return rec.State, "Not in Salesforce: " + lowered(rec.Note)
		}
	}
	return Differs, "Not in Salesforce yet, and no event is under way"
}

// lacking concludes about items that have some of their records, but not one that they should have.
func (d *draft) lacking() (State, string) {
	for _, rec := range d.Records {
		if rec.State == Differs {
			return Differs, rec.Object + " differs: " + lowered(rec.Note)
		}
	}
	return "", ""
}

// unknown concludes about items with a field that could not be compared.
func (d *draft) unknown() (State, string) {
	var names []string
	for _, rec := range d.Records {
		for _, f := range rec.Fields {
			if f.State == Unknown && !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	if len(names) == 0 {
		return "", ""
	}
	what := all(names)
	if len(names) > 3 {
		what = plural(len(names), "field")
	}
	if d.compare {
		return Unknown, "Not known: Salesforce does not show " + what
	}
	away := "Monday"
	if d.asked {
		away = "Salesforce"
	}
	return Unknown, "Not known while " + away + " cannot be read: " + what + " may differ"
}

// lowered turns a note into the second half of a sentence.
func lowered(note string) string {
	if condition, found := strings.CutPrefix(note, "Not created yet: "); found {
		return strings.TrimSuffix(condition, ".") // it begins with a column's title
	}
	note = strings.TrimSuffix(note, ".")
	word, _, _ := strings.Cut(note, " ")
	if word = strings.TrimSuffix(word, "'s"); word == "" || word == "Monday" || word == "Salesforce" {
		return note
	}
	return strings.ToLower(note[:1]) + note[1:]
}
