package worker

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/store"
)

func (w *world) herald(messengers ...Messenger) *herald {
	return newHerald(w.Store, Queue(w.db), messengers, nil, quiet)
}

// dead gives up n jobs.
func (w *world) dead(n int) {
	w.t.Helper()
	w.exec(`INSERT INTO river_job (state, kind, args, queue, attempt, max_attempts, finalized_at)
		SELECT 'discarded', 'item_rename', '{"type":"update_name","board_id":1001,"item_id":7}', 'events', 12, 12, clock_timestamp()
		FROM generate_series(1, $1)`, n)
}

// jobsIn are the jobs that texts tell of, each as often as it is told.
func jobsIn(texts []string) (jobs []int) {
	for _, text := range texts {
		for line := range strings.Lines(text) {
			var job int
			if n, _ := fmt.Sscanf(line, "• job %d:", &job); n == 1 {
				jobs = append(jobs, job)
			}
		}
	}
	slices.Sort(jobs)
	return jobs
}

func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i+1)
	}
	return all
}

func (w *world) round(h *herald, fails bool) {
	w.t.Helper()
	if err := h.round(w.t.Context()); (err != nil) != fails {
		w.t.Errorf("the round fails by %v", err)
	}
}

func TestHeraldGroups(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mail := &inbox{name: "telegram"}
	h := w.herald(mail)
	w.dead(2*lettersPerMessage + 1)
	w.round(h, false)
	texts := mail.take()
	if len(texts) != 3 {
		t.Errorf("%d messages, want 3", len(texts))
	}
	if diff := cmp.Diff(upTo(2*lettersPerMessage+1), jobsIn(texts)); diff != "" {
		t.Errorf("jobs that were told (-want +got):\n%s", diff)
	}
	w.round(h, false)
	if texts := mail.take(); len(texts) != 0 {
		t.Errorf("told once more: %q", texts)
	}
}

// TestHeraldFails has one messenger fail: the other hears of everything, and of nothing twice.
func TestHeraldFails(t *testing.T) {
	t.Parallel()
	w := setup(t)
	telegram, slack := &inbox{name: "telegram", fails: errTrouble}, &inbox{name: "slack"}
	h := w.herald(telegram, slack)
	if err := w.StartOutage(t.Context(), "salesforce", "503"); err != nil {
		t.Fatal(err)
	}
	total := lettersPerMessage + 5
	w.dead(total)
	var heard []string
	for range 3 {
		w.round(h, true)
		heard = append(heard, slack.take()...)
	}
	if diff := cmp.Diff(upTo(total), jobsIn(heard)); diff != "" {
		t.Errorf("the one that works heard of (-want +got):\n%s", diff)
	}
	telegram.fail(nil)
	w.dead(1)
	w.round(h, false)
	w.round(h, false)
	heard = append(heard, slack.take()...)
	late := telegram.take()
	for name, texts := range map[string][]string{"slack": heard, "telegram": late} {
		if diff := cmp.Diff(upTo(total+1), jobsIn(texts)); diff != "" {
			t.Errorf("in the end %s heard of (-want +got):\n%s", name, diff)
		}
		away := 0
		for _, text := range texts {
			if strings.Contains(text, "is away") {
				away++
			}
		}
		if away != 1 {
			t.Errorf("%s heard of the outage %d times", name, away)
		}
	}
	if len(h.sent) != 0 {
		t.Errorf("%d messages are remembered for nothing", len(h.sent))
	}
}

// TestHeraldOutageHalfTold has an outage told by one messenger, and letters by both before the other tells of it.
func TestHeraldOutageHalfTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	slack := &inbox{name: "slack"}
	first := true
	telegram := messengerFunc(func(string) error {
		if first {
			first = false
			return errTrouble
		}
		return nil
	})
	h := w.herald(telegram, slack)
	w.dead(1)
	if err := w.StartOutage(t.Context(), "salesforce", "503"); err != nil {
		t.Fatal(err)
	}
	w.round(h, true)
	w.round(h, false)
	if texts := slack.take(); len(texts) != 2 {
		t.Errorf("%q, want the outage and the letter once", texts)
	}
}

type messengerFunc func(text string) error

func (messengerFunc) Name() string                                { return "func" }
func (f messengerFunc) Send(_ context.Context, text string) error { return f(text) }

// TestTwoHeralds has the heralds of two pools at it at the same time.
func TestTwoHeralds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mail := &inbox{name: "telegram"}
	heralds := []*herald{w.herald(mail), w.herald(mail), w.herald(mail)}
	for n := range 5 {
		w.dead(3)
		var wait sync.WaitGroup
		for _, h := range heralds {
			wait.Go(func() { w.round(h, false) })
		}
		wait.Wait()
		w.round(heralds[n%3], false)
	}
	if diff := cmp.Diff(upTo(15), jobsIn(mail.take())); diff != "" {
		t.Errorf("jobs that were told (-want +got):\n%s", diff)
	}
}

func TestHeraldOutages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mail := &inbox{name: "telegram"}
	h := w.herald(mail)
	if err := w.StartOutage(t.Context(), "salesforce", "503"); err != nil {
		t.Fatal(err)
	}
	w.exec("UPDATE outages SET started_at = '2026-09-23 12:00:00Z'")
	w.round(h, false)
	w.round(h, false)
	w.exec("UPDATE outages SET ended_at = '2026-09-23 12:01:30Z'")
	w.round(h, false)
	w.round(h, false)
	w.exec("INSERT INTO outages (system, code, started_at, ended_at) VALUES ('monday', 'X', '2026-09-23 13:00:00Z', '2026-09-23 13:00:01Z')")
	w.round(h, false)
	want := []string{
		"Salesforce is away (503) since 2026-09-23 12:00:00 UTC. Events wait; none is lost.",
		"Salesforce is back. It was away for 1m30s, from 2026-09-23 12:00:00 UTC.",
		"Monday is away (X) since 2026-09-23 13:00:00 UTC. Events wait; none is lost.",
		"Monday is back. It was away for 1s, from 2026-09-23 13:00:00 UTC.",
	}
	if diff := cmp.Diff(want, mail.take()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// TestHeraldWakes: what waits for a system is due as soon as a round sees that it is back.
func TestHeraldWakes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	h := w.herald()
	w.exec(`INSERT INTO river_job (state, kind, args, queue, max_attempts, metadata, scheduled_at)
		SELECT 'scheduled', 'item_rename', '{}', 'events', 12, '{"output": {"away": true, "outage": "salesforce"}}', now() + interval '1 minute'`)
	w.exec("INSERT INTO outages (system, code) VALUES ('salesforce', '503')")
	due := func() (jobs int) {
		if err := w.db.QueryRow(t.Context(), "SELECT count(*) FROM river_job WHERE scheduled_at <= now()").Scan(&jobs); err != nil {
			t.Fatal(err)
		}
		return jobs
	}
	w.round(h, false)
	if n := due(); n != 0 {
		t.Errorf("%d jobs are due while it is away", n)
	}
	w.exec("UPDATE outages SET ended_at = now()")
	w.round(h, false)
	if n := due(); n != 1 {
		t.Errorf("%d jobs are due when it is back, want 1", n)
	}
}

// TestLettersText holds that a message of the longest letters fits into Telegram's.
func TestLettersText(t *testing.T) {
	t.Parallel()
	board, item, object, id := int64(18_421_858_736), int64(12_736_724_196), "namespace15long__"+strings.Repeat("x", 40)+"__c", "003000000000001AAA"
	letter := store.Letter{
		JobID: 9_999_999_999, Event: "update_column_value", BoardID: &board, ItemID: &item, Object: &object, SalesforceID: &id,
		Code: "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", Attempts: 12,
	}
	if text := lettersText(slices.Repeat([]store.Letter{letter}, lettersPerMessage)); len([]rune(text)) > 4096 {
		t.Errorf("%d characters, Telegram takes 4096", len([]rune(text)))
	}
	one := store.Letter{JobID: 7, Event: "unreadable", Attempts: 1}
	want := "crmsync gave up an event:\n• job 7: unreadable, 1 attempt\nPut back with: crmsync replay 7"
	if diff := cmp.Diff(want, lettersText([]store.Letter{one})); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

// TestTelegram holds what the messenger does by Telegram's answer, and that no error tells the token.
func TestTelegram(t *testing.T) {
	t.Parallel()
	const token = "123:secret-token"
	tests := map[string]struct {
		answer string
		cut    bool
		want   string // part of the error; empty: none
		again  bool   // the next message goes to Telegram
	}{
		"taken":     {answer: `{"ok":true,"result":{"message_id":1}}`, again: true},
		"throttled": {answer: `{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":30}}`, want: "asked to wait for"},
		"blocked":   {answer: `{"ok":false,"error_code":403,"description":"bot was blocked"}`, want: "blocked", again: true},
		"a page":    {answer: `<html>`, want: "decode", again: true},
		"cut":       {cut: true, want: "EOF", again: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				if !strings.HasSuffix(r.URL.Path, "/bot"+token+"/sendMessage") {
					t.Errorf("path %s", r.URL.Path)
				}
				if tt.cut {
					panic(http.ErrAbortHandler)
				}
				fmt.Fprint(rw, tt.answer)
			}))
			t.Cleanup(server.Close)
			telegram, err := NewTelegram(server.URL, token, "42")
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				err = telegram.Send(t.Context(), "text")
				if (err == nil) != (tt.want == "") || err != nil && calls.Load() == 1 && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("error tells the token: %v", err)
				}
			}
			if made := calls.Load(); (made == 2) != tt.again {
				t.Errorf("%d calls", made)
			}
		})
	}
}

func TestMessengersTellNoSecret(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	telegram, err := NewTelegram(gone.URL, "123:secret-token", "42")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for _, m := range []Messenger{telegram, NewSlack(gone.URL + "/services/secret"), NewSlack("://secret"), NewSlack("https://secret\x7f/")} {
		if err := m.Send(ctx, "text"); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", m.Name(), err)
		}
	}
	if _, err := NewTelegram("://secret", "", "42"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

func TestSlack(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(status) }))
	t.Cleanup(server.Close)
	if err := NewSlack(server.URL).Send(t.Context(), "text"); err != nil {
		t.Error(err)
	}
	status = http.StatusForbidden
	if err := NewSlack(server.URL).Send(t.Context(), "text"); err == nil || err.Error() != "answered 403" {
		t.Errorf("error %v", err)
	}
}
