package ledger

import (
	"maps"
	"slices"

	"crmsync/mondayclient/column"
)

// Doubt is what a field may hold on either side because of writes whose outcome is not known: the answer was lost, or
// the worker died before it stored the answer. A side that shows such a value was not edited by a person.
type Doubt struct {
	Sent  []Sending `json:"sent,omitempty"`  // what Salesforce may hold
	Shown []Showing `json:"shown,omitempty"` // what the field's column may show
}

// Sending is a value that Salesforce may hold.
type Sending struct {
	Value any `json:"value"`
	Over  any `json:"over,omitempty"` // what it held before

	// New means that the value was sent with a new record: if that exists, it once held it.
	New bool `json:"new,omitempty"`
}

// Showing is a value that a column may show, and what Salesforce held when it was written. Both sides agree on it if
// the write took effect.
type Showing struct {
	Value column.Value `json:"value"`
	Holds any          `json:"holds"`
	Over  column.Value `json:"over"` // what the column showed before
	At    int64        `json:"at"`   // Monday's time of that, in Unix microseconds
}

// JoinDoubts returns all doubts of both. What a pass has found out ends a doubt only once it is committed.
func JoinDoubts(a, b map[string]Doubt) map[string]Doubt {
	all := map[string]Doubt{}
	maps.Copy(all, a)
	for field, d := range b {
		was := all[field]
		all[field] = Doubt{
			Sent: last(joined(was.Sent, d.Sent, func(a, b Sending) bool { return a == b })),
			Shown: last(joined(was.Shown, d.Shown, func(a, b Showing) bool {
				return a.Value.Equal(b.Value) && a.Holds == b.Holds
			})),
		}
	}
	return all
}

// joined returns a, and what b has besides.
func joined[T any](a, b []T, same func(a, b T) bool) []T {
	all := slices.Clone(a)
	for _, x := range b {
		all = slices.DeleteFunc(all, func(y T) bool { return same(x, y) })
		all = append(all, x)
	}
	return all
}

// Values returns what the column may show.
func (d Doubt) Values() (values []column.Value) {
	for _, s := range d.Shown {
		values = append(values, s.Value)
	}
	return values
}

// keptDoubts is how many writes without an answer are kept for a field and side.
const keptDoubts = 8

// WillSend records that a value is about to be sent to Salesforce.
func (l *Link) WillSend(field string, s Sending) {
	d := l.Doubts[field]
	d.Sent = last(append(slices.Clone(d.Sent), s))
	l.doubtful(field, d)
}

// WillShow records that a value is about to be written to the field's column.
func (l *Link) WillShow(field string, s Showing) {
	d := l.Doubts[field]
	d.Shown = last(append(slices.Clone(d.Shown), s))
	l.doubtful(field, d)
}

// NotSent records that the last value of WillSend was not written.
func (l *Link) NotSent(field string) {
	d := l.Doubts[field]
	d.Sent = d.Sent[:max(0, len(d.Sent)-1)]
	l.doubtful(field, d)
}

// NotShown records that the last value of WillShow was not written.
func (l *Link) NotShown(field string) {
	d := l.Doubts[field]
	d.Shown = d.Shown[:max(0, len(d.Shown)-1)]
	l.doubtful(field, d)
}

// KnowSent ends the doubt about what Salesforce holds.
func (l *Link) KnowSent(field string) {
	d := l.Doubts[field]
	d.Sent = nil
	l.doubtful(field, d)
}

// KnowShown ends the doubt about what the field's column shows.
func (l *Link) KnowShown(field string) {
	d := l.Doubts[field]
	d.Shown = nil
	l.doubtful(field, d)
}

func (l *Link) doubtful(field string, d Doubt) {
	if len(d.Sent) == 0 && len(d.Shown) == 0 {
		delete(l.Doubts, field)
		return
	}
	if l.Doubts == nil {
		l.Doubts = map[string]Doubt{}
	}
	l.Doubts[field] = d
}

// FindOlder records that the item's record existed before the item: no create has made it.
func (l *Link) FindOlder() {
	for field, d := range l.Doubts {
		d.Sent = slices.Clone(d.Sent)
		for n := range d.Sent {
			d.Sent[n].New = false
		}
		l.Doubts[field] = d
	}
}

func last[T any](all []T) []T { return all[max(0, len(all)-keptDoubts):] }
