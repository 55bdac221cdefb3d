package console_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"crmsync/internal/e2e"
	"crmsync/internal/stage"
)

// TestFirstMeetingDecided: both sides had a value before they were synced both ways. The page says so, and lets a
// person decide which one counts.
func TestFirstMeetingDecided(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("ADMIN_USER", operator), e2e.With("ADMIN_PASSWORD", operatorPassword), e2e.With("BACKFILL", "off"))
	stop := w.Start("serve")
	w.Subscribe()
	create := func(name, email string) (item int64) {
		return w.Monday.CreateItem(e2e.Contacts, name, map[string]any{"email": e2e.Email(email)})
	}
	taking, giving, left := create("Ada King", "ada@example.org"), create("Grace Hopper", "grace@example.org"), create("Mary Somerville", "mary@example.org")
	w.Quiet()
	for _, item := range []int64{taking, giving, left} {
		w.Salesforce.Update("Contact", w.Record("Contact", item)["Id"].(string), map[string]any{"Email": fmt.Sprintf("%d@salesforce.example", item)})
	}
	stop()
	e2e.BothWays(w, &stage.Config{Env: w.Env})
	if code, _, stderr := w.Command("plan", "contacts"); code != 0 {
		t.Fatal(stderr)
	}
	w.Env["SALESFORCE_POLL"] = "off"
	w.Start("serve")
	w.Subscribe()
	operates := reader{w: w, user: operator, password: operatorPassword}
	for _, met := range []int64{taking, giving, left} {
		operates.open(item(met)).shows(t,
			"Email differs: both sides have a value, and a person has to decide which one counts.",
			"first meeting", "Take Monday’s values…", "Take Salesforce’s values…")
	}
	operates.post(item(taking)+"/back", "reason", "newer").shows(t, "Salesforce’s values are being taken.")
	operates.post(item(giving)+"/send").shows(t, "Monday’s values are being sent.")
	w.Quiet()
	for of, want := range map[int64]string{taking: fmt.Sprintf("%d@salesforce.example", taking), giving: "grace@example.org"} {
		w.Holds(w.Record("Contact", of), map[string]any{"Email": want})
		if got := w.Shown(of, "email"); got != want {
			t.Errorf("item %d shows %s, want %s", of, got, want)
		}
		operates.open(item(of)).shows(t, "In sync since", "anna took one side's value of item")
	}
	operates.open(item(left)).shows(t, "Email differs: both sides have a value")
	w.Healthy()
}

// TestActsDuringComparison: acts on one item do not wait for a comparison of its board, and what a person has chosen is not lost
// while another worker has the item.
func TestActsDuringComparison(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t, e2e.ByHand)
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Flush()
	id := w.Record("Lead", lead)["Id"].(string)
	// In one statement: a comparison without a job is ended.
	w.Exec(`WITH s AS (INSERT INTO sweeps (board_id, board, kind) VALUES (1003, 'leads', 'reconcile') RETURNING id)
		INSERT INTO river_job (kind, queue, state, max_attempts, scheduled_at, args)
		SELECT 'sweep_board', 'migrations', 'scheduled', 12, now() + interval '1 hour', jsonb_build_object('sweep_id', id) FROM s`)
	w.Salesforce.Update("Lead", id, map[string]any{"Company": "Elsewhere"})

	over := func() bool {
		return w.Count("SELECT count(*) FROM sweeps WHERE kind = 'apply' AND state = 'running'") == 0
	}
	operates.post(item(lead)+"/resync").shows(t, "The item is being compared again.")
	w.Eventually("the item was compared", over)
	w.Expect(1, "SELECT count(*) FROM sweeps WHERE kind = 'apply' AND state = 'done'")

	w.Exec("UPDATE items SET lease_holder = gen_random_uuid(), lease_until = now() + interval '1 hour' WHERE item_id = $1", lead)
	operates.post(item(lead)+"/send").shows(t, "Monday’s values are being sent.", "Monday's values are being sent, asked for at")
	operates.post(item(lead)+"/send").shows(t, "That is already under way.")
	w.Eventually("the comparison found the item busy", func() bool {
		return w.Count("SELECT count(*) FROM river_job WHERE kind = 'sweep_board' AND args->>'sweep_id' = (SELECT max(id)::text FROM sweeps) AND (metadata->>'snoozes')::int > 0") == 1
	})
	w.Holds(w.Salesforce.Get("Lead", id), map[string]any{"Company": "Elsewhere"})
	w.Exec("UPDATE items SET lease_holder = NULL, lease_until = NULL WHERE item_id = $1", lead)
	w.Eventually("Monday's value was sent", over)
	w.Holds(w.Salesforce.Get("Lead", id), map[string]any{"Company": "Analytical Engines"})
	operates.open(item(lead)).shows(t, "In sync since")
	w.Expect(1, "SELECT count(*) FROM sweeps WHERE kind = 'reconcile' AND state = 'running'")
}

// TestEraseForGood: an item that is erased for good on its page does not return, and the act is recorded with its
// reason.
func TestEraseForGood(t *testing.T) {
	t.Parallel()
	w, operates, views := withConsole(t)
	lead := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Quiet()
	if p := views.post(item(lead)+"/erase", "sure", "yes", "suppress", "yes"); p.status != http.StatusForbidden {
		t.Errorf("a viewer's erasure answered %d", p.status)
	}
	if p := operates.post(item(lead)+"/erase", "suppress", "yes"); p.status != http.StatusBadRequest {
		t.Errorf("erasing without being sure answered %d", p.status)
	}
	p := operates.post(item(lead)+"/erase", "sure", "yes", "suppress", "yes", "reason", "asked for by letter")
	p.shows(t, "Values erased in ", "The item is not synced again", "Not synced: it was erased for good", "“asked for by letter”")
	w.Monday.SetColumn(lead, "company", "Difference Engines")
	w.Quiet()
	if p := operates.open(item(lead)); strings.Contains(p.text(), "Ada") || strings.Contains(p.text(), "Engines") {
		t.Errorf("the page shows values of an erased item:\n%s", p.text())
	}
	if p := operates.post(item(lead) + "/resync"); p.status != http.StatusConflict {
		t.Errorf("a resync of an erased item answered %d", p.status)
	}
	if got := w.Text("SELECT actor || ' ' || act || ' ' || subject || ': ' || reason FROM operations"); got != fmt.Sprintf(
		"anna erase item %d, suppressed: asked for by letter", lead) {
		t.Errorf("operations: %s", got)
	}
}
