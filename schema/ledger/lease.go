package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// LeaseMargin is how much longer than the work its leases last: time for a call that was under way to end.
const LeaseMargin = 15 * time.Second

// IDLease names the lease under which one worker decides to which item a record belongs.
func IDLease(salesforceID string) string { return "id " + salesforceID }

// MatchLease names the lease on the values that a record is found by, without telling them.
func MatchLease(match string) string {
	sum := sha256.Sum256([]byte(match))
	return "match " + hex.EncodeToString(sum[:16])
}
