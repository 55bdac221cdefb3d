package worker

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"crmsync/worker/alert"
)

// inbox is a channel that stores its messages.
type inbox struct {
	mu    sync.Mutex
	texts []string
}

func (*inbox) Name() string { return "inbox" }

func (m *inbox) Send(_ context.Context, text string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.texts = append(m.texts, text)
	return nil
}

// rounds returns a pool that can only run rounds.
func (w *world) rounds(channels ...alert.Channel) *Pool {
	q := Queue(w.db)
	alerter := alert.New(alert.Config{Store: w.Store, Queue: q, Channels: channels, Registerer: prometheus.NewRegistry(), Log: quiet, Now: time.Now})
	return &Pool{config: Config{Log: quiet}, store: w.Store, queue: q, alerter: alerter}
}

// TestRoundsAtOnce: if several pools are due at the same time, one of them alerts.
func TestRoundsAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mail := &inbox{}
	pools := []*Pool{w.rounds(mail), w.rounds(mail), w.rounds(mail)}
	for n := range 5 {
		w.exec(`INSERT INTO river_job (state, kind, args, queue, attempt, max_attempts)
			VALUES ('running', 'item_rename', '{"type":"update_name"}', 'events', 12, 12)`)
		w.exec(`UPDATE river_job SET state = 'discarded', finalized_at = clock_timestamp() WHERE state = 'running'`)
		var wait sync.WaitGroup
		for _, p := range pools {
			wait.Go(func() {
				if err := p.round(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if err := pools[n%3].round(t.Context()); err != nil {
			t.Error(err)
		}
	}
	told := 0
	for _, text := range mail.texts {
		told += strings.Count(text, "• job ")
	}
	if told != 5 {
		t.Errorf("%d jobs alerted, want 5: %q", told, mail.texts)
	}
}

// TestRoundWakes: jobs that wait for a system are due as soon as a round sees that it is back.
func TestRoundWakes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.rounds()
	w.exec(`INSERT INTO river_job (state, kind, args, queue, max_attempts, metadata, scheduled_at)
		SELECT 'scheduled', 'item_rename', '{}', 'events', 12, '{"output": {"away": true, "outage": "salesforce"}}', now() + interval '1 minute'`)
	w.exec("INSERT INTO outages (system, code) VALUES ('salesforce', '503')")
	for _, want := range []int{0, 1} {
		if err := p.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if due := ask[int](w, "SELECT count(*) FROM river_job WHERE scheduled_at <= now()"); due != want {
			t.Errorf("%d jobs are due, want %d", due, want)
		}
		w.exec("UPDATE outages SET ended_at = $1", time.Now())
	}
}
