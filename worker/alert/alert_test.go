package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/store"
)

// TestChannelFails: if one channel fails, the other receives everything once, including the failure, also from another
// process and after a restart. Once the failed channel works, it receives everything that is still open.
func TestChannelFails(t *testing.T) {
	t.Parallel()
	w := setup(t)
	telegram, slack := &inbox{name: "telegram", fails: errTrouble}, &inbox{name: "slack"}
	if err := w.StartOutage(t.Context(), "salesforce", "503"); err != nil {
		t.Fatal(err)
	}
	total := lettersPerMessage
	w.dead(total)
	var received []string
	for range failuresReported + 2 {
		w.round(w.alerter(telegram, slack)) // an alerter without memory
		w.rested()
		received = append(received, slack.take()...)
	}
	if diff := cmp.Diff(upTo(total), jobsIn(received)); diff != "" {
		t.Errorf("jobs alerted to the working channel (-want +got):\n%s", diff)
	}
	others := without(received)
	if len(others) != 2 || !strings.HasPrefix(others[0], "Salesforce is away") || !strings.HasPrefix(others[1], "Alerts have not reached Telegram") ||
		!strings.HasSuffix(others[1], ": trouble.") {
		t.Errorf("its other messages: %q", others)
	}
	w.allAlerted()
	channels, err := w.Channels(t.Context())
	if err != nil || len(channels) != 2 || channels[0].FailingSince != nil || channels[1].FailingSince == nil || channels[1].Error != "trouble" {
		t.Errorf("%v: channels %+v", err, channels)
	}
	w.exec("UPDATE dead_letters SET replayed_at = now() WHERE job_id = 1")
	telegram.fail(nil)
	w.round(w.alerter(telegram, slack))
	late := telegram.take()
	if diff := cmp.Diff(upTo(total)[1:], jobsIn(late)); diff != "" {
		t.Errorf("jobs alerted to Telegram in the end (-want +got):\n%s", diff)
	}
	if others := without(late); len(others) != 1 || !strings.HasPrefix(others[0], "Salesforce is away") {
		t.Errorf("its other messages: %q", others)
	}
	w.round(w.alerter(telegram, slack))
	slack.expect(t, "Alerts reach Telegram again.")
	telegram.expect(t)
}

// TestChannelRests: a failing channel is paused; the longer it fails, the longer the pauses. A channel that asks for a
// pause does not count as failing.
func TestChannelRests(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	tests := map[string]struct {
		since, last *time.Time
		rests       bool
	}{
		"works":               {},
		"first failure":       {since: ago(0), last: ago(0)},
		"failing for a while": {since: ago(40 * time.Second), last: ago(10 * time.Second), rests: true},
		"long enough":         {since: ago(40 * time.Second), last: ago(25 * time.Second)},
		"failing for a day":   {since: ago(24 * time.Hour), last: ago(4 * time.Minute), rests: true},
		"at most":             {since: ago(24 * time.Hour), last: ago(6 * time.Minute)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := resting(store.Channel{FailingSince: tt.since, FailedAt: tt.last}, now); got != tt.rests {
				t.Errorf("rests: %v, want %v", got, tt.rests)
			}
		})
	}
	w := setup(t)
	slack := &inbox{name: "slack", fails: &pauseError{time.Minute}}
	w.dead(1)
	w.round(w.alerter(slack))
	if n := w.count("SELECT count(*) FROM alert_channels WHERE failing_since IS NOT NULL"); slack.calls != 1 || n != 0 {
		t.Errorf("%d calls, %d channels count as failing", slack.calls, n)
	}
}

// TestNewChannel: a new channel does not receive what others received before it existed.
func TestNewChannel(t *testing.T) {
	t.Parallel()
	w := setup(t)
	telegram, slack := &inbox{name: "telegram"}, &inbox{name: "slack"}
	w.dead(1)
	if err := w.StartOutage(t.Context(), "salesforce", "503"); err != nil {
		t.Fatal(err)
	}
	w.round(w.alerter(telegram))
	w.dead(1)
	w.round(w.alerter(telegram, slack))
	w.round(w.alerter(telegram, slack))
	if diff := cmp.Diff([]int{2}, jobsIn(slack.take())); diff != "" {
		t.Errorf("jobs alerted to the new channel (-want +got):\n%s", diff)
	}
}

// TestDeadLetterDiesAgain: a dead letter that was replayed and failed again is alerted again.
func TestDeadLetterDiesAgain(t *testing.T) {
	t.Parallel()
	w, telegram, a := oneChannel(t)
	w.dead(1)
	w.round(a)
	w.exec("UPDATE river_job SET state = 'running', finalized_at = NULL")
	w.exec("UPDATE river_job SET state = 'discarded', finalized_at = clock_timestamp()")
	w.round(a)
	if diff := cmp.Diff([]int{1, 1}, jobsIn(telegram.take())); diff != "" {
		t.Errorf("alerted jobs (-want +got):\n%s", diff)
	}
}

func TestOutages(t *testing.T) {
	t.Parallel()
	w, telegram, a := oneChannel(t)
	start := func(key, code, at string) {
		if err := w.StartOutage(t.Context(), key, code); err != nil {
			t.Fatal(err)
		}
		w.exec("UPDATE outages SET started_at = $2::timestamptz WHERE system = $1 AND ended_at IS NULL", key, at)
	}
	start("salesforce", "503", "2026-09-23 12:00:00Z")
	w.round(a)
	w.round(a)
	w.exec("UPDATE outages SET ended_at = '2026-09-23 12:01:30Z'")
	w.round(a)
	w.round(a)
	w.exec("INSERT INTO outages (system, code, started_at, ended_at) VALUES ('monday', 'X', '2026-09-23 13:00:00Z', '2026-09-23 13:00:01Z')")
	w.round(a)
	start("monday board 1001", "UserUnauthorizedException", "2026-09-23 14:00:00Z")
	w.round(a)
	start("salesforce creation", "STORAGE_LIMIT_EXCEEDED", "2026-09-23 15:00:00Z")
	w.round(a)
	w.exec("UPDATE outages SET ended_at = started_at + interval '1 minute' WHERE ended_at IS NULL")
	w.round(a)
	start("monday", "InvalidVersionException", "2026-09-23 16:00:00Z")
	w.round(a)
	telegram.expect(t,
		"Salesforce is away (503). Events have been waiting since 2026-09-23 12:00:00 UTC; none is lost.",
		"Salesforce is back. It was away for 1m30s from 2026-09-23 12:00:00 UTC.",
		"Monday is away (X). Events have been waiting since 2026-09-23 13:00:00 UTC; none is lost.",
		"Monday is back. It was away for 1s from 2026-09-23 13:00:00 UTC.",
		"Monday refuses access to board 1001 (UserUnauthorizedException). Events that need it have been waiting since 2026-09-23 14:00:00 UTC; all others continue.\n"+
			"The token's user may not use the board. Give the user of MONDAY_API_TOKEN access to the board, as a subscriber or by its permissions.",
		"Salesforce creates no records (STORAGE_LIMIT_EXCEEDED). New records have been waiting since 2026-09-23 15:00:00 UTC; updates continue.\n"+
			"The org's storage is full. Nothing can be created until records are deleted or storage is added; updates continue, and waiting records are created afterwards.",
		"Monday gives access to board 1001 again, after 1m0s without it.",
		"Salesforce creates records again, after 1m0s without any.",
		"Monday is away (InvalidVersionException). Events have been waiting since 2026-09-23 16:00:00 UTC; none is lost.\n"+
			"Monday no longer serves this version of its API. Set MONDAY_API_VERSION to a current one (https://developer.monday.com/api-reference/docs/api-versioning lists them).",
	)
}

// TestPauses: a queue is paused and resumed.
func TestPauses(t *testing.T) {
	t.Parallel()
	w, telegram, a := oneChannel(t)
	w.exec("INSERT INTO river_queue (name, created_at, updated_at) VALUES ('events', now(), now()), ('migrations', now(), now())")
	pause := func(at string) {
		w.exec("UPDATE river_queue SET paused_at = $1::timestamptz WHERE name = 'events'", at)
		w.round(a)
		w.round(a)
	}
	pause("2026-09-23 12:00:00Z")
	w.exec("UPDATE river_queue SET paused_at = NULL")
	w.round(a)
	w.round(a)
	pause("2026-09-23 13:00:00Z")
	telegram.expect(t,
		"The queue events was paused at 2026-09-23 12:00:00 UTC. Its jobs wait until somebody resumes it in the dashboard.",
		"The queue events is no longer paused.",
		"The queue events was paused at 2026-09-23 13:00:00 UTC. Its jobs wait until somebody resumes it in the dashboard.",
	)
}

// TestHeldArchives: the brake holds the archiving of items, alone and together with the deletion of records.
func TestHeldArchives(t *testing.T) {
	t.Parallel()
	w, telegram, a := oneChannel(t)
	w.exec(`INSERT INTO deletions (item_id, board_id, state, at, archive) VALUES
		(1, 1002, 'held', '2026-09-23 12:00:00Z', true), (2, 1002, 'held', '2026-09-23 12:00:01Z', true),
		(3, 1003, 'held', '2026-09-23 12:00:00Z', true), (4, 1003, 'held', '2026-09-23 12:00:01Z', false)`)
	w.round(a)
	telegram.expect(t,
		"The delete brake has held the archiving of 2 items of board 1002 since 2026-09-23 12:00:00 UTC: more records were deleted in Salesforce than "+
			"the mapping allows. The items stay active in Monday until somebody decides: see crmsync held, then release or drop them with --board 1002.",
		"The delete brake has held the records of 1 item and the archiving of 1 item of board 1003 since 2026-09-23 12:00:00 UTC: more items and records "+
			"were deleted than the mapping allows. Those records and items stay until somebody decides: see crmsync held, then release or drop them with --board 1003.",
	)
}

// TestHolds: the delete brake holds more and more of a board; a person decides about a part, and then about the rest.
func TestHolds(t *testing.T) {
	t.Parallel()
	w, telegram, a := oneChannel(t)
	hold := func(item int, at string) {
		w.exec("INSERT INTO deletions (item_id, board_id, state, at) VALUES ($1, 1002, 'held', $2::timestamptz)", item, at)
		w.round(a)
	}
	hold(1, "2026-09-23 12:00:00Z")
	hold(2, "2026-09-23 12:00:01Z")
	w.exec("UPDATE deletions SET state = 'dropped' WHERE item_id = 1")
	w.round(a)
	w.exec("UPDATE deletions SET state = 'released'")
	w.round(a)
	w.round(a)
	hold(3, "2026-09-23 13:00:00Z")
	const text = "The delete brake has held the records of 1 item of board 1002 since 2026-09-23 %s UTC: more items were deleted in Monday than the " +
		"mapping allows. The records stay until somebody decides: see crmsync held, then release or drop them with --board 1002."
	telegram.expect(t,
		fmt.Sprintf(text, "12:00:00"), "The delete brake no longer holds anything of board 1002.", fmt.Sprintf(text, "13:00:00"),
	)
}
