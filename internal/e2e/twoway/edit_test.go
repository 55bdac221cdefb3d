package twoway_test

import (
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// oneWay is the mapping before both ways were switched on.
var oneWay = strings.NewReplacer("sync: both\n", "sync: to_salesforce\n", ", wins: salesforce", "",
	"          Name: { from: name, sync: to_monday }\n", "").Replace(rules)

// switched is a world that has synced one way, and is about to be started with the rules for both. Monday's events wait
// until they are sent by hand.
func switched(t *testing.T, before string, people func(w *e2e.World, item int64)) (w *e2e.World, item int64) {
	t.Helper()
	w = e2e.Setup(t, e2e.ByHand, e2e.Mapped(before), e2e.With("SALESFORCE_POLL", "off"))
	stop := w.Start("serve")
	w.Subscribe()
	item = w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org"), "phone": e2e.Phone("+12125550100")})
	w.Flush()
	w.Quiet()
	people(w, item)
	w.Flush()
	w.Quiet()
	stop()
	w.Mail.Take()
	w.Env["MAPPING"] = w.File("both.yaml", rules)
	command(w, 0, "plan")
	return w, item
}

// backfill waits until the items were compared by the new mapping.
func backfill(w *e2e.World) {
	w.T.Helper()
	w.Start("serve")
	w.Eventually("the backfills have ended", func() bool {
		return w.Count("SELECT count(*) FROM sweeps WHERE kind = 'backfill' AND state = 'done'") == 2
	})
	w.Quiet()
}

// TestEditBeforeEvent: a person edits an item, and the backfill after the switch reads it before the event arrives. The
// edit is still synced, and is not a conflict, because Salesforce holds what was sent last.
func TestEditBeforeEvent(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"changed": "new@example.org", "emptied": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, item := switched(t, oneWay, func(*e2e.World, int64) {})
			w.Monday.SetColumn(item, "email", e2e.Email(value))
			backfill(w)
			w.Flush()
			w.Quiet()
			shows(w, item, map[string]string{"email": value, "name": "Ada King"})
			want := any(value)
			if value == "" {
				want = nil
			}
			w.Holds(w.Record("Contact", item), map[string]any{"Email": want})
			w.Expect(0, "SELECT count(*) FROM conflicts")
			command(w, 0, "plan", "--check")
			w.Healthy()
		})
	}
}

// TestEditOfFirstMeeting: the same for a field that was not mapped before and differs. The comparison reports a first
// meeting, and the event decides it, even if it is older than what the comparison has read.
func TestEditOfFirstMeeting(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]bool{"newer": false, "older than what was read": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, item := switched(t, strings.ReplaceAll(oneWay, "          Phone: { from: phone, as: phone }\n", ""), func(w *e2e.World, item int64) {
				edit(w, "Contact", item, map[string]any{"Phone": "+12125550199"})
			})
			w.Monday.SetColumn(item, "phone", e2e.Phone("+12125550111"))
			if later {
				w.Exec("UPDATE items SET name_at = now() + interval '2 seconds', columns = columns || jsonb_build_object('phone', " +
					"jsonb_build_object('t', 'phone', 's', '+12125550111', 'c', 'US', 'at', (extract(epoch FROM now()) * 1e6)::bigint + 2000000))")
			}
			backfill(w)
			w.Expect(1, "SELECT count(*) FROM differences WHERE field = 'Phone' AND kind = 'first_meeting' AND action = 'leave'")
			w.Flush()
			w.Quiet()
			for range 2 {
				w.Holds(w.Record("Contact", item), map[string]any{"Phone": "+12125550111"})
				shows(w, item, map[string]string{"phone": "+12125550111"})
				w.Expect(1, `SELECT count(*) FROM conflicts WHERE field = 'Phone' AND rule = 'event' AND salesforce = '"+12125550199"'`)
				ring(w, e2e.Contacts, item)
			}
			w.Expect(1, "SELECT count(*) FROM conflicts")
			command(w, 0, "plan", "--check")
			w.Healthy()
		})
	}
}

// TestLastNameOfTwoWords: a last name of two words is divided differently in an item's name. That is not a difference,
// and no value is replaced.
func TestLastNameOfTwoWords(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("v@example.org")})
	w.Quiet()
	edit(w, "Contact", item, map[string]any{"FirstName": "Vincent", "LastName": "van Gogh"})
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"name": "Vincent van Gogh"})
	adopted := w.Salesforce.Insert("Contact", map[string]any{"FirstName": "Theo", "LastName": "van Gogh", "Email": "t@example.org"})
	brother := w.Monday.CreateItem(e2e.Contacts, "Theo van Gogh", map[string]any{"email": e2e.Email("t@example.org")})
	w.Quiet()
	for range 2 {
		command(w, 0, "plan", "--check")
		command(w, 0, "apply", "--yes", "--enforce")
		w.Quiet()
		ring(w, e2e.Contacts, item, brother)
		w.Holds(w.Record("Contact", item), map[string]any{"FirstName": "Vincent", "LastName": "van Gogh"})
		w.Holds(w.Salesforce.Get("Contact", adopted), map[string]any{"FirstName": "Theo", "LastName": "van Gogh"})
	}
	w.Monday.Rename(item, "Vincent Willem van Gogh")
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"FirstName": "Vincent Willem van", "LastName": "Gogh"})
	command(w, 0, "plan", "--check")
	w.Healthy()
}
