package worker

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// TestQueueIndexes checks which indexes an insert of a job has to update, and that River's nightly rebuild looks for
// no others.
func TestQueueIndexes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rows, err := w.db.Query(t.Context(), "SELECT indexname FROM pg_indexes WHERE tablename = 'river_job' AND schemaname = current_schema()")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	want := reindexed()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("indexes of river_job (-rebuilt +there):\n%s", diff)
	}
	if len(got) != 5 {
		t.Errorf("%d indexes: %v", len(got), got)
	}
}
