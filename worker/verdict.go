package worker

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"crmsync/internal/retry"
)

// The wait for an unavailable system starts at waitFirst and doubles up to waitLongest, unless the system said how
// long to wait.
const (
	waitFirst   = 2 * time.Second
	waitLongest = time.Minute
)

// ruling is what an error means for its job.
type ruling struct {
	err    error         // in River's words
	snooze time.Duration // above zero: the attempt does not count
	cancel bool          // there is no further attempt
}

// verdict decides what a failed attempt means: River snoozes a job whose error asks to wait, cancels one that cannot
// succeed, and retries any other. It looks at the error's behavior, not at its type.
func verdict(err error, row *rivertype.JobRow) ruling {
	if d := retry.After(err); d > 0 {
		switch {
		case scoped(err):
			d = patience(row) // the breaker wakes it earlier
		case retry.Outage(err):
			d = max(d, patience(row))
		}
		d = jitter(d)
		return ruling{err: river.JobSnooze(d), snooze: d}
	}
	if retry.Permanent(err) {
		return ruling{err: river.JobCancel(err), cancel: true}
	}
	return ruling{err: err}
}

// backoff is the delay between attempts: base x 2^(n-1) after attempt n, at most max, +-10 %.
type backoff struct{ base, max time.Duration }

// NextRetry returns when a failed job is attempted again.
func (b backoff) NextRetry(row *rivertype.JobRow) time.Time {
	return time.Now().Add(min(jitter(double(b.base, row.Attempt-1, b.max)), b.max))
}

// patience grows with the number of times that a job had to wait, so that a long outage costs little.
func patience(row *rivertype.JobRow) time.Duration {
	var metadata struct {
		Snoozes int `json:"snoozes"`
	}
	if err := json.Unmarshal(row.Metadata, &metadata); err != nil {
		return waitFirst
	}
	return double(waitFirst, metadata.Snoozes, waitLongest)
}

// double returns d x 2^n, at most limit.
func double(d time.Duration, n int, limit time.Duration) time.Duration {
	for ; n > 0 && d < limit; n-- {
		d *= 2
	}
	return min(d, limit)
}

// jitter varies d by 10 % either way, so that jobs that failed together do not return together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

// scoped reports whether only a part of a system is away.
func scoped(err error) bool {
	var s interface{ Scoped() bool }
	return errors.As(err, &s) && s.Scoped()
}
