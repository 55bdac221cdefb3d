package demo

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// perform performs the actions, each item's in order, until all are done or ctx ends.
func (s *scenario) perform(ctx context.Context, began time.Time) {
	for _, t := range s.threads {
		t.due = began.Add(t.starts)
	}
	open := slices.Clone(s.threads)
	for len(open) > 0 {
		n := earliest(open)
		if !sleep(ctx, time.Until(open[n].due)) {
			return
		}
		if s.step(open[n]); len(open[n].actions) == 0 {
			open = slices.Delete(open, n, n+1)
		}
	}
}

// step performs the thread's next action, or postpones it.
func (s *scenario) step(t *thread) {
	action := t.actions[0]
	if action.until != nil && !action.until() {
		if t.stuck.IsZero() {
			t.stuck = t.due
		}
		if t.due = time.Now().Add(s.size.span / 100); t.due.Sub(t.stuck) > patience {
			t.actions = nil
		}
		return
	}
	action.do()
	s.performed.Add(1)
	t.stuck = time.Time{}
	if t.actions = t.actions[1:]; len(t.actions) > 0 {
		t.due = time.Now().Add(t.actions[0].wait)
	}
}

func earliest(threads []*thread) (n int) {
	for i, t := range threads {
		if t.due.Before(threads[n].due) {
			n = i
		}
	}
	return n
}

// sleep waits, and reports whether ctx has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// settling is how long the program may take to become idle after the last action.
const settling = 90 * time.Second

// settle waits until Monday has delivered everything, no job is left and the dead letter has been alerted. If that
// does not happen, the scoreboard shows it.
func (d *demo) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	for !d.quiet(ctx) && sleep(ctx, 50*time.Millisecond) {
	}
}

func (d *demo) quiet(ctx context.Context) bool {
	if d.Monday.Pending() > 0 {
		return false
	}
	// A write to Monday causes webhooks before its job is over.
	q, err := d.queue(ctx)
	return err == nil && q.waiting == 0 && (d.scenario == nil || d.scenario.open() == 0) && d.Monday.Pending() == 0 &&
		q.deadLetters == len(d.lettersTold())
}

// queueState counts the events of a demo by state.
type queueState struct{ processed, waiting, deadLetters int }

func (d *demo) queue(ctx context.Context) (q queueState, err error) {
	const query = `
		SELECT (SELECT count(*) FROM sync_logs WHERE status <> 'failed'),
		       count(*) FILTER (WHERE state NOT IN ('completed', 'cancelled', 'discarded')),
		       count(*) FILTER (WHERE state IN ('cancelled', 'discarded'))
		FROM   river_job`
	if err := d.DB.QueryRow(ctx, query).Scan(&q.processed, &q.waiting, &q.deadLetters); err != nil {
		return q, fmt.Errorf("reading the queue: %w", err)
	}
	return q, nil
}
