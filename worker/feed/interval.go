package feed

import "time"

// Bounds of the interval between polls that is set to auto.
const (
	shortest = 15 * time.Second
	longest  = 5 * time.Minute
)

const (
	// feedShare is the part of the calls left to bulk work that the feed may use.
	feedShare = 0.1

	// idlePart sets the interval by the time since the last change: after an hour without one, a few minutes more do
	// not matter.
	idlePart = 10
)

// interval returns the time between polls: short while records change, longer when nothing has changed for a while,
// and longer when few of the day's calls are left. allowance is how many calls a day bulk work may use, or 0 if that
// is unknown; left is the unused share of it; calls is how many one poll takes.
func interval(idle time.Duration, allowance int, left float64, calls int) time.Duration {
	wait := idle / idlePart
	if allowance > 0 {
		perDay := max(feedShare*float64(allowance)*left, 1)
		wait = max(wait, time.Duration(float64(24*time.Hour)*float64(calls)/perDay))
	}
	return min(max(wait, shortest), longest)
}
