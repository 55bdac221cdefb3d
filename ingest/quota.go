package ingest

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The quota of unreadable deliveries. Each is kept unchanged, and nothing else limits their size.
const (
	// keptMost and keptBytes limit their number and total size in Postgres, in the queue and as dead letters together.
	keptMost  = 5_000
	keptBytes = 64 << 20

	// keepRate and keepBurst limit how fast this process adds to them: bytes per second, and bytes at once.
	keepRate  = 64 << 10
	keepBurst = 8 << 20

	// keepLeast is the size that a smaller delivery counts as.
	keepLeast = 4 << 10

	// recountAfter is how long a count from Postgres is used. Meanwhile other processes may store more.
	recountAfter = 5 * time.Second

	// logEvery is how often the log reports refused deliveries.
	logEvery = time.Minute
)

// quota decides whether an unreadable delivery may be kept. Monday repeats a refused delivery for half an hour.
type quota struct {
	rate *rate.Limiter
	kept func(context.Context) (deliveries, bytes int64, err error) // nil: only the rate is limited
	now  func() time.Time
	log  *slog.Logger

	mu                sync.Mutex
	counted           time.Time
	deliveries, bytes int64
	refused           int // since the last log line
	logged            time.Time
}

func newQuota(c Config) *quota {
	return &quota{rate: rate.NewLimiter(keepRate, keepBurst), kept: c.Kept, now: c.Now, log: c.Log}
}

// take returns an empty outcome if a delivery of this size may be kept, and otherwise the reason.
func (q *quota) take(ctx context.Context, size int) outcome {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	if q.kept != nil && now.Sub(q.counted) >= recountAfter {
		q.count(ctx, now)
	}
	if q.deliveries >= keptMost || q.bytes+int64(size) > keptBytes || !q.rate.AllowN(now, max(size, keepLeast)) {
		q.warn(ctx, now)
		return overQuota
	}
	q.deliveries++
	q.bytes += int64(size)
	return ""
}

// count counts in Postgres. If that fails, only the rate is limited.
func (q *quota) count(ctx context.Context, now time.Time) {
	q.counted = now
	deliveries, bytes, err := q.kept(ctx)
	if err != nil {
		q.log.WarnContext(ctx, "could not count the stored unreadable webhooks", "error", brief(err))
		return
	}
	q.deliveries, q.bytes = deliveries, bytes
}

func (q *quota) warn(ctx context.Context, now time.Time) {
	q.refused++
	if now.Sub(q.logged) < logEvery {
		return
	}
	q.log.WarnContext(ctx, "unreadable webhooks refused: too many are stored, or they arrive too fast; check the dead "+
		"letters of kind unreadable, "+
		"and replay or ignore them", "refused", q.refused, "kept", q.deliveries, "kept_bytes", q.bytes)
	q.refused, q.logged = 0, now
}
