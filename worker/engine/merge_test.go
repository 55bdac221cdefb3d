package engine

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
)

// noon is when the histories of items begin.
var noon = time.Date(2026, 9, 23, 12, 0, 0, 0, time.UTC)

// change is something that happened to an item, as Monday reports it.
type change struct {
	at   int    // milliseconds after noon
	what string // "company", "status", "name", "delete", "restore"
	to   string
	how  string // "" as usual; "untimed": without changedAt; "unsure": in a form that we do not know
	late int    // the number of changes at whose time it was delivered again; 0: the first delivery came through
}

// delivery is what a worker processes at once: changes by their number in the history, from 1, and how much of the
// history Monday shows if it is asked.
type delivery struct {
	told  []int
	shown int
}

// play merges batches one after the other, and returns the item and whether it has a record in the end.
func play(t interface{ Fatalf(string, ...any) }, history []change, known bool, batches []delivery) (item *ledger.Item, record bool) {
	item = &ledger.Item{ID: 7, BoardID: people, Known: known, Links: map[string]*ledger.Link{}}
	if known {
		item.Name, item.NameAt, record = "start", noon, true
		item.Columns = map[string]ledger.Column{
			"company": {Value: column.Value{Type: column.Text, Text: "start"}, At: noon.UnixMicro()},
			"status":  {Value: column.Value{Type: column.Status, Text: "start"}, At: noon.UnixMicro()},
		}
	}
	for _, b := range batches {
		w := &work{mapping: testMapping(), board: testBoard(), item: item, now: noon.Add(time.Hour)}
		for _, n := range b.told {
			event := history[n-1].event(history)
			w.tasks = append(w.tasks, &task{Event: &event})
		}
		for _, task := range w.tasks {
			w.merge(task)
		}
		if w.mustRead() {
			w.mergeRead(monday(history[:b.shown]), w.board.Columns)
		}
		w.settleExistence()
		if w.state == ending {
			record = false
		} else if w.isAlive() {
			record = true
		}
		text, err := json.Marshal(item)
		if err != nil {
			t.Fatalf("keeping the item: %v", err)
		}
		item = &ledger.Item{Links: map[string]*ledger.Link{}}
		if err := json.Unmarshal(text, item); err != nil {
			t.Fatalf("taking the item up again: %v", err)
		}
	}
	return item, record
}

func (c change) event(history []change) Event {
	ev := Event{BoardID: people, ItemID: 7, TriggeredAt: at(c.at), Redelivered: c.late > 0}
	if c.late > 0 {
		ev.TriggeredAt = at(history[c.late-1].at)
	}
	switch c.what {
	case "company", "status":
		ev.Kind, ev.ColumnID, ev.ColumnType = Updated, c.what, "text"
		ev.Value = json.RawMessage(fmt.Sprintf(`{"value": %q}`, c.to))
		if c.what == "status" {
			ev.ColumnType, ev.Value = "color", json.RawMessage(fmt.Sprintf(`{"label": {"text": %q}}`, c.to))
		}
		if c.how != "untimed" {
			ev.ChangedAt = float64(at(c.at).UnixMicro()) / 1e6
		}
		if c.how == "unsure" {
			ev.ColumnType = "text with smileys"
		}
	case "name":
		ev.Kind, ev.Name = Renamed, c.to
	case "delete":
		ev.Kind = Deleted
	case "restore":
		ev.Kind = Restored
	}
	return ev
}

func at(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

// monday is the item as Monday shows it after a history.
func monday(history []change) *mondayclient.Item {
	now := &mondayclient.Item{ID: 7, BoardID: people, Name: "start", State: "active", UpdatedAt: noon, Columns: map[string]column.Value{
		"company": {Type: column.Text, Text: "start"}, "status": {Type: column.Status, Text: "start"},
	}, ChangedAt: map[string]time.Time{"status": noon}}
	for _, c := range history {
		now.UpdatedAt = at(c.at).Truncate(time.Second)
		switch c.what {
		case "company":
			now.Columns["company"] = column.Value{Type: column.Text, Text: c.to}
		case "status":
			now.Columns["status"] = column.Value{Type: column.Status, Text: c.to}
			now.ChangedAt["status"] = at(c.at)
		case "name":
			now.Name = c.to
		case "delete":
			now.State = "deleted"
		case "restore":
			now.State = "active"
		}
	}
	return now
}

// end is the expected result in any order: the newest of everything.
type end struct {
	Name, Company, Status string
	Deleted, Record       bool
}

func truth(history []change) end {
	now := monday(history)
	if now.State != "active" {
		return end{Deleted: true}
	}
	return end{Name: now.Name, Company: now.Columns["company"].Text, Status: now.Columns["status"].Text, Record: true}
}

func result(item *ledger.Item, record bool) end {
	if !item.DeletedAt.IsZero() {
		return end{Deleted: true, Record: record}
	}
	return end{item.Name, item.Columns["company"].Text, item.Columns["status"].Text, false, record}
}

// TestMergeOrders has orders that are easy to get wrong.
func TestMergeOrders(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		history []change
		known   bool
		batches []delivery
	}{
		"in order": {
			history: []change{{at: 5, what: "company", to: "a"}, {at: 9, what: "company", to: "b"}},
			known:   true, batches: []delivery{{[]int{1}, 1}, {[]int{2}, 2}},
		},
		"update before create": {
			history: []change{{at: 5, what: "name", to: "n"}, {at: 9, what: "status", to: "b"}},
			batches: []delivery{{[]int{2}, 2}, {[]int{1}, 2}},
		},
		"a value is read, in the second of a reported one": {
			history: []change{{at: 200, what: "company", to: "a"}, {at: 700, what: "company", to: "b", how: "unsure"}},
			known:   true, batches: []delivery{{[]int{1}, 1}, {[]int{2}, 2}},
		},
		"a value is read, before an older one of its second is reported": {
			history: []change{{at: 200, what: "company", to: "a"}, {at: 700, what: "company", to: "b", how: "unsure"}},
			known:   true, batches: []delivery{{[]int{2}, 2}, {[]int{1}, 2}},
		},
		"a name is delivered again, in the second of another": {
			history: []change{{at: 200, what: "name", to: "a"}, {at: 700, what: "name", to: "b", late: 2}},
			known:   true, batches: []delivery{{[]int{1}, 1}, {[]int{2}, 2}},
		},
		"a name is delivered again, before the one in between": {
			history: []change{{at: 200, what: "name", to: "a"}, {at: 1700, what: "name", to: "start", late: 2}},
			known:   true, batches: []delivery{{[]int{2}, 2}, {[]int{1}, 2}},
		},
		"a restore is delivered again, with the delete after it": {
			history: []change{{at: 1, what: "delete"}, {at: 2, what: "restore", late: 3}, {at: 3000, what: "delete"}},
			known:   true, batches: []delivery{{[]int{1}, 1}, {[]int{3, 2}, 3}},
		},
		"a restore is delivered again, before the delete after it": {
			history: []change{{at: 1, what: "delete"}, {at: 2, what: "restore", late: 4}, {at: 3000, what: "delete"}, {at: 4000, what: "restore"}, {at: 5000, what: "delete"}},
			known:   true, batches: []delivery{{[]int{1}, 1}, {[]int{2}, 5}, {[]int{3}, 5}, {[]int{5, 4}, 5}},
		},
		"a delete is delivered again, before the restore that it followed": {
			history: []change{{at: 1, what: "delete"}, {at: 2, what: "restore"}, {at: 3000, what: "delete", late: 3}},
			known:   true, batches: []delivery{{[]int{3}, 3}, {[]int{2}, 3}, {[]int{1}, 3}},
		},
		"a value from before a restore, reported after it": {
			history: []change{{at: 1, what: "company", to: "a"}, {at: 2, what: "delete"}, {at: 3, what: "restore"}, {at: 4, what: "company", to: "b"}},
			batches: []delivery{{[]int{4}, 4}, {[]int{2, 3, 1}, 4}},
		},
		"a value from before a delete, reported after it and uncertain": {
			history: []change{{at: 100, what: "company", to: "a"}, {at: 200, what: "company", to: "b", how: "unsure"}, {at: 300, what: "delete"}, {at: 400, what: "restore"}},
			known:   true, batches: []delivery{{[]int{1}, 1}, {[]int{3}, 3}, {[]int{2}, 3}, {[]int{4}, 4}},
		},
		"a value from after a restore, reported before it": {
			history: []change{{at: 1, what: "delete"}, {at: 2, what: "restore"}, {at: 3, what: "company", to: "a"}, {at: 4, what: "company", to: "b"}},
			batches: []delivery{{[]int{1}, 1}, {[]int{4, 2, 3}, 4}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(truth(tt.history), result(play(t, tt.history, tt.known, tt.batches))); diff != "" {
				t.Errorf("item (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMergeAnyOrder processes events in any order and number, in batches of any size, with Monday shown at any time
// after them. The result is what Monday shows.
func TestMergeAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t)
		var numbers []int
		for n := range history {
			numbers = append(numbers, n+1)
		}
		doubled := rapid.SliceOfN(rapid.SampledFrom(numbers), 0, 4).Draw(t, "doubled")
		order := rapid.Permutation(append(numbers, doubled...)).Draw(t, "order")
		var batches []delivery
		shown := 0
		for len(order) > 0 {
			b := delivery{told: order[:rapid.IntRange(1, len(order)).Draw(t, "batch")]}
			order = order[len(b.told):]
			for _, n := range b.told {
				shown = max(shown, n, history[n-1].late)
			}
			shown = rapid.IntRange(shown, len(history)).Draw(t, "shown")
			b.shown = shown
			batches = append(batches, b)
		}
		item, record := play(t, history, rapid.Bool().Draw(t, "known"), batches)
		want := truth(history)
		if diff := cmp.Diff(want, result(item, record)); diff != "" {
			t.Fatalf("item (-want +got):\n%s\nhistory %+v\nbatches %+v", diff, history, batches)
		}
	})
}

func drawHistory(t *rapid.T) (history []change) {
	n := rapid.IntRange(1, 8).Draw(t, "changes")
	ms, gone := 0, false
	for range n {
		ms += rapid.SampledFrom([]int{1, 300, 1000, 2500}).Draw(t, "gap")
		c := change{at: ms, to: rapid.SampledFrom([]string{"", "start", "a", "b"}).Draw(t, "to")}
		c.what = rapid.SampledFrom([]string{"company", "status", "name", "company", "delete"}).Draw(t, "what")
		if gone {
			c.what = "restore"
		}
		gone = c.what == "delete"
		if c.what == "company" || c.what == "status" {
			c.how = rapid.SampledFrom([]string{"", "", "untimed", "unsure"}).Draw(t, "how")
		}
		history = append(history, c)
	}
	for n := range history {
		if rapid.IntRange(0, 3).Draw(t, "late") == 3 {
			history[n].late = rapid.IntRange(n+1, len(history)).Draw(t, "until")
		}
	}
	return history
}
