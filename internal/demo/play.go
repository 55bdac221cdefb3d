package demo

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// play performs the acts, each item's in order, until all are done or ctx ends.
func (s *story) play(ctx context.Context, began time.Time) {
	for _, t := range s.threads {
		t.due = began.Add(t.starts)
	}
	open := slices.Clone(s.threads)
	for len(open) > 0 {
		n := earliest(open)
		if !sleep(ctx, time.Until(open[n].due)) {
			return
		}
		if s.step(open[n]); len(open[n].acts) == 0 {
			open = slices.Delete(open, n, n+1)
		}
	}
}

// step performs the thread's next act, or postpones it.
func (s *story) step(t *thread) {
	act := t.acts[0]
	if act.until != nil && !act.until() {
		if t.stuck.IsZero() {
			t.stuck = t.due
		}
		if t.due = time.Now().Add(s.size.span / 100); t.due.Sub(t.stuck) > patience {
			t.acts = nil
		}
		return
	}
	act.do()
	s.played.Add(1)
	t.stuck = time.Time{}
	if t.acts = t.acts[1:]; len(t.acts) > 0 {
		t.due = time.Now().Add(t.acts[0].wait)
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

// settling is how long the program may take to become idle after the last act.
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
	return err == nil && q.waiting == 0 && (d.story == nil || d.story.open() == 0) && d.Monday.Pending() == 0 &&
		q.givenUp == len(d.lettersTold())
}

// queueState counts the events of a demo by state.
type queueState struct{ applied, waiting, givenUp int }

func (d *demo) queue(ctx context.Context) (q queueState, err error) {
	const query = `
		SELECT (SELECT count(*) FROM sync_logs WHERE status <> 'failed'),
		       count(*) FILTER (WHERE state NOT IN ('completed', 'cancelled', 'discarded')),
		       count(*) FILTER (WHERE state IN ('cancelled', 'discarded'))
		FROM   river_job`
	if err := d.DB.QueryRow(ctx, query).Scan(&q.applied, &q.waiting, &q.givenUp); err != nil {
		return q, fmt.Errorf("reading the queue: %w", err)
	}
	return q, nil
}
