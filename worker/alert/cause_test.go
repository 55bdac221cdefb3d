package alert

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/store"
)

// tooLong is the code of most rejections.
const tooLong = "STRING_TOO_LONG"

// reject discards n jobs whose value Salesforce rejected.
func (w *world) reject(n int, code string) {
	w.t.Helper()
	w.dead(n)
	w.exec(`INSERT INTO error_logs (job_id, attempt, event, system, object, field, class, code, message)
		SELECT id, 12, 'update_name', 'salesforce', 'Lead', 'City', 'permanent', $1, 'm' FROM river_job j
		WHERE NOT EXISTS (SELECT FROM error_logs e WHERE e.job_id = j.id)`, code)
}

// later lets time pass for what was delivered.
func (w *world) later(span time.Duration) {
	w.t.Helper()
	w.exec("UPDATE alert_deliveries SET delivered_at = delivered_at - $1::interval", span)
	w.exec("UPDATE causes SET opened_at = opened_at - $1::interval", span)
}

// TestCauses: the first dead letter of a cause is alerted at once, further ones together after growing pauses, and the
// end once. Another cause does not wait for it.
func TestCauses(t *testing.T) {
	t.Parallel()
	w, telegram, a := oneChannel(t, time.Minute, 10*time.Minute, time.Hour)
	a.PublicURL = "https://sync.example.org"
	alerted := func(want ...int) {
		t.Helper()
		w.round(a)
		w.round(a)
		if diff := cmp.Diff(want, jobsIn(telegram.take())); diff != "" {
			t.Errorf("alerted jobs (-want +got):\n%s", diff)
		}
	}
	w.reject(1, tooLong)
	w.round(a)
	id := store.CauseKey{System: "salesforce", Code: tooLong, Object: "Lead", Field: "City"}.ID()
	telegram.expect(t, "crmsync could not process an event (Lead.City: STRING_TOO_LONG).\n"+
		"The value is longer than the field. Correct the value in Monday, or the field's rule in Salesforce.\n"+
		"• job 1: update_name, board 1001, item 7, Lead, STRING_TOO_LONG, 12 attempts\n"+
		"Replay with: crmsync replay 1\nhttps://sync.example.org/errors/"+id)
	w.reject(2, tooLong)
	alerted()
	w.reject(1, "DUPLICATE_VALUE")
	alerted(4)
	w.later(time.Minute)
	alerted(2, 3)
	w.reject(1, tooLong)
	w.later(9 * time.Minute)
	alerted()
	w.later(time.Minute)
	alerted(5)
	for range 2 { // the last pause stays
		w.reject(1, tooLong)
		w.later(59 * time.Minute)
		alerted()
		w.later(time.Minute)
		w.round(a)
		if texts := telegram.take(); len(texts) != 1 || !strings.HasPrefix(texts[0], "crmsync could not process 1 more event (") ||
			!strings.Contains(texts[0], "crmsync replay --cause "+id) {
			t.Errorf("a further message: %q", texts)
		}
	}

	w.exec("UPDATE dead_letters SET replayed_at = now()")
	w.exec("UPDATE dead_letters SET replayed_at = NULL, closed_at = now(), closed_by = 'ignored by root' WHERE job_id = 2")
	alerted() // the jobs are under way
	w.exec("UPDATE sync_logs SET status = 'success'")
	w.round(a)
	w.round(a)
	texts := telegram.take()
	slices.Sort(texts)
	want := []string{
		"Over: Lead.City: DUPLICATE_VALUE. 1 event succeeded.",
		"Over: Lead.City: STRING_TOO_LONG. 5 events succeeded. 1 event was ignored.",
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("at the end (-want +got):\n%s", diff)
	}
	w.reject(1, tooLong) // the cause is back: alerted at once
	alerted(8)
	w.allAlerted()
}

// TestCauseOfMany: a message lists 15 dead letters and counts the others; all of them count as alerted.
func TestCauseOfMany(t *testing.T) {
	t.Parallel()
	w, telegram, a := oneChannel(t)
	w.reject(1_000, tooLong)
	w.round(a)
	w.round(a)
	texts := telegram.take()
	if len(texts) != 1 || !strings.HasPrefix(texts[0], "crmsync could not process 1,000 events (") || !strings.Contains(texts[0], "\n• and 985 more\n") {
		t.Errorf("messages %q", texts)
	}
	if diff := cmp.Diff(upTo(15), jobsIn(texts)); diff != "" {
		t.Errorf("jobs that are listed (-want +got):\n%s", diff)
	}
	w.allAlerted()
}

// TestCauseEndsEarly: when a cause ends, its remaining dead letters are alerted before its end.
func TestCauseEndsEarly(t *testing.T) {
	t.Parallel()
	w, telegram, a := oneChannel(t, time.Hour)
	w.reject(1, tooLong)
	w.round(a)
	w.reject(1, tooLong)
	w.round(a)
	w.exec("UPDATE dead_letters SET closed_at = now(), closed_by = 'job 99'")
	telegram.take()
	w.round(a)
	if texts := telegram.take(); len(texts) != 2 || !cmp.Equal(jobsIn(texts[:1]), []int{2}) || texts[1] != "Over: Lead.City: STRING_TOO_LONG. 2 events succeeded." {
		t.Errorf("messages %q", texts)
	}
}

// pager is an inbox that wakes people.
type pager struct{ *inbox }

func (pager) Wakes() bool { return true }

// TestPager: a channel that wakes people receives what requires action, and nothing that is over.
func TestPager(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mail := pager{&inbox{name: "pagerduty"}}
	a := w.alerter(mail)
	w.exec("INSERT INTO alert_channels (channel, since) VALUES ('pagerduty', now() - interval '30 days')")
	if err := w.StartOutage(t.Context(), "salesforce", "503"); err != nil {
		t.Fatal(err)
	}
	w.reject(1, tooLong)
	w.round(a)
	if texts := mail.take(); len(texts) != 2 {
		t.Errorf("messages %q, want 2", texts)
	}
	w.exec("UPDATE outages SET ended_at = now()")
	w.exec("UPDATE dead_letters SET closed_at = now(), closed_by = 'job 9'")
	w.round(a)
	w.round(a)
	mail.expect(t) // what is over wakes nobody
}

// TestDigest: once a week each channel receives a digest, from its second Monday on.
func TestDigest(t *testing.T) {
	t.Parallel()
	w := setup(t)
	telegram, slack := &inbox{name: "telegram"}, &inbox{name: "slack"}
	now := time.Date(2026, 11, 23, 7, 59, 0, 0, time.UTC) // a Monday
	at := func(channels ...Channel) {
		t.Helper()
		a := w.alerter(channels...)
		a.Now, a.PublicURL = func() time.Time { return now }, "https://sync.example.org"
		w.round(a)
		w.round(a)
	}
	w.exec(`INSERT INTO sync_logs (job_id, event, status, attempt, received_at, finished_at)
		SELECT 100000 + n, 'update_name', CASE WHEN n > 12304 THEN 'skipped' ELSE 'success' END, 1, now(), '2026-11-20 12:00:00Z' FROM generate_series(1, 12400) n`)
	w.exec("INSERT INTO sync_logs (job_id, event, status, attempt, received_at, finished_at) VALUES (1, 'update_name', 'success', 1, now(), '2026-11-10 12:00:00Z')")
	w.exec("INSERT INTO alert_channels (channel, since) VALUES ('telegram', '2026-11-10 12:00:00Z'), ('slack', '2026-11-23 08:00:01Z')")
	at(telegram, slack)
	telegram.take() // the week before
	now = now.Add(2 * time.Minute)
	at(telegram, slack)
	telegram.expect(t, "crmsync, the last 7 days: 12,304 changes, 0 open.\nhttps://sync.example.org/")
	slack.expect(t) // it did not exist in that week
	w.reject(2, tooLong)
	w.exec(`INSERT INTO conflicts (board_id, item_id, record, salesforce_id, field, column_id, rule, decided_at, take) VALUES
		(1003, 7, 'lead', '', 'Phone', 'phone', 'monday', '2026-11-24 12:00:00Z', NULL), (1003, 7, 'lead', '', 'Phone', 'phone', 'monday', '2026-11-25 12:00:00Z', NULL),
		(1003, 7, 'lead', '', 'Phone', 'phone', 'monday', '2026-11-26 12:00:00Z', 'salesforce'), (1003, 7, 'lead', '', 'Phone', 'phone', 'monday', '2026-11-01 12:00:00Z', NULL)`)
	at(telegram, slack)
	telegram.take()
	slack.take()
	now = now.AddDate(0, 0, 7)
	at(telegram, slack)
	const digest = "crmsync, the last 7 days: 0 changes, 2 open. 2 conflicts were decided by the mapping: crmsync conflicts.\n• Lead.City: STRING_TOO_LONG (2 dead letters)\nhttps://sync.example.org/"
	telegram.expect(t, digest)
	slack.expect(t, digest)
}

func TestWeekEnd(t *testing.T) {
	t.Parallel()
	for now, want := range map[string]string{
		"2026-11-23T08:00:00Z": "2026-11-23", "2026-11-23T07:59:59Z": "2026-11-16", "2026-11-29T23:00:00Z": "2026-11-23",
		"2026-11-26T12:00:00Z": "2026-11-23", "2026-11-23T09:30:00+02:00": "2026-11-16",
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := weekEnd(at); got.Format(time.RFC3339) != want+"T08:00:00Z" {
			t.Errorf("at %s: %s, want %s", now, got, want)
		}
	}
}

// TestCauseText checks that a message with dead letters of maximum length fits into a message of Telegram.
func TestCauseText(t *testing.T) {
	t.Parallel()
	board, item, object, id := int64(18_421_858_736), int64(12_736_724_196), "namespace15long__"+strings.Repeat("x", 40)+"__c", "003000000000001AAA"
	const code = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
	letter := store.DeadLetter{
		JobID: 9_999_999_999, Event: "update_column_value", BoardID: &board, ItemID: &item, Object: &object, SalesforceID: &id,
		Code: code, Attempts: 12,
	}
	key := store.CauseKey{System: "salesforce", Code: code, Object: object, Field: strings.Repeat("f", 60)}
	u := store.UntoldCause{Cause: store.Cause{ID: "k3v9q2xa", CauseKey: key}, Untold: 1_000_000, Messages: 3}
	text := causeText(u, slices.Repeat([]store.DeadLetter{letter}, lettersPerMessage)) + "\nhttps://" + strings.Repeat("x", 300)
	if len([]rune(text)) > 4096 {
		t.Errorf("%d characters, Telegram takes 4096", len([]rune(text)))
	}
}

// TestIgnoredIsNotAlerted: ignored dead letters are not alerted, whether or not others of their cause were alerted
// before.
func TestIgnoredIsNotAlerted(t *testing.T) {
	t.Parallel()
	w, telegram, a := oneChannel(t, time.Hour)
	ignore := func(jobs ...int64) {
		t.Helper()
		if ignored, err := w.IgnoreDeadLetters(t.Context(), jobs, store.By{Actor: "ada"}); err != nil || len(ignored) != len(jobs) {
			t.Fatalf("ignored %v: %v", ignored, err)
		}
	}
	w.reject(1, tooLong)
	w.round(a)
	telegram.take()
	w.reject(2, tooLong) // within the pause
	w.reject(1, "DUPLICATE_VALUE")
	ignore(1, 2, 3, 4)
	w.round(a)
	w.round(a)
	telegram.expect(t, "Over: Lead.City: STRING_TOO_LONG. 3 events were ignored.")
}

// TestSettledBeforeAlert: dead letters that were resolved before their alert are not alerted.
func TestSettledBeforeAlert(t *testing.T) {
	t.Parallel()
	w, telegram, a := oneChannel(t, time.Hour)
	w.reject(1, tooLong)
	w.round(a)
	telegram.take()
	w.reject(2, tooLong)
	w.exec("UPDATE dead_letters SET closed_at = now(), closed_by = 'job 99'")
	w.round(a)
	texts := telegram.take()
	want := "crmsync could not process 2 more events (Lead.City: STRING_TOO_LONG).\n" +
		"• job 2: update_name, board 1001, item 7, Lead, STRING_TOO_LONG, 12 attempts\n" +
		"• job 3: update_name, board 1001, item 7, Lead, STRING_TOO_LONG, 12 attempts\n" +
		"Nothing needs to be done: it has been resolved since."
	if len(texts) != 2 || texts[0] != want {
		t.Errorf("messages %q, want first %q", texts, want)
	}
}
