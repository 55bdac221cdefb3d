package migration

import "time"

const (
	// attempts is the number of attempts for a call, or for a record in it, that fails for a transient reason.
	attempts = 6

	// firstWait is the pause after the first failed attempt. It doubles with each one after that.
	firstWait = 200 * time.Millisecond

	// concurrency is the maximum number of concurrent calls of a session to Monday; the smallest account may have 40.
	concurrency = 4

	// lookupSize is the maximum number of items that one call reads.
	lookupSize = 100

	// searchSize is the maximum number of Ids that one call searches for, in two forms each.
	searchSize = 500
)
