package plan_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestApplyAlone: without a worker, apply also deletes the records of items that were deleted in Monday, below the
// brake, and holds the others.
func TestApplyAlone(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown))
	items := w.Items(e2e.Contacts, 7, "Ada")
	apply(w)
	w.Exec("UPDATE items SET seen_at = seen_at - interval '1 hour'")
	for _, item := range items[:2] {
		w.Monday.DeleteItem(item)
	}
	apply(w, "contacts")
	if got := len(w.Salesforce.Records("Contact")); got != 5 {
		t.Errorf("%d contacts, want 5: two items were deleted", got)
	}
	w.Expect(0, "SELECT count(*) FROM river_job WHERE state <> 'completed'")
	w.Expect(2, "SELECT count(*) FROM sync_logs WHERE event = 'delete_pulse' AND status = 'success'")
	run(w, 0, "plan", "--check")

	for _, item := range items[2:] {
		w.Monday.DeleteItem(item)
	}
	apply(w, "contacts") // the brake allows two deletions
	if got := len(w.Salesforce.Records("Contact")); got != 5 {
		t.Errorf("%d contacts, want 5: the brake holds their deletion", got)
	}
	held, _ := run(w, 0, "held", "list")
	says(t, "held", held, "5")
	apply(w, "contacts", "--accept-deletes")
	if got := len(w.Salesforce.Records("Contact")); got != 0 {
		t.Errorf("%d contacts, want none: their deletion was accepted", got)
	}
}

// TestApplyAfterLostCreate: an item whose first batch got no answer, so that only its links are known, is deleted in
// Monday, and no event reports it. Its record is deleted all the same.
func TestApplyAfterLostCreate(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown))
	item := w.Items(e2e.Contacts, 1, "Ada")[0]
	apply(w)
	w.Exec("UPDATE items SET seen_at = seen_at - interval '1 hour', known = false, columns = '{}'")
	w.Exec(`UPDATE links SET salesforce_id = NULL, written = '{"Monday_Item_Id__c": {"unsure": true}}'`)
	w.Monday.DeleteItem(item)
	apply(w, "contacts")
	if got := len(w.Salesforce.Records("Contact")); got != 0 {
		t.Errorf("%d contacts, want none", got)
	}
	run(w, 0, "plan", "--check")
}

// TestApplyUnfinished: what apply queued for single items and could not finish is reported with exit code 1, whether it
// waits for a worker or has failed.
func TestApplyUnfinished(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options []e2e.Option
		says    string
		state   string // of the job
	}{
		"waits":  {[]e2e.Option{e2e.With("RETRY_BASE", "1h"), e2e.With("RETRY_MAX", "1h")}, "1 item is still to be synced or deleted, and waits for a worker", "retryable"},
		"failed": {[]e2e.Option{e2e.With("MAX_ATTEMPTS", "1")}, "1 item could not be synced or deleted: crmsync errors has the reasons", "discarded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Setup(t, append(tt.options, e2e.Mapped(shown))...)
			items := w.Items(e2e.Contacts, 3, "Ada")
			apply(w)
			w.Exec("UPDATE items SET seen_at = seen_at - interval '1 hour'")
			w.Monday.DeleteItem(items[0])
			w.Failing(sfsim.Fault{Status: 500}, func(c sfsim.Call) bool { return c.Has("delete", "") })
			_, errs := run(w, 1, "apply", "contacts", "--yes")
			says(t, "apply", errs, tt.says)
			w.Expect(1, "SELECT count(*) FROM river_job WHERE kind = 'item_delete' AND state = $1", tt.state)
			w.Expect(1, "SELECT count(*) FROM sweeps WHERE id = (SELECT max(id) FROM sweeps) AND state = 'done'")
			if n := len(w.Salesforce.Records("Contact")); n != 3 {
				t.Errorf("%d contacts, want 3", n)
			}
		})
	}
}

// TestPlanFirst: the first command against an empty database may be a plan.
func TestPlanFirst(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", nil)
	w.Exec("DROP SCHEMA public CASCADE")
	w.Exec("CREATE SCHEMA public")
	w.Env["SCHEMA_UP"] = "off"
	_, errs := run(w, 1, "plan", "--check")
	says(t, "plan", errs, "crmsync schema up")
	w.Env["SCHEMA_UP"] = "on"
	plan, _ := run(w, 3, "plan", "--check")
	says(t, "plan", plan, fmt.Sprint(item))
	w.None("Contact")
}

// TestSeveralItems: a number after the first item of --item is not taken for a board without a hint.
func TestSeveralItems(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown))
	for _, command := range []string{"plan", "apply"} {
		_, errs := run(w, 2, command, "--item", "1", "2")
		says(t, command, errs, `no board "2"`, "--item 1,2")
	}
	if _, errs := run(w, 2, "plan", "people"); strings.Contains(errs, "--item") {
		t.Errorf("the error about a name mentions items:\n%s", errs)
	}
}

// TestApplyWaits: if only the reserve of a system's calls is left, apply says that it waits and until when, whatever the
// log level is. So does status, until that time is over.
func TestApplyWaits(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(shown), e2e.With("SALESFORCE_RESERVE", "95%"), e2e.With("LOG_LEVEL", "error"),
		e2e.Salesforce(func(c *sfsim.Config) { c.DailyLimit = 40 }))
	w.Items(e2e.Contacts, 600, "Ada") // more than a page
	ctx, stop := context.WithCancel(t.Context())
	var out e2e.LogBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, []string{"apply", "--yes"}, func(name string) string { return w.Env[name] }, &out, &out)
	}()
	w.Eventually("apply waits", func() bool { return len(ended) > 0 || out.Contains(" waits: ") })
	stop()
	<-ended
	const reason = "the remaining calls of Salesforce are reserved for live events"
	says(t, "apply", out.String(), "board contacts (1002) waits: "+reason+". It looks again at ")
	status, _ := run(w, 0, "status")
	says(t, "status", status, "Comparison of contacts waits: "+reason+". It looks again at ")
	var listed struct {
		Waiting []struct{ Kind, Board, Reason, Until string }
	}
	text, _ := run(w, 0, "status", "--json")
	if err := json.Unmarshal([]byte(text), &listed); err != nil || len(listed.Waiting) != 1 {
		t.Fatalf("%v in %s", err, text)
	}
	until, err := time.Parse(time.RFC3339, listed.Waiting[0].Until)
	if got := listed.Waiting[0]; got.Kind != "apply" || got.Board != "contacts" || got.Reason != reason || err != nil || !until.After(time.Now()) {
		t.Errorf("status --json: %+v", got)
	}
	w.Exec("UPDATE sweeps SET waits_until = now()")
	if status, _ := run(w, 0, "status"); strings.Contains(status, reason) {
		t.Errorf("status of a comparison that waits no longer:\n%s", status)
	}
}
