package demo

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// play lets people act, each item's acts in their order, until all is done or ctx ends.
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

// step plays the thread's next act, or puts it off.
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

// sleep waits, and says whether ctx lasted.
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

// settling is how long the program may take to come to rest once all is played.
const settling = 90 * time.Second

// settle waits until Monday has delivered everything, no job is left to do and whoever must hear of a dead letter has
// heard; where that does not come about, the scoreboard will tell.
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
	// A write to Monday causes its webhooks before its job is over.
	q, err := d.queue(ctx)
	return err == nil && q.waiting == 0 && d.Monday.Pending() == 0 && q.givenUp == len(d.lettersTold())
}

// queueState is where the events of a demo are.
type queueState struct{ applied, waiting, givenUp int }

func (d *demo) queue(ctx context.Context) (q queueState, err error) {
	const query = `
		SELECT (SELECT count(*) FROM sync_logs WHERE status <> 'failed'),
		       count(*) FILTER (WHERE state NOT IN ('completed', 'cancelled', 'discarded')),
		       count(*) FILTER (WHERE state IN ('cancelled', 'discarded'))
		FROM   river_job`
	if err := d.DB.QueryRow(ctx, query).Scan(&q.applied, &q.waiting, &q.givenUp); err != nil {
		return q, fmt.Errorf("looking at the queue: %w", err)
	}
	return q, nil
}
