package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/ingest"
	"crmsync/jobs"
	"crmsync/schema/queue"
	"crmsync/schema/schematest"
)

// clock is a clock that stands still until it is advanced.
type clock struct{ passed atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 9, 23, 12, 0, 0, 0, time.UTC).Add(time.Duration(c.passed.Load()))
}

func (c *clock) advance(d time.Duration) { c.passed.Add(int64(d)) }

// kept counts the unreadable deliveries as the ingest role does.
func kept(pool *pgxpool.Pool) func(context.Context) (int64, int64, error) {
	return func(ctx context.Context) (int64, int64, error) {
		return queue.New(pool, queue.Names{}).Kept(ctx, jobs.KindUnreadable)
	}
}

// answers posts a body and returns the status and the body of the answer.
func (b *bundle) answers(t *testing.T, body, want string) {
	t.Helper()
	w := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", body)
	if got := fmt.Sprint(w.Code, " ", w.Body); strings.TrimSpace(got) != want {
		t.Errorf("answer = %s, want %s", got, want)
	}
}

const (
	keptAnswer    = `200 {"status":"unreadable"}`
	refusedAnswer = `503 {"error":"service unavailable"}`
)

// TestUnreadableRate sends more bad bodies at once than the rate allows, and more again when time has passed.
func TestUnreadableRate(t *testing.T) {
	t.Parallel()
	var c clock
	pool := schematest.New(t)
	b := setup(t, pool, ingest.Config{Secrets: []string{secret}, Now: c.now, Kept: kept(pool)})
	bad := func(n int) string { return fmt.Sprint(n, strings.Repeat("x", 1<<20-10)) }
	for n := range 8 {
		b.answers(t, bad(n), keptAnswer)
	}
	b.answers(t, bad(8), refusedAnswer)
	b.answers(t, bad(8), refusedAnswer)
	b.answers(t, event("create_pulse", `,"triggerUuid":"a good one"`), `200 {"status":"accepted"}`)
	c.advance(16 * time.Second)
	b.answers(t, bad(8), keptAnswer)
	b.answers(t, bad(9), refusedAnswer)
	want := map[string]float64{"other unreadable": 9, "other over_quota": 3, "create_pulse accepted": 1}
	if diff := cmp.Diff(want, b.counted(t)); diff != "" {
		t.Errorf("webhooks_total (-want +got):\n%s", diff)
	}
	if lines := strings.Count(b.log.String(), "unreadable webhooks refused"); lines != 1 {
		t.Errorf("%d lines report refusals within a minute, want 1:\n%s", lines, b.log)
	}
	c.advance(time.Minute)
	for n := range 5 {
		b.answers(t, bad(20+n), map[bool]string{true: keptAnswer, false: refusedAnswer}[n < 3])
	}
	if lines := strings.Count(b.log.String(), `"refused":3`); lines != 1 {
		t.Errorf("%d lines report the refusals since the last, want 1:\n%s", lines, b.log)
	}
}

// TestUnreadableShare has as many bad deliveries in the queue and among the dead letters as the quota allows.
func TestUnreadableShare(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"jobs": `INSERT INTO river_job (kind, args, max_attempts, state, finalized_at)
			SELECT 'unreadable', '{"body": ""}', 1, 'cancelled', now() FROM generate_series(1, 5000)`,
		"dead letters": `INSERT INTO dead_letters (job_id, kind, args, reason, attempts, ended_at)
			SELECT n, 'unreadable', '{"body": ""}', '', 1, now() FROM generate_series(1, 5000) n`,
		"bytes": `ALTER TABLE dead_letters ALTER COLUMN args SET STORAGE EXTERNAL;
			INSERT INTO dead_letters (job_id, kind, args, reason, attempts, ended_at)
			SELECT n, 'unreadable', jsonb_build_object('body', repeat('x', 1 << 20)), '', 1, now() FROM generate_series(1, 64) n`,
	}
	for name, fill := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c clock
			pool := schematest.New(t)
			b := setup(t, pool, ingest.Config{Secrets: []string{secret}, Now: c.now, Kept: kept(pool)})
			b.answers(t, "bad", keptAnswer)
			if _, err := pool.Exec(t.Context(), fill); err != nil {
				t.Fatal(err)
			}
			c.advance(5 * time.Second)
			b.answers(t, "worse", refusedAnswer)
			b.answers(t, event("create_pulse", ""), `200 {"status":"accepted"}`)
			if _, err := pool.Exec(t.Context(), "DELETE FROM river_job"); err != nil {
				t.Fatal(err)
			}
			if _, err := pool.Exec(t.Context(), "DELETE FROM dead_letters"); err != nil {
				t.Fatal(err)
			}
			c.advance(5 * time.Second)
			b.answers(t, "worse", keptAnswer)
		})
	}
}

// TestUnreadableUncounted keeps a bad delivery although the stored ones cannot be counted.
func TestUnreadableUncounted(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{
		Secrets: []string{secret}, Kept: func(context.Context) (int64, int64, error) { return 0, 0, errors.New("no such function") },
	})
	b.answers(t, "bad", keptAnswer)
	if !strings.Contains(b.log.String(), "no such function") {
		t.Errorf("the log does not say that they cannot be counted: %s", b.log)
	}
}

// TestNotStorableIsLimited puts more values that jsonb rejects past the decoder than the quota allows.
func TestNotStorableIsLimited(t *testing.T) {
	t.Parallel()
	var c clock
	pool := schematest.New(t)
	b := setup(t, pool, ingest.Config{
		Secrets: []string{secret}, Now: c.now,
		Kept: func(context.Context) (int64, int64, error) { return 4_999, 0, nil },
		Queue: relay{queued(pool), func(all []queue.Job, insert func() error) error {
			for n, j := range all {
				if j.Kind == jobs.KindColumnUpdate {
					all[n].Args = []byte(`{"value":"\u0000"}`)
				}
			}
			return insert()
		}},
	})
	update := func(n int) string {
		return event("update_column_value", fmt.Sprintf(`,"columnId":"c","columnType":"text","value":null,"triggerUuid":"u%d"`, n))
	}
	b.answers(t, update(1), keptAnswer)
	b.answers(t, update(2), refusedAnswer)
}
