package reject_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
)

// rejected returns a world with a dead letter: the address of its only lead is rejected until allow is called.
func rejected(t *testing.T, options ...e2e.Option) (w *e2e.World, lead, job int64, allow func()) {
	t.Helper()
	w = e2e.Serving(t, options...)
	refusing := make(chan struct{})
	w.Salesforce.Reject("Lead", "Email", func(v any) string {
		select {
		case <-refusing:
			return ""
		default:
		}
		if v == nil {
			return ""
		}
		return e2e.Rejection
	})
	lead = w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	w.Monday.SetColumn(lead, "email", e2e.Email("ada@example.org"))
	w.Quiet()
	return w, lead, w.DeadLetter(), func() { close(refusing) }
}

// TestReplay: a dead letter is listed, replayed by id, and succeeds once its cause is gone, although Salesforce's
// rejection was remembered.
func TestReplay(t *testing.T) {
	t.Parallel()
	w, lead, job, allow := rejected(t)
	w.Alerted()
	code, list, _ := w.Command("replay")
	for _, want := range []string{fmt.Sprint(job), "update_column_value", "1003", fmt.Sprint(lead), "Lead.Email", e2e.Rejection} {
		if code != cli.ExitDone || !strings.Contains(list, want) {
			t.Errorf("the list (exit code %d) has no %s:\n%s", code, want, list)
		}
	}
	if strings.Contains(list, "example.org") {
		t.Errorf("the list contains values:\n%s", list)
	}

	code, _, stderr := w.Command("replay", "4711", fmt.Sprint(job))
	if code != cli.ExitFailed || !strings.HasSuffix(stderr, ": 4711\n") {
		t.Errorf("a malformed id: exit code %d, %q", code, stderr)
	}
	w.Quiet() // the cause is still there
	w.Eventually("the second end is alerted too", func() bool { return mentions(w.Telegram.Texts(), job) == 2 })

	allow()
	if code, stdout, stderr := w.Command("replay", fmt.Sprint(job)); code != cli.ExitDone || !strings.Contains(stdout, "1 ") {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"Email": "ada@example.org"})
	w.Expect(1, "SELECT count(*) FROM sync_logs WHERE job_id = $1 AND status = 'success'", job)
	w.Expect(1, "SELECT count(*) FROM dead_letters WHERE replayed_at IS NOT NULL")
	if code, list, _ := w.Command("replay"); code != cli.ExitDone || strings.Contains(list, fmt.Sprint(job)) {
		t.Errorf("still listed (exit code %d):\n%s", code, list)
	}
	if code, _, _ := w.Command("replay", fmt.Sprint(job)); code != cli.ExitFailed {
		t.Errorf("replayed twice: exit code %d, want 1", code)
	}
}

func TestReplayAll(t *testing.T) {
	t.Parallel()
	w, lead, job, allow := rejected(t)
	w.Deliver("not JSON")
	w.Quiet()
	allow()
	if code, stdout, stderr := w.Command("replay", "--all"); code != cli.ExitDone || !strings.Contains(stdout, "2 ") {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"Email": "ada@example.org"})
	w.Expect(1, "SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL AND kind = 'unreadable'")
	w.Expect(1, "SELECT count(*) FROM dead_letters WHERE replayed_at IS NOT NULL AND job_id = $1", job)
	if code, _, stderr := w.Command("replay", "--all", "7"); code != cli.ExitUsage {
		t.Errorf("--all with an id: exit code %d, %q", code, stderr)
	}
	w.Exec("UPDATE dead_letters SET replayed_at = now()")
	if code, stdout, _ := w.Command("replay"); code != cli.ExitDone || !strings.Contains(stdout, "no dead letters") {
		t.Errorf("nothing to list: exit code %d, %q", code, stdout)
	}
}

// TestReplayOfPruned: a dead letter outlives its pruned job.
func TestReplayOfPruned(t *testing.T) {
	t.Parallel()
	w, lead, job, allow := rejected(t)
	w.Alerted()
	w.Exec("DELETE FROM river_job WHERE id = $1", job)
	allow()
	if code, _, stderr := w.Command("replay", fmt.Sprint(job)); code != cli.ExitDone {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	w.Quiet()
	w.Holds(w.Record("Lead", lead), map[string]any{"Email": "ada@example.org"})
}

// killed puts jobs into the state in which River's rescuer leaves them if their worker was killed on the last attempt.
const killed = `
	UPDATE river_job SET state = 'discarded', attempt = max_attempts, attempted_at = now(), finalized_at = now(),
	       errors = ARRAY[jsonb_build_object('at', now(), 'attempt', max_attempts, 'error', 'Stuck job rescued by Rescuer', 'trace', '')]`

// TestKilledOnTheLastAttempt: River discards a job on its own without a notification.
func TestKilledOnTheLastAttempt(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("MAX_ATTEMPTS", "3"))
	w.Start("ingest")
	w.Subscribe()
	item := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Eventually("the event is queued", func() bool { return w.Monday.Pending() == 0 })
	w.Exec(killed)
	w.Start("worker")
	w.Quiet()
	job := w.DeadLetter()
	w.Expect(1, "SELECT count(*) FROM dead_letters WHERE attempts = 3 AND kind = 'item_create' AND reason LIKE '%rescued%'")
	w.Expect(1, "SELECT count(*) FROM sync_logs WHERE job_id = $1 AND status = 'failed' AND event = 'create_pulse' AND board_id = 1001 AND item_id = $2", job, item)
	w.Message(fmt.Sprint("job ", job), "board 1001", fmt.Sprint("item ", item), "3 attempts")
	w.Alerted()
	once(w)
	w.None("Account")
	if code, _, _ := w.Command("replay", "--all"); code != cli.ExitDone {
		t.Errorf("exit code %d", code)
	}
	w.Quiet()
	w.Record("Account", item)
}

// TestAlertsAreGrouped: many dead letters of one cause are one message, which lists 15 of them and counts the others,
// and only one of two workers sends it.
func TestAlertsAreGrouped(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Slacking, e2e.With("PUBLIC_URL", "https://sync.example.org"))
	w.Start("ingest")
	w.Subscribe()
	w.Items(e2e.Accounts, 30, "Account ")
	w.Eventually("all is queued", func() bool { return w.Monday.Pending() == 0 })
	w.Exec(killed)
	w.Start("worker")
	w.Start("worker")
	w.Quiet()
	w.Alerted()
	for name, messages := range map[string][]string{"telegram": w.Telegram.Texts(), "slack": w.Slack.Texts()} {
		if len(messages) != 1 || !strings.Contains(messages[0], "\n• and 15 more\n") || !strings.Contains(messages[0], "\nhttps://sync.example.org/errors/") {
			t.Fatalf("messages to %s: %q", name, messages)
		}
		for job := int64(1); job <= 30; job++ {
			if n := mentions(messages, job); n != btoi(job <= 15) {
				t.Errorf("job %d is in %d messages to %s", job, n, name)
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestAlertsByCause: the first dead letter of a cause is alerted at once, further ones wait for the pause. When the
// cause is over, the remaining ones are alerted, and the end.
func TestAlertsByCause(t *testing.T) {
	t.Parallel()
	w, first, job, allow := rejected(t, e2e.With("ALERT_PAUSES", "1h"))
	w.Alerted()
	second := w.Lead("Charles Babbage", "Analytical Engines")
	w.Quiet()
	w.Monday.SetColumn(second, "email", e2e.Email("charles@example.org"))
	w.Quiet()
	w.Deliver("not JSON") // another cause does not wait
	w.Message("UNREADABLE")
	w.Eventually("only one has not been alerted", func() bool {
		return w.Count("SELECT count(*) FROM dead_letters WHERE alerted_at IS NULL") == 1
	})
	if told := w.Telegram.Texts(); len(told) != 2 || mentions(told, job) != 1 {
		t.Errorf("messages %q", told)
	}
	allow()
	for _, item := range []int64{first, second} {
		w.Monday.SetColumn(item, "email", e2e.Email(fmt.Sprint("new", item, "@example.org")))
	}
	w.Quiet()
	w.Message("Over: Lead.Email: "+e2e.Rejection, "2 events succeeded")
	w.Alerted()
	once(w)
}

// TestTelegramThrottles: an alert that Telegram throttles arrives later, and once; the other messenger gets it
// immediately, and once, too.
func TestTelegramThrottles(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Slacking)
	w.Telegram.RefuseNext(2)
	w.Start("serve")
	w.Deliver("not JSON")
	w.Eventually("the other messenger has it", func() bool { return len(w.Slack.Texts()) == 1 })
	if len(w.Telegram.Texts()) != 0 {
		t.Error("Telegram was not called first, or accepted the message")
	}
	w.Subscribe()
	item := w.Monday.CreateItem(e2e.Accounts, "Engines", nil) // alerting holds up no event
	w.Eventually("the event is done", func() bool { return len(w.Records("Account", e2e.Key, item)) == 1 })
	w.Quiet()
	w.Alerted()
	once(w)
	if left := w.Telegram.Refusals(); left != 0 {
		t.Errorf("%d refusals left: Telegram was not called again", left)
	}
	if n := len(w.Slack.Texts()); n != 1 {
		t.Errorf("%d messages to Slack, want 1", n)
	}
}

// TestNoMessenger: without a messenger, alerts are logged.
func TestNoMessenger(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("TELEGRAM_BOT_TOKEN", ""), e2e.With("TELEGRAM_CHAT_ID", ""))
	w.Start("serve")
	w.Deliver("not JSON")
	w.Quiet()
	w.Alerted()
	if !w.Logs[0].Contains(`"msg":"alert"`) {
		t.Error("the log does not contain the alert")
	}
}

// mentions returns how many messages report a job as a dead letter.
func mentions(messages []string, job int64) (n int) {
	stands := regexp.MustCompile(fmt.Sprintf(`\bjob %d:`, job))
	for _, message := range messages {
		if stands.MatchString(message) {
			n++
		}
	}
	return n
}

// TestClosedByLaterEvent: a rejected value is corrected in Monday and synced. Then its dead letter is closed.
func TestClosedByLaterEvent(t *testing.T) {
	t.Parallel()
	w, lead, job, allow := rejected(t)
	w.Alerted()
	w.Monday.SetColumn(lead, "company", "Babbage & Co") // another column does not close it
	w.Quiet()
	w.Expect(0, "SELECT count(*) FROM dead_letters WHERE closed_at IS NOT NULL")
	status := w.Crmsync("status")
	if !strings.Contains(status, "1 item with a rejected value") {
		t.Errorf("status says\n%s", status)
	}
	allow()
	w.Monday.SetColumn(lead, "email", e2e.Email("countess@example.org"))
	w.Quiet()
	w.Eventually("the dead letter is closed", func() bool {
		return w.Count("SELECT count(*) FROM dead_letters WHERE job_id = $1 AND closed_at IS NOT NULL", job) == 1
	})
	by := w.Text("SELECT closed_by FROM dead_letters")
	w.Expect(1, "SELECT count(*) FROM sync_logs WHERE 'job ' || job_id = $1 AND column_id = 'email' AND status = 'success'", by)
	if code, list, _ := w.Command("replay"); code != cli.ExitDone || !strings.Contains(list, "no dead letters") {
		t.Errorf("still listed (exit code %d):\n%s", code, list)
	}
	if !strings.Contains(w.Scrape(), "\ncrmsync_dead_letters 0\n") {
		t.Error("the metric still counts it")
	}
}

// TestIgnore: a dead letter that needs no action is closed by hand, and not alerted again.
func TestIgnore(t *testing.T) {
	t.Parallel()
	w, _, job, _ := rejected(t)
	w.Alerted()
	if code, stdout, stderr := w.Command("ignore", fmt.Sprint(job)); code != cli.ExitDone || stdout != "1 dead letter ignored.\n" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	w.Expect(1, "SELECT count(*) FROM dead_letters WHERE closed_at IS NOT NULL AND closed_by LIKE 'ignored by _%'")
	if code, _, stderr := w.Command("ignore", fmt.Sprint(job), "4711"); code != cli.ExitFailed || !strings.Contains(stderr, fmt.Sprintf("not open dead letters: %d, 4711", job)) {
		t.Errorf("ignored twice: exit code %d, %q", code, stderr)
	}
	if _, list, _ := w.Command("replay"); !strings.Contains(list, "no dead letters") {
		t.Errorf("still listed:\n%s", list)
	}
}
