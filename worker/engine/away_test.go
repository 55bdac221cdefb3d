package engine

import (
	"errors"
	"strings"
	"testing"

	mondaysim "crmsync/internal/sim/monday"
)

// TestBoardAway: if the token loses a board before an item can show its record's Id, that costs no attempt: the item
// shows it once the board is back.
func TestBoardAway(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	item := w.monday.CreateItem(people, "Ada King", nil)
	w.monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(c.Operation, "change") {
			w.monday.SetAccess(people, mondaysim.Hidden)
		}
		return nil
	})
	ev := w.event(people, item, Event{Kind: Created, Name: "Ada King"})
	_, errs := w.do(e, ev)
	if _, ok := errors.AsType[*AwayError](errs[0]); !ok || permanent(errs[0]) {
		t.Errorf("while the board is away: %v", errs[0])
	}
	w.monday.OnCall(nil)
	w.monday.SetAccess(people, mondaysim.Full)
	w.must(e, ev)
	it, _ := w.monday.Item(item)
	if id := w.contact(item)["Id"]; it.Text["text_sfid"] != id {
		t.Errorf("the item shows %q, want %v", it.Text["text_sfid"], id)
	}
	if n := ask[int](w, "SELECT count(*) FROM links WHERE refused <> '{}'"); n != 0 {
		t.Errorf("%d links keep a rejection", n)
	}
}

// TestBoardAwayBeforeRead: an item that Monday does not show is not skipped before Monday shows its board: a token that
// lost the board sees none of its items. An item that is gone from a board that Monday shows is skipped.
func TestBoardAwayBeforeRead(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	item := w.monday.CreateItem(people, "Ada King", nil)
	w.monday.SetAccess(people, mondaysim.Hidden)
	ev := w.event(people, item, Event{Kind: Created, Name: "Ada King"})
	_, errs := w.do(e, ev)
	if _, ok := errors.AsType[*AwayError](errs[0]); !ok || permanent(errs[0]) {
		t.Errorf("while the board is away: %v", errs[0])
	}
	w.monday.SetAccess(people, mondaysim.Full)
	w.must(e, ev)
	if name := w.contact(item)["LastName"]; name != "King" {
		t.Errorf("the last name is %v", name)
	}
	gone := w.event(people, item+1_000_000, Event{Kind: Created, Name: "Nobody"})
	if outcomes := w.must(e, gone); outcomes[0] != Skipped {
		t.Errorf("an item that is not on its board: %v", outcomes[0])
	}
}
