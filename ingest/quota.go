package ingest

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What unreadable deliveries may take. Each is kept as it came, and nothing else bounds what they hold.
const (
	// keptMost and keptBytes bound what all of them hold in Postgres, in the queue and as dead letters together.
	keptMost  = 5_000
	keptBytes = 64 << 20

	// keepRate and keepBurst bound how fast this process adds to that, in bytes a second and at once.
	keepRate  = 64 << 10
	keepBurst = 8 << 20

	// keepLeast is what a small one counts as.
	keepLeast = 4 << 10

	// recountAfter is how long what was counted in Postgres is believed. Other processes add to it meanwhile.
	recountAfter = 5 * time.Second

	// tellEvery is how often the log says that deliveries are refused.
	tellEvery = time.Minute
)

// quota decides whether an unreadable delivery may be kept. Monday delivers again for half an hour what is refused.
type quota struct {
	rate *rate.Limiter
	kept func(context.Context) (deliveries, bytes int64, err error) // nil: only the rate is bounded
	now  func() time.Time
	log  *slog.Logger

	mu                sync.Mutex
	counted           time.Time
	deliveries, bytes int64
	refused           int // since told
	told              time.Time
}

func newQuota(c Config) *quota {
	return &quota{rate: rate.NewLimiter(keepRate, keepBurst), kept: c.Kept, now: c.Now, log: c.Log}
}

// take reports whether a delivery of this size may be kept: an outcome that is not empty says why it may not.
func (q *quota) take(ctx context.Context, size int) outcome {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	if q.kept != nil && now.Sub(q.counted) >= recountAfter {
		q.count(ctx, now)
	}
	if q.deliveries >= keptMost || q.bytes+int64(size) > keptBytes || !q.rate.AllowN(now, max(size, keepLeast)) {
		q.tell(ctx, now)
		return overQuota
	}
	q.deliveries++
	q.bytes += int64(size)
	return ""
}

// count asks Postgres. Where that fails, the rate is bounded all the same, and whether the delivery can be stored will show.
func (q *quota) count(ctx context.Context, now time.Time) {
	q.counted = now
	deliveries, bytes, err := q.kept(ctx)
	if err != nil {
		q.log.WarnContext(ctx, "could not count the unreadable webhooks that are kept", "error", brief(err))
		return
	}
	q.deliveries, q.bytes = deliveries, bytes
}

func (q *quota) tell(ctx context.Context, now time.Time) {
	q.refused++
	if now.Sub(q.told) < tellEvery {
		return
	}
	q.log.WarnContext(ctx, "unreadable webhooks refused: too many are kept, or they come too fast; look at the dead letters of kind unreadable, "+
		"and replay or discard them", "refused", q.refused, "kept", q.deliveries, "kept_bytes", q.bytes)
	q.refused, q.told = 0, now
}
