package app

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"crmsync/ingest"
	"crmsync/jobs"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
	"crmsync/worker"
)

// notifyEvery is the minimum time between two notifications of ingest to the workers, which River takes from
// FetchCooldown. An event without a notification waits until they poll, so this is River's minimum: the workers' own
// cooldown limits how often they fetch.
const notifyEvery = time.Millisecond

// newQueue returns a client that inserts into the queue.
func (s *Service) newQueue(db *pgxpool.Pool) (*river.Client[pgx.Tx], error) {
	queue, err := river.NewClient(riverpgxv5.New(db), &river.Config{
		MaxAttempts:   s.Config.MaxAttempts,
		FetchCooldown: notifyEvery,
		Middleware:    []rivertype.Middleware{&ingest.Keys{}},
		Logger:        worker.QueueLog(s.Log),
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the queue: %w", err)
	}
	return queue, nil
}

// Resyncs returns a function that queues a resync of each item with these arguments.
func Resyncs(db *pgxpool.Pool, attempts int, args jobs.ItemResyncArgs) (store.Requeue, error) {
	queue, err := river.NewClient(riverpgxv5.New(db), &river.Config{MaxAttempts: attempts})
	if err != nil {
		return nil, fmt.Errorf("preparing the queue: %w", err)
	}
	return resyncs(queue, args), nil
}

// resyncs is Resyncs for an existing client.
func resyncs(queue *river.Client[pgx.Tx], args jobs.ItemResyncArgs) store.Requeue {
	return func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error {
		all := make([]river.JobArgs, len(items))
		for n, item := range items {
			args.BoardID, args.ItemID = item.BoardID, item.ItemID
			all[n] = args
		}
		return jobs.Insert(ctx, queue, tx, all...)
	}
}
