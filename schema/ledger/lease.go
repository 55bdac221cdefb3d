package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// LeaseMargin is how much longer leases last than the work, so that a call that is still running can end.
const LeaseMargin = 15 * time.Second

// IDLease names the lease under which one worker decides which item a record belongs to.
func IDLease(salesforceID string) string { return "id " + salesforceID }

// MatchLease names the lease on the values by which a record is found. The name does not reveal the values.
func MatchLease(match string) string {
	sum := sha256.Sum256([]byte(match))
	return "match " + hex.EncodeToString(sum[:16])
}
