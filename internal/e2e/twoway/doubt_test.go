package twoway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/jobs"
)

// unanswered is a write that takes effect, but whose answer crmsync does not learn.
type unanswered struct {
	before func(w *e2e.World) (item int64)            // what there is; 0: no item yet
	first  func(w *e2e.World, item int64) (now int64) // the change that is written
	hits   string                                     // a text of the write, in the call to the system that receives it
	second func(w *e2e.World, item int64)             // a change on one side, which saw the first on both
	email  string                                     // what both sides hold in the end
	phone  string
	lost   int // values that are kept as conflicts, because it is not known who saw what
}

// met creates an item that both sides agree on.
func met(w *e2e.World) int64 {
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("0@example.org"), "phone": e2e.Phone("+12125550100")})
	w.Quiet()
	return item
}

// inMonday and inSalesforce change both fields, of which one is decided for Monday and one for Salesforce.
func inMonday(n string) func(w *e2e.World, item int64) {
	return func(w *e2e.World, item int64) {
		w.Monday.SetColumns([]int64{item}, map[string]any{"email": e2e.Email(n + "@example.org"), "phone": e2e.Phone("+1212555010" + n)})
	}
}

func inSalesforce(n string) func(w *e2e.World, item int64) {
	return func(w *e2e.World, item int64) {
		edit(w, "Contact", item, map[string]any{"Email": n + "@example.org", "Phone": "+1212555010" + n})
	}
}

func rung(change func(w *e2e.World, item int64)) func(w *e2e.World, item int64) (now int64) {
	return func(w *e2e.World, item int64) int64 {
		change(w, item)
		request(w, item)
		return item
	}
}

// request asks for a comparison, as the feed does, and does not wait for it.
func request(w *e2e.World, item int64) {
	w.Resync(jobs.ItemResyncArgs{BoardID: e2e.Contacts, ItemID: item})
}

// unansweredWrites are the ways in which an answer can be lost and one side edited after that.
var unansweredWrites = map[string]unanswered{
	"to Monday, edited in Salesforce":     {before: met, first: rung(inSalesforce("1")), hits: "1@example.org", second: inSalesforce("2")},
	"to Monday, edited in Monday":         {before: met, first: rung(inSalesforce("1")), hits: "1@example.org", second: inMonday("2"), lost: 2},
	"to Monday, undone in Salesforce":     {before: met, first: rung(inSalesforce("1")), hits: "1@example.org", second: inSalesforce("0"), email: "0@example.org", phone: "+12125550100"},
	"to Salesforce, edited in Monday":     {before: met, first: rung(inMonday("1")), hits: "1@example.org", second: inMonday("2")},
	"to Salesforce, edited in Salesforce": {before: met, first: rung(inMonday("1")), hits: "1@example.org", second: inSalesforce("2"), lost: 2},
	"new record, edited in Salesforce": {
		first: func(w *e2e.World, _ int64) int64 {
			return w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("1@example.org")})
		}, hits: "1@example.org", second: inSalesforce("2"),
	},
	"new record, edited in Monday": {
		first: func(w *e2e.World, _ int64) int64 {
			return w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("1@example.org")})
		}, hits: "1@example.org", second: inMonday("2"),
	},
}

// verify checks that the second change stands on both sides.
func (u unanswered) verify(w *e2e.World, item int64) {
	w.T.Helper()
	email, phone := u.email, u.phone
	if email == "" {
		email, phone = "2@example.org", "+12125550102"
	}
	shows(w, item, map[string]string{"email": email, "phone": phone})
	w.Holds(w.Record("Contact", item), map[string]any{"Email": email, "Phone": phone})
	if n := w.Count("SELECT count(*) FROM conflicts"); n > u.lost {
		w.T.Errorf("%d conflicts, want at most %d: %s", n, u.lost,
			w.Text("SELECT string_agg(concat_ws(' ', field, base, monday, salesforce, rule), '; ') FROM conflicts"))
	}
	w.Expect(0, "SELECT count(*) FROM links WHERE doubts <> '{}'")
	if n := len(w.Salesforce.Records("Contact")); n != 1 {
		w.T.Errorf("%d contacts", n)
	}
	calls := w.Calls()
	ring(w, e2e.Contacts, item)
	if after := w.Calls(); after[1] != calls[1] || after[0] > calls[0]+1 {
		w.T.Errorf("%d calls to Salesforce and %d to Monday after all is quiet", after[0]-calls[0], after[1]-calls[1])
	}
	w.Healthy()
}

// onWrite calls f for each call, with whether it writes the first change.
func (u unanswered) onWrite(w *e2e.World, f func(writes bool) *sfsim.Fault) {
	w.Monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		return f(strings.Contains(c.Query, "change_multiple_column_values"))
	})
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		return f(slices.ContainsFunc(c.Each(), func(part sfsim.Call) bool {
			return (part.Operation == "update" || part.Operation == "upsert") && strings.Contains(fmt.Sprint(part.Records), u.hits)
		}))
	})
}

// TestUnanswered: a connection is cut, and the system is unreachable after that. One side is edited meanwhile: that edit
// stands, and nobody else's is in conflict with it.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	for name, u := range unansweredWrites {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			var item int64
			if u.before != nil {
				item = u.before(w)
			}
			var cut, back atomic.Bool
			u.onWrite(w, func(writes bool) *sfsim.Fault {
				switch {
				case back.Load():
				case cut.Load():
					return &sfsim.Fault{Status: http.StatusServiceUnavailable}
				case writes:
					cut.Store(true)
					return &sfsim.Fault{After: true, Cut: true}
				}
				return nil
			})
			item = u.first(w, item)
			w.Eventually("the connection is cut", cut.Load)
			w.Eventually("the write has taken effect", func() bool { return u.arrived(w, item) })
			u.second(w, item)
			request(w, item)
			back.Store(true)
			w.Quiet()
			u.verify(w, item)
		})
	}
}

// arrived reports whether both sides hold the first change.
func (u unanswered) arrived(w *e2e.World, item int64) bool {
	it, _ := w.Monday.Item(item)
	found := w.Records("Contact", e2e.Key, item)
	return it.Text["email"] == u.hits && len(found) == 1 && found[0]["Email"] == u.hits
}

// holdCommits keeps batches from being committed until release is called.
func holdCommits(w *e2e.World) (release func()) {
	tx, err := w.DB.Begin(w.T.Context())
	if err == nil {
		_, err = tx.Exec(w.T.Context(), "SELECT FROM items FOR UPDATE")
	}
	if err != nil {
		w.T.Error(err)
	}
	return func() {
		if err := tx.Rollback(w.T.Context()); err != nil {
			w.T.Error(err)
		}
	}
}

// TestKilledBetween: the same for a worker that is killed between a write and its commit.
func TestKilledBetween(t *testing.T) {
	t.Parallel()
	program := e2e.Setup(t).Program()
	for name, u := range unansweredWrites {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Setup(t, e2e.Mapped(rules), e2e.With("SALESFORCE_POLL", "off"))
			w.Start("ingest")
			w.Subscribe()
			var item int64
			if u.before != nil {
				stop := w.Start("worker")
				item = u.before(w)
				stop()
			}
			var block sync.Once
			release := func() {}
			u.onWrite(w, func(writes bool) *sfsim.Fault {
				if writes {
					block.Do(func() { release = holdCommits(w) })
				}
				return nil
			})
			item = u.first(w, item)
			if killed, log := w.RunUntil(program, []string{"worker"}, func() bool {
				return w.Count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0 && u.arrived(w, item)
			}); !killed {
				t.Fatalf("the worker ended by itself:\n%s", log)
			}
			w.Count("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
			release()
			u.second(w, item)
			w.Exec("UPDATE items SET lease_until = now() - interval '1 second' WHERE lease_holder IS NOT NULL") // sooner than it ends
			w.Exec("UPDATE river_job SET state = 'available' WHERE state = 'running'")
			request(w, item)
			w.Start("worker")
			w.Quiet()
			u.verify(w, item)
		})
	}
}
