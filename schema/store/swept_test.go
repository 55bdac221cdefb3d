package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/store"
)

// TestOpenFirstMeetings: a look at the newest items hides no first meeting, and settled ones do not count.
func TestOpenFirstMeetings(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const sweep = `INSERT INTO sweeps (board_id, board, kind, state) VALUES ($1, 'b', $2, 'done')`
	const found = `INSERT INTO differences (run_id, board_id, item_id, record, object, salesforce_id, field, kind, code, action, found_at)
		VALUES ((SELECT max(id) FROM sweeps WHERE board_id = 1), 1, $1, 'contact', 'Contact', '', 'Email', 'first_meeting', '', $2,
		        now() - interval '1 minute')`
	w.exec(sweep, 1, "reconcile")
	for item := range 4 {
		w.exec(found, item+1, "leave")
	}
	run := ask[int64](w, `SELECT max(id) FROM sweeps`)
	check := func(what string, want store.FirstMeetings) {
		t.Helper()
		if got := must[store.FirstMeetings](t)(w.OpenFirstMeetings(t.Context())); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	check("found", store.FirstMeetings{Count: 4, Run: run})
	w.exec(sweep, 1, "recent")
	check("after a look at the newest items", store.FirstMeetings{Count: 4, Run: run})
	w.exec(`INSERT INTO items (item_id, board_id, deleted_at) VALUES (2, 1, now())`)
	check("after an item ended", store.FirstMeetings{Count: 3, Run: run})
	w.exec(`INSERT INTO sync_logs (job_id, event, board_id, item_id, status, attempt, response_data, received_at)
		VALUES (7, 'update_column_value', 1, 3, 'success', 1, '{}', now())`)
	check("after an event wrote", store.FirstMeetings{Count: 2, Run: run})
	w.exec(`INSERT INTO sweeps (board_id, board, kind, state, options) VALUES (1, 'b', 'apply', 'done', '{"items": [4]}')`)
	w.exec(found, 4, "write")
	check("after a person chose a side", store.FirstMeetings{Count: 1, Run: run})
	w.exec(sweep, 1, "reconcile")
	check("after a comparison found none", store.FirstMeetings{})
}

// TestSweptWrites: an item's history contains what comparisons wrote, by record and direction, but not what they left.
func TestSweptWrites(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`INSERT INTO sweeps (board_id, board, kind, state) VALUES (1, 'b', 'reconcile', 'done')`)
	w.exec(`INSERT INTO differences (run_id, board_id, item_id, record, object, salesforce_id, field, kind, code, action, found_at)
		SELECT (SELECT max(id) FROM sweeps), 1, 7, 'contact', 'Contact', '', f.field, f.kind, '', f.action, now() - f.age * interval '1 minute'
		FROM (VALUES ('Phone', 'monday_changed', 'write', 1), ('FirstName', 'missing', 'write', 1), ('Email', 'first_meeting', 'leave', 1),
		             ('Title', 'salesforce_changed', 'write', 2)) AS f(field, kind, action, age)`)
	history := must[store.History](t)(w.ItemHistory(t.Context(), 7))
	for n := range history.Writes {
		history.Writes[n].At = time.Time{}
	}
	want := []store.SweptWrite{
		{Kind: "reconcile", Object: "Contact", Fields: []string{"FirstName", "Phone"}, To: "salesforce"},
		{Kind: "reconcile", Object: "Contact", Fields: []string{"Title"}, To: "monday"},
	}
	if diff := cmp.Diff(want, history.Writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}
