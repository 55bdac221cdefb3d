package console_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"crmsync/internal/e2e"
)

// bars counts the bars of each chart of the overview, in its order: events, delay and queue, each of a day and of a month.
func bars(p page) (counts, failed []int) {
	for _, svg := range regexp.MustCompile(`(?s)<figure class="chart">.*?</figure>`).FindAllString(p.body, -1) {
		counts = append(counts, strings.Count(svg, `class="main"`))
		failed = append(failed, strings.Count(svg, `class="failed"`))
	}
	return counts, failed
}

// TestOverview: each part of the first page shows its content: the charts of a day and of a month, outages, the calls
// of the day with their forecast, and the last runs.
func TestOverview(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t, e2e.ByHand)
	w.Eventually("the worker has counted the calls", func() bool { return w.Count("SELECT count(*) FROM hours WHERE salesforce_used IS NOT NULL") > 0 })
	w.Eventually("the hour does not end soon", func() bool { return time.Now().Minute() < 59 })
	// Ten events an hour for 30 days, of which one failed 5 hours ago, and two 10 days ago. The worker adds nothing to them.
	w.Exec(`LOCK TABLE hours IN EXCLUSIVE MODE; DELETE FROM hours;
		CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		INSERT INTO hours (hour, counted_to, success, unchanged, skipped, failed, lags, queued, salesforce_used, salesforce_limit, monday_used, monday_limit)
		SELECT h, h, 6, 3, 1, CASE ago WHEN 5 THEN 1 WHEN 240 THEN 2 ELSE 0 END, ARRAY[0, 0, 6], 7, 50000 - 1000 * ago, 100000,
		       least(100 * (extract(hour FROM h AT TIME ZONE 'UTC') + 1), 2500), 2600
		FROM   generate_series(0, 719) AS ago, LATERAL (SELECT date_trunc('hour', now()) - ago * interval '1 hour' AS h) AS hours;
		CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON hours FOR EACH ROW EXECUTE FUNCTION keep()`)
	// A worker that Salesforce answers ends an outage that no worker has seen for a while.
	w.Exec("INSERT INTO outages (system, code, started_at, seen_at) VALUES ('salesforce', 'SERVER_UNAVAILABLE', now() - interval '10 minutes', now() + interval '1 hour')")
	w.Exec(`INSERT INTO sweeps (board_id, board, kind, state, finished_at, items, fields, differing, written) VALUES (1003, 'leads', 'reconcile', 'done', now() + interval '75 s', 1240, 11160, 3, 1)`)
	w.Exec(`INSERT INTO sweeps (board_id, board, kind, state, finished_at, error) VALUES (1001, 'accounts', 'apply', 'failed', now(), 'Monday did not answer')`)
	p := operates.open("/")
	p.shows(t, "Salesforce is away.", "Salesforce is away since", "SERVER_UNAVAILABLE",
		"241 in 24 hours, 144 of them written, 1 failed", "of the events from arrival to Salesforce", "most in 24 hours: 7",
		"50,000 of 100,000", "50 % of the calls for 24 hours", "of 2,600", "of today’s calls (UTC)",
		"Nightly comparison", "1,240 items, 3 of 11,160 fields differed, 1 written", "75 s", "Monday did not answer")
	// An increase of 1,000 an hour over 5 hours leads to about 74,000 in 24 hours.
	if !regexp.MustCompile(`At this pace: 7[0-9],[0-9]{3} in 24 hours\.`).MatchString(p.text()) {
		t.Errorf("no forecast of Salesforce's calls:\n%s", p.text())
	}
	counts, failed := bars(p)
	for n, want := range []int{24, 30, 24, 30, 24, 30} {
		if n >= len(counts) || counts[n] != want {
			t.Fatalf("charts have %v bars", counts)
		}
	}
	if failed[0] != 1 || failed[1] != 2 {
		t.Errorf("failures are seen in %v bars", failed)
	}
	if !strings.Contains(p.body, `aria-label="Events in the last 24 hours, at most 11"`) {
		t.Error("the chart does not say what it shows")
	}
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Exec(`INSERT INTO items (item_id, board_id, name) VALUES ($1, 1003, 'Ada Lovelace')`, lead)
	w.Exec(`INSERT INTO differences (run_id, board_id, item_id, record, object, salesforce_id, field, kind, code, action)
		SELECT 1, 1003, $1::bigint, 'lead', 'Lead', '', f.field, 'monday_changed', '', f.action
		FROM   (VALUES ('Company', 'write'), ('Email', 'reject'), ('Status', 'leave'), ('FirstName', 'changed')) AS f(field, action)`, lead)
	operates.open("/runs/sweeps/1").shows(t, "Nightly comparison of leads", "Ada Lovelace", "lead.Company", "written", "rejected", "left for a person", "changed since the plan")
	operates.open("/runs/sweeps/2").shows(t, "Monday did not answer", "It ended before it found a difference.")
	// A comparison without a job is ended.
	w.Exec(`WITH running AS (UPDATE sweeps SET state = 'running', finished_at = NULL WHERE id = 2 RETURNING id)
		INSERT INTO river_job (kind, queue, state, max_attempts, scheduled_at, args)
		SELECT 'sweep_board', 'migrations', 'scheduled', 12, now() + interval '1 hour', jsonb_build_object('sweep_id', id) FROM running`)
	operates.open("/runs/sweeps/2").shows(t, "So far, both sides agree on everything.")
	const waits = "waits: the remaining calls of Salesforce are reserved for live events. It looks again at "
	w.Exec("UPDATE sweeps SET waits_for = 'the remaining calls of Salesforce are reserved for live events', waits_until = now() + interval '1 min' WHERE id = 2")
	operates.open("/runs").shows(t, waits)
	operates.open("/runs/sweeps/2").shows(t, waits)
	w.Exec("UPDATE sweeps SET waits_until = now() WHERE id = 2")
	if p := operates.open("/runs"); strings.Contains(p.text(), waits) {
		t.Errorf("a comparison that waits no longer:\n%s", p.text())
	}
	w.Exec("UPDATE outages SET ended_at = now()")
	if p := operates.open("/"); strings.Contains(p.text(), "is away") {
		t.Errorf("at %s an outage that is over is shown", time.Now())
	}
}
