package jobs

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"
)

// Insert queues jobs in the transaction.
func Insert[TTx any](ctx context.Context, queue *river.Client[TTx], tx TTx, all ...river.JobArgs) error {
	params := make([]river.InsertManyParams, len(all))
	for n, args := range all {
		params[n].Args = args
	}
	return InsertMany(ctx, queue, tx, params)
}

// InsertMany is Insert for jobs with options.
func InsertMany[TTx any](ctx context.Context, queue *river.Client[TTx], tx TTx, params []river.InsertManyParams) error {
	if len(params) == 0 { // which River rejects
		return nil
	}
	if _, err := queue.InsertManyTx(ctx, tx, params); err != nil {
		return fmt.Errorf("queueing %d jobs: %w", len(params), err)
	}
	return nil
}
