package app

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"crmsync/jobs"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
	"crmsync/worker"
)

// newQueue returns a client for the console and the dashboard.
func (s *Service) newQueue(db *pgxpool.Pool) (*river.Client[pgx.Tx], error) {
	queue, err := river.NewClient(riverpgxv5.New(db), &river.Config{
		MaxAttempts: s.Config.MaxAttempts,
		Logger:      worker.QueueLog(s.Log),
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
