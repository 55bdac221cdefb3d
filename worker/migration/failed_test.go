package migration

import (
	"testing"

	"crmsync/schema/store"
)

func at(n int, stamp string) *record {
	r := contact(n, nil)
	r.stamp = stamp
	return r
}

func ids(records []*record) (ids []string) {
	for _, r := range records {
		ids = append(ids, r.id)
	}
	return ids
}

// TestPartFailed: the run attempts the failed records that it does not read anyway, and drops those that are gone.
func TestPartFailed(t *testing.T) {
	t.Parallel()
	const before, begin, later = "2026-09-01T09:59:59.999Z", "2026-09-01T10:00:00.000Z", "2026-09-02T10:00:00.000Z"
	asked := []string{contactID(1), contactID(2), contactID(3), contactID(4)}
	again, dropped := partFailed(asked, []*record{at(1, before), at(2, begin), at(4, later)}, begin)
	same(t, "again", []string{contactID(1)}, ids(again))
	same(t, "dropped", []string{contactID(3)}, dropped)
}

// TestSkipFailed: a record that failed in this run is left to the next one.
func TestSkipFailed(t *testing.T) {
	t.Parallel()
	failed := map[string]store.FailedRecord{contactID(1): {RunID: 7}, contactID(3): {RunID: 6}}
	left := skipFailed([]*record{at(1, stamp), at(3, stamp), at(4, stamp)}, failed, 7)
	same(t, "left", []string{contactID(3), contactID(4)}, ids(left))
	for _, r := range left {
		if want := r.id != contactID(4); r.known != want {
			t.Errorf("%s failed before: %t, want %t", r.id, r.known, want)
		}
	}
}
