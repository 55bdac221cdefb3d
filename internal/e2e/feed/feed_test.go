package feed_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// rings counts the comparisons that came to an end.
const rings = "SELECT count(*) FROM sync_logs WHERE event = 'item_resync'"

// contact creates an item with its record, and waits until both agree.
func contact(w *e2e.World, name, email string) (item int64, id string) {
	w.T.Helper()
	item = w.Monday.CreateItem(e2e.Contacts, name, map[string]any{"email": e2e.Email(email)})
	w.Quiet()
	return item, w.Record("Contact", item)["Id"].(string)
}

// following waits until the feed has read the changes once more.
func following(w *e2e.World) {
	w.T.Helper()
	n := w.Count("SELECT coalesce(max(pages), 0) FROM feeds WHERE object = 'Contact' AND tier = 'now'")
	w.Eventually("the feed has read", func() bool {
		return w.Count("SELECT coalesce(max(pages), 0) FROM feeds WHERE object = 'Contact' AND tier = 'now'") >= n+2
	})
}

// TestRings: a change in Salesforce causes a comparison, and our own writes do not.
func TestRings(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.BothWays)
	following(w)
	_, id := contact(w, "Ada Lovelace", "ada@example.org")
	following(w)
	w.Quiet()
	before := w.Count(rings)
	following(w)
	w.Expect(before, rings)
	w.Salesforce.Update("Contact", id, map[string]any{"Email": "countess@example.org"})
	w.Eventually("the item was compared", func() bool { return w.Count(rings) > before })
	w.Quiet()
	if stdout := w.Crmsync("status"); !regexp.MustCompile(`\nway back +up to date as of [0-9.]+ m?s ago\n`).MatchString(stdout) {
		t.Errorf("status does not show the feed:\n%s", stdout)
	}
	w.Healthy()
}

// TestTouch: the stamp of every record changes, and nothing else.
func TestTouch(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.BothWays)
	for _, name := range []string{"Ada Lovelace", "Grace Hopper", "Mary Jackson"} {
		contact(w, name, strings.ToLower(strings.Fields(name)[0])+"@example.org")
	}
	following(w)
	w.Quiet()
	before := w.Count(rings)
	w.Salesforce.Touch("Contact")
	following(w)
	w.Quiet()
	w.Expect(before, rings)
}

// TestOff: there is no feed if the mapping syncs nothing to Monday, nor if it is switched off.
func TestOff(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]e2e.Option{"one way": {e2e.With("SALESFORCE_POLL", "100ms")}, "off": {e2e.BothWays, e2e.With("SALESFORCE_POLL", "off")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, options...)
			contact(w, "Ada Lovelace", "ada@example.org")
			w.Expect(0, "SELECT count(*) FROM feeds")
			if n := w.Salesforce.Calls()["composite"]; n != 0 {
				t.Errorf("%d calls ask for changes", n)
			}
		})
	}
}

// TestReserve: the last calls of the day are left to live events.
func TestReserve(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.BothWays, e2e.With("SALESFORCE_RESERVE", "50%"), e2e.Salesforce(func(c *sfsim.Config) { c.DailyLimit = 40 }))
	w.Eventually("the feed waits", func() bool {
		return w.Logs[0].Contains("the remaining calls of Salesforce are reserved for live events")
	})
	contact(w, "Ada Lovelace", "ada@example.org")
	w.Healthy()
	if used := w.Salesforce.TotalCalls(); used > 30 {
		t.Errorf("%d calls of 40 are used, half of which are reserved", used)
	}
}

// TestRefused: the integration user cannot see one of the objects. People are alerted once, and the others are
// followed.
func TestRefused(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.BothWays)
	w.Eventually("the feed has begun", func() bool { return w.Count("SELECT count(*) FROM feeds") > 0 })
	_, id := contact(w, "Ada Lovelace", "ada@example.org")
	w.Salesforce.HideObject("Account", true)
	w.Message("Salesforce refuses access to changes of Account (INVALID_TYPE)")
	before := w.Count(rings)
	w.Salesforce.Update("Contact", id, map[string]any{"Email": "countess@example.org"})
	w.Eventually("the other object is followed", func() bool { return w.Count(rings) > before })
	w.Exec("UPDATE feeds SET due_at = now()")
	following(w)
	told := 0
	for _, text := range w.Telegram.Texts() {
		if strings.Contains(text, "changes of Account") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("people were alerted %d times", told)
	}
	w.Salesforce.HideObject("Account", false)
	w.Exec("UPDATE feeds SET due_at = now()")
	w.Message("Salesforce gives access to changes of Account again")
}

// TestCarries: a change in Salesforce is synced to Monday, and causes no further writes.
func TestCarries(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.BothWays)
	item, id := contact(w, "Ada Lovelace", "ada@example.org")
	following(w)
	w.Quiet()
	writes := w.Salesforce.Calls()["update"]
	w.Salesforce.Update("Contact", id, map[string]any{"Email": "countess@example.org"})
	w.Eventually("Monday shows it", func() bool { return w.Shown(item, "email") == "countess@example.org" })
	w.Quiet()
	following(w)
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "countess@example.org"})
	if n := w.Salesforce.Calls()["update"] - writes; n != 0 {
		t.Errorf("%d writes came back to Salesforce", n)
	}
	w.Expect(0, "SELECT count(*) FROM conflicts")
	w.Healthy()
}

// TestMigratedItems: imported items have been compared, so a change in Salesforce right after the import is not a
// first meeting.
func TestMigratedItems(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.BothWays)
	id := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Lovelace", "Email": "Ada@example.org"})
	w.Crmsync("migrate", "contacts")
	w.Start("serve")
	following(w)
	w.Salesforce.Update("Contact", id, map[string]any{"Email": "countess@example.org"})
	item := w.Monday.Items(e2e.Contacts)[0].ID
	w.Eventually("Monday shows it", func() bool { return w.Shown(item, "email") == "countess@example.org" })
}

// TestMetrics: each direction, a late commit and a conflict change the metrics.
func TestMetrics(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.BothWays)
	following(w)
	item, id := contact(w, "Ada Lovelace", "ada@example.org")
	has := func(pattern string) {
		t.Helper()
		line := regexp.MustCompile(`(?m)^` + pattern + `$`)
		w.Eventually("the metrics have "+pattern, func() bool { return line.MatchString(w.Scrape()) })
	}
	has(`crmsync_sync_lag_seconds_count\{direction="to_salesforce"\} [1-9]\d*`)
	has(`crmsync_sync_lag_seconds_count\{direction="to_monday"\} 0`)
	has(`crmsync_feed_lag_seconds\{object="Contact"\} [0-9.e-]+`)
	has(`crmsync_feed_late_total 0`)
	has(`crmsync_conflicts_total\{winner="monday"\} 0`)

	w.Salesforce.Update("Contact", id, map[string]any{"Email": "countess@example.org"})
	has(`crmsync_sync_lag_seconds_count\{direction="to_monday"\} 1`)
	w.Together(e2e.Contacts, func() {
		w.Salesforce.Update("Contact", id, map[string]any{"Email": "sf@example.org"})
		w.Monday.SetColumn(item, "email", e2e.Email("monday@example.org"))
	})
	has(`crmsync_conflicts_total\{winner="monday"\} 1`)
	w.Quiet()

	// A record's stamps never go back: it has to be older than the first tier looks back.
	changed := w.Salesforce.Get("Contact", id)["SystemModstamp"]
	w.Eventually("its last change is long ago", func() bool {
		return w.Count("SELECT count(*) FROM feeds WHERE object = 'Contact' AND tier = 'now' AND covered > $1::timestamptz + interval '14 seconds'", changed) == 1
	})
	contact(w, "Grace Hopper", "grace@example.org") // everything after the newest record seen is read
	following(w)
	w.Salesforce.UpdateLate("Contact", id, map[string]any{"Email": "late@example.org"}, 13*time.Second)
	following(w)
	w.Exec("UPDATE feeds SET due_at = now() WHERE tier = '5m'")
	has(`crmsync_feed_late_total 1`)
	w.Eventually("the late change is in Monday", func() bool { return w.Shown(item, "email") == "late@example.org" })
	w.Exec("UPDATE feeds SET complete_at = complete_at - interval '1 hour', due_at = now() + interval '1 hour' WHERE tier = 'now'")
	has(`crmsync_feed_lag_seconds\{object="Contact"\} 36\d\d.*`)
}
