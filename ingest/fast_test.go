package ingest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"crmsync/ingest"
	"crmsync/schema/queue"
	"crmsync/schema/schematest"
)

// TestFastAndSlow counts how groups are inserted: the fast way until a group contains a repeat, then the slow way for
// some seconds. Deliveries that Monday marks as repeats never go the fast way.
func TestFastAndSlow(t *testing.T) {
	t.Parallel()
	var c clock
	pool := schematest.New(t)
	ways := &counted{Queue: queued(pool)}
	b := setup(t, pool, ingest.Config{Secrets: []string{secret}, Now: c.now, Queue: ways})
	create := func(key, more string) string {
		return event("create_pulse", fmt.Sprintf(`,"triggerUuid":%q%s`, key, more))
	}
	const accepted, duplicate = `200 {"status":"accepted"}`, `200 {"status":"duplicate"}`
	steps := []struct {
		what, body, answer string
		later              time.Duration
		inserts, slow      int
	}{
		{"new", create("a", ""), accepted, 0, 1, 0},
		{"new", create("b", ""), accepted, 0, 2, 0},
		{"a repeat", create("a", ""), duplicate, 0, 3, 1},
		{"new, just after", create("c", ""), accepted, 0, 4, 2},
		{"new, seconds later", create("d", ""), accepted, 5 * time.Second, 5, 2},
		{"marked as a repeat", create("a", `,"isRetry":true`), duplicate, 0, 5, 3},
		{"marked as a repeat, but new", create("e", `,"isRetry":true`), accepted, 0, 6, 4},
		{"new, after those", create("f", ""), accepted, 0, 7, 4},
		{"unreadable", "bad", keptAnswer, 0, 8, 4},
	}
	for _, s := range steps {
		c.advance(s.later)
		b.answers(t, s.body, s.answer)
		if inserts, slow := int(ways.inserts.Load()), int(ways.slow.Load()); inserts != s.inserts || slow != s.slow {
			t.Errorf("after %s: %d inserts and %d looks for repeats, want %d and %d", s.what, inserts, slow, s.inserts, s.slow)
		}
	}
	if kinds, _ := b.jobs(t); len(kinds) != 7 {
		t.Errorf("%d jobs, want 7", len(kinds))
	}
}

// counted counts the groups that are inserted each way: the slow way asks first.
type counted struct {
	ingest.Queue
	inserts, slow atomic.Int32
}

func (c *counted) Insert(ctx context.Context, maxAttempts int, all []queue.Job) error {
	c.inserts.Add(1)
	return c.Queue.Insert(ctx, maxAttempts, all)
}

func (c *counted) Queued(ctx context.Context, all []queue.Job) (map[queue.Key]bool, error) {
	c.slow.Add(1)
	return c.Queue.Queued(ctx, all)
}

// TestRepeatMeetsAnother: another process inserts a repeat's key just after ingest looked for it.
func TestRepeatMeetsAnother(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t)
	q := &raced{Queue: queued(pool)}
	b := setup(t, pool, ingest.Config{Secrets: []string{secret}, Queue: q})
	b.answers(t, event("create_pulse", `,"triggerUuid":"a","isRetry":true`), `200 {"status":"duplicate"}`)
	if q.looks != 2 {
		t.Errorf("%d looks, want 2", q.looks)
	}
	always := setup(t, pool, ingest.Config{Secrets: []string{secret}, Queue: &raced{Queue: queued(pool), blind: true}})
	always.answers(t, event("create_pulse", `,"triggerUuid":"a","isRetry":true`), `503 {"error":"service unavailable"}`)
}

// raced inserts the key itself, just after the first look for it.
type raced struct {
	ingest.Queue
	looks int
	blind bool // it never finds a key
}

func (r *raced) Queued(ctx context.Context, all []queue.Job) (map[queue.Key]bool, error) {
	if r.blind {
		return nil, nil
	}
	found, err := r.Queue.Queued(ctx, all)
	if r.looks++; r.looks == 1 && err == nil {
		err = r.Insert(ctx, 1, all[:1])
	}
	return found, err
}
