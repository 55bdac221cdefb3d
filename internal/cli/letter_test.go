package cli

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// refused makes a world with a dead letter: the address of its one lead is not taken until allow is called.
func refused(t *testing.T, options ...option) (w *world, lead, job int64, allow func()) {
	t.Helper()
	w = serving(t, options...)
	refusing := make(chan struct{})
	w.salesforce.Refuse("Lead", "Email", func(v any) string {
		select {
		case <-refusing:
			return ""
		default:
		}
		if v == nil {
			return ""
		}
		return refusal
	})
	lead = w.lead("Ada Lovelace", "Analytical Engines")
	w.quiet()
	w.monday.SetColumn(lead, "email", email("ada@example.org"))
	w.quiet()
	return w, lead, w.letter(), func() { close(refusing) }
}

// TestReplay: a dead letter is listed, put back by id, and succeeds once its cause is gone, though Salesforce's refusal
// was remembered.
func TestReplay(t *testing.T) {
	t.Parallel()
	w, lead, job, allow := refused(t)
	code, list, _ := w.command("replay")
	for _, want := range []string{fmt.Sprint(job), "update_column_value", "1003", fmt.Sprint(lead), "Lead.Email", refusal} {
		if code != exitDone || !strings.Contains(list, want) {
			t.Errorf("the list (exit code %d) has no %s:\n%s", code, want, list)
		}
	}
	if strings.Contains(list, "example.org") {
		t.Errorf("the list tells values:\n%s", list)
	}

	code, _, stderr := w.command("replay", "4711", fmt.Sprint(job))
	if code != exitFailed || !strings.HasSuffix(stderr, ": 4711\n") {
		t.Errorf("an id that is none: exit code %d, %q", code, stderr)
	}
	w.quiet() // the cause is still there
	w.eventually("the second end is alerted too", func() bool { return mentions(w.telegram.texts(), job) == 2 })

	allow()
	if code, stdout, stderr := w.command("replay", fmt.Sprint(job)); code != exitDone || !strings.Contains(stdout, "1 ") {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	w.quiet()
	w.holds(w.record("Lead", lead), map[string]any{"Email": "ada@example.org"})
	w.expect(1, "SELECT count(*) FROM sync_logs WHERE job_id = $1 AND status = 'success'", job)
	w.expect(1, "SELECT count(*) FROM dead_letters WHERE replayed_at IS NOT NULL")
	if code, list, _ := w.command("replay"); code != exitDone || strings.Contains(list, fmt.Sprint(job)) {
		t.Errorf("still listed (exit code %d):\n%s", code, list)
	}
	if code, _, _ := w.command("replay", fmt.Sprint(job)); code != exitFailed {
		t.Errorf("replayed twice: exit code %d, want 1", code)
	}
}

func TestReplayAll(t *testing.T) {
	t.Parallel()
	w, lead, job, allow := refused(t)
	w.deliver("not JSON")
	w.quiet()
	allow()
	if code, stdout, stderr := w.command("replay", "--all"); code != exitDone || !strings.Contains(stdout, "2 ") {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	w.quiet()
	w.holds(w.record("Lead", lead), map[string]any{"Email": "ada@example.org"})
	w.expect(1, "SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL AND kind = 'unreadable'")
	w.expect(1, "SELECT count(*) FROM dead_letters WHERE replayed_at IS NOT NULL AND job_id = $1", job)
	if code, _, stderr := w.command("replay", "--all", "7"); code != exitUsage {
		t.Errorf("--all with an id: exit code %d, %q", code, stderr)
	}
	w.exec("UPDATE dead_letters SET replayed_at = now()")
	if code, stdout, _ := w.command("replay"); code != exitDone || !strings.Contains(stdout, "no dead letters") {
		t.Errorf("nothing to list: exit code %d, %q", code, stdout)
	}
}

// TestReplayOfPruned: the queue forgets its jobs; a dead letter does not.
func TestReplayOfPruned(t *testing.T) {
	t.Parallel()
	w, lead, job, allow := refused(t)
	w.alerted()
	w.exec("DELETE FROM river_job WHERE id = $1", job)
	allow()
	if code, _, stderr := w.command("replay", fmt.Sprint(job)); code != exitDone {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	w.quiet()
	w.holds(w.record("Lead", lead), map[string]any{"Email": "ada@example.org"})
}

// killed leaves jobs as River's rescuer does when their worker was killed on the last attempt.
const killed = `
	UPDATE river_job SET state = 'discarded', attempt = max_attempts, attempted_at = now(), finalized_at = now(),
	       errors = ARRAY[jsonb_build_object('at', now(), 'attempt', max_attempts, 'error', 'Stuck job rescued by Rescuer', 'trace', '')]`

// TestKilledOnTheLastAttempt: River tells nobody of a job that it gives up by itself.
func TestKilledOnTheLastAttempt(t *testing.T) {
	t.Parallel()
	w := setup(t, with("MAX_ATTEMPTS", "3"))
	w.start("ingest")
	w.subscribe()
	item := w.monday.CreateItem(accounts, "Engines", nil)
	w.eventually("the event is queued", func() bool { return w.monday.Pending() == 0 })
	w.exec(killed)
	w.start("worker")
	w.quiet()
	job := w.letter()
	w.expect(1, "SELECT count(*) FROM dead_letters WHERE attempts = 3 AND kind = 'item_create' AND reason LIKE '%rescued%'")
	w.expect(1, "SELECT count(*) FROM sync_logs WHERE job_id = $1 AND status = 'failed' AND event = 'create_pulse' AND board_id = 1001 AND item_id = $2", job, item)
	w.told(fmt.Sprint("job ", job), "board 1001", fmt.Sprint("item ", item), "3 attempts")
	w.alerted()
	w.once()
	w.none("Account")
	if code, _, _ := w.command("replay", "--all"); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	w.quiet()
	w.record("Account", item)
}

// TestAlertsAreGrouped: many dead letters at once are few messages, and two workers do not both tell of them.
func TestAlertsAreGrouped(t *testing.T) {
	t.Parallel()
	w := setup(t, slacking)
	w.start("ingest")
	w.subscribe()
	for n := range 30 {
		w.monday.CreateItem(accounts, fmt.Sprint("Account ", n), nil)
	}
	w.eventually("all is queued", func() bool { return w.monday.Pending() == 0 })
	w.exec(killed)
	w.start("worker")
	w.start("worker")
	w.quiet()
	w.alerted()
	w.once()
	for name, messages := range map[string][]string{"telegram": w.telegram.texts(), "slack": w.slack.texts()} {
		if len(messages) > 4 {
			t.Errorf("%d messages to %s of 30 dead letters, want few", len(messages), name)
		}
		for _, message := range messages {
			if len(message) > 4096 {
				t.Errorf("a message of %d characters: %s takes 4096", len(message), name)
			}
		}
		for job := int64(1); job <= 30; job++ {
			if n := mentions(messages, job); n != 1 {
				t.Errorf("job %d stands in %d messages to %s, want 1", job, n, name)
			}
		}
	}
}

// TestTelegramThrottles: an alert that Telegram puts off comes later, and once; the other messenger hears of it at once,
// and once too.
func TestTelegramThrottles(t *testing.T) {
	t.Parallel()
	w := setup(t, slacking)
	w.telegram.refuseNext(2)
	w.start("serve")
	w.deliver("not JSON")
	w.eventually("the other messenger has it", func() bool { return len(w.slack.texts()) == 1 })
	if len(w.telegram.texts()) != 0 {
		t.Error("Telegram was not asked first, or took it")
	}
	w.subscribe()
	item := w.monday.CreateItem(accounts, "Engines", nil) // alerting holds up no event
	w.eventually("the event is done", func() bool { return len(w.records("Account", key, item)) == 1 })
	w.quiet()
	w.alerted()
	w.once()
	if left := w.telegram.refusals(); left != 0 {
		t.Errorf("%d refusals left: Telegram was not asked again", left)
	}
	if n := len(w.slack.texts()); n != 1 {
		t.Errorf("%d messages to Slack, want 1", n)
	}
}

// TestNoMessenger: without a messenger the log tells.
func TestNoMessenger(t *testing.T) {
	t.Parallel()
	w := setup(t, with("TELEGRAM_BOT_TOKEN", ""), with("TELEGRAM_CHAT_ID", ""))
	w.start("serve")
	w.deliver("not JSON")
	w.quiet()
	w.alerted()
	if !w.logs[0].contains(`"msg":"alert"`) {
		t.Error("the log tells nothing of it")
	}
}

// mentions is in how many messages a job stands as given up.
func mentions(messages []string, job int64) (n int) {
	stands := regexp.MustCompile(fmt.Sprintf(`\bjob %d:`, job))
	for _, message := range messages {
		if stands.MatchString(message) {
			n++
		}
	}
	return n
}
