package worker

import (
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"crmsync/jobs"
)

// TestTimeout: River sets no time limit for an attempt that begins, and rescues one that was left running.
func TestTimeout(t *testing.T) {
	t.Parallel()
	w := &eventWorker[jobs.ColumnUpdateArgs]{pool: &Pool{config: Config{JobTimeout: time.Minute}}}
	for ago, want := range map[time.Duration]time.Duration{0: -1, 59 * time.Second: -1, time.Minute: time.Minute, 24 * time.Hour: time.Minute} {
		began := time.Now().Add(-ago)
		job := &river.Job[jobs.ColumnUpdateArgs]{JobRow: &rivertype.JobRow{AttemptedAt: &began}}
		if got := w.Timeout(job); got != want {
			t.Errorf("after %s: %s, want %s", ago, got, want)
		}
	}
	if got := w.Timeout(&river.Job[jobs.ColumnUpdateArgs]{JobRow: &rivertype.JobRow{}}); got != time.Minute {
		t.Errorf("never attempted: %s", got)
	}
}
