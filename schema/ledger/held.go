package ledger

import "time"

// Held is what Salesforce holds in a field that is written to Monday, as of the last comparison. It may differ from
// the item's value: Salesforce rounds numbers, rewrites phone numbers, and its automations change values.
type Held struct {
	Value any `json:"v"`

	// SentAt is when Salesforce answered that it has received the value, in Unix seconds by its clock; 0: the value was
	// read. An automation of the org may have replaced it in the same transaction.
	SentAt int64 `json:"sent_at,omitempty"`

	// Unsaid means that no value of the column expresses it, such as the Id of a record without an item.
	Unsaid bool `json:"unsaid,omitempty"`

	// Apart means that both sides held different values when they were first compared, and that nobody has decided yet
	// which one counts.
	Apart bool `json:"apart,omitempty"`

	// Ours means that what Salesforce held at that time was the value that we had written last: replacing it loses
	// nothing that somebody entered there.
	Ours bool `json:"ours,omitempty"`

	// Edited means that the item's value counts, and that Salesforce has not received it yet: a person has changed it
	// since both sides were found Apart, or it has won over a change in Salesforce.
	Edited bool `json:"edited,omitempty"`

	// Disputed means that a conflict contains what Salesforce holds, because the item's value is to replace it.
	Disputed bool `json:"disputed,omitempty"`
}

// Hold records what Salesforce holds in a field that is written to Monday. It ends every doubt about the field.
func (l *Link) Hold(field string, h Held) {
	delete(l.Doubts, field)
	if l.Held == nil {
		l.Held = map[string]Held{}
	}
	l.Held[field] = h
}

// Is reports whether Salesforce was sent exactly this value, or holds it.
func (h Held) Is(value any) bool {
	h.SentAt = 0
	return h == Held{Value: value}
}

// Overtake records that the record is written again: from now on, its last change says nothing about values that were
// sent before.
func (l *Link) Overtake() {
	for field, h := range l.Held {
		h.SentAt = 0
		l.Held[field] = h
	}
}

// Turns counts how often a field was written to Monday since a time.
type Turns struct {
	N     int   `json:"n"`
	Since int64 `json:"since"` // Unix seconds
}

// A field that is written to Monday MaxTurns times within turnsFor rests until that time is over: two automations keep
// overwriting each other's value.
const (
	MaxTurns = 20
	turnsFor = time.Hour
)

// Rests reports whether the field is currently not written to Monday. The second result identifies the period.
func (l *Link) Rests(field string, now time.Time) (rests bool, since int64) {
	t := l.Turns[field]
	return t.N >= MaxTurns && t.isOpen(now), t.Since
}

// Turn counts a write of the field to Monday.
func (l *Link) Turn(field string, now time.Time) {
	t := l.Turns[field]
	if !t.isOpen(now) {
		t = Turns{Since: now.Unix()}
	}
	t.N++
	if l.Turns == nil {
		l.Turns = map[string]Turns{}
	}
	l.Turns[field] = t
}

func (t Turns) isOpen(now time.Time) bool { return now.Sub(time.Unix(t.Since, 0)) < turnsFor }
