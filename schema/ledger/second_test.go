package ledger_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
)

// second is an item that is edited several times within few seconds, and what is known of it.
type second struct {
	id      string // the column, or the name
	item    ledger.Item
	shows   column.Value // what Monday shows now
	changed time.Time    // in Monday, the last time
	now     time.Time
}

// tell merges an event, and reads the item if that does not determine the value.
func (s *second) tell(c ledger.Column) {
	var merged ledger.Merge
	if s.id == ledger.NameColumn {
		merged = s.item.MergeName(c.Text, time.UnixMicro(c.At).UTC(), true, s.now)
	} else {
		merged = s.item.MergeColumn(s.id, c, true, s.now)
	}
	if merged == ledger.Doubtful {
		s.read(c.At)
	}
}

// read reads the item because of an event of that time; 0: for another reason.
func (s *second) read(at int64) {
	floor := ledger.Floor{}
	if known := s.item.KnownAt(s.id); s.changed.Unix() >= known/1e6 {
		floor.Raise(s.id, known)
	}
	floor.Raise(s.id, at)
	r := ledger.Reading{BoardID: 1, UpdatedAt: s.changed.Truncate(time.Second), Columns: map[string]column.Value{}}
	var asked []string
	if s.id == ledger.NameColumn {
		r.Name = s.shows.Text
	} else {
		r.Columns[s.id], asked = s.shows, []string{s.id}
	}
	s.item.MergeReading(r, asked, floor, s.now)
}

// TestOneSecond: an item is edited several times within one second or two, and read at any time. Monday's times of an
// item have whole seconds, and its events are late and in any order. What was read last, when nobody edits the item any
// more, is not replaced by an older value.
func TestOneSecond(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		s := &second{id: rapid.SampledFrom([]string{"text", ledger.NameColumn}).Draw(t, "column"), now: start.Add(time.Minute)}
		s.item, s.changed = ledger.Item{ID: 7, BoardID: 1, Known: true}, start.Add(-time.Second)
		s.read(0)
		var events []ledger.Column
		for at := start; len(events) < 4 && at.Before(start.Add(2*time.Second)); {
			at = at.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "tenths"))*100*time.Millisecond + time.Millisecond)
			v := column.Value{Text: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "value")}
			if v.Equal(s.shows) {
				continue
			}
			s.shows, s.changed = v, at
			events = append(events, ledger.Column{Value: v, At: at.UnixMicro()})
			switch rapid.IntRange(0, 2).Draw(t, "then") {
			case 0:
				s.tell(rapid.SampledFrom(events).Draw(t, "event"))
			case 1:
				s.read(0)
			}
		}
		s.read(0)
		if len(events) == 0 {
			return
		}
		for _, e := range rapid.SliceOfN(rapid.SampledFrom(events), 1, 8).Draw(t, "events") {
			s.tell(e)
			if got := s.item.Value(s.id); got.Text != s.shows.Text {
				t.Fatalf("the event %q at %d replaces what was read: %q, want %q", e.Text, e.At, got.Text, s.shows.Text)
			}
		}
	})
}
