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
	"crmsync/worker"
)

// notifyEvery is the minimum time between two notifications of ingest to the workers, which River takes from
// FetchCooldown. An event without a notification waits until they poll, so this is River's minimum: the workers' own
// cooldown limits how often they fetch.
//
// Postgres commits transactions with notifications one after another, and each notification costs a round trip. Under
// load, when workers are busy anyway, neither is of use, so a group of busyGroup events or more is inserted by a client
// that notifies at most every busyNotifyEvery.
const (
	notifyEvery     = time.Millisecond
	busyNotifyEvery = 25 * time.Millisecond
	busyGroup       = 16
)

// newQueue returns a client that inserts into the queue, and notifies the workers at most this often.
func (s *Service) newQueue(db *pgxpool.Pool, notifies time.Duration) (*river.Client[pgx.Tx], error) {
	queue, err := river.NewClient(riverpgxv5.New(db), &river.Config{
		MaxAttempts:   s.Config.MaxAttempts,
		FetchCooldown: notifies,
		Middleware:    []rivertype.Middleware{&ingest.Keys{}},
		Logger:        worker.QueueLog(s.Log),
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the queue: %w", err)
	}
	return queue, nil
}

// insertGroup inserts a group of events.
func (s *Service) insertGroup(ctx context.Context, group []river.InsertManyParams) (int, error) {
	if len(group) >= busyGroup {
		return s.busyQueue.InsertManyFast(ctx, group)
	}
	return s.queue.InsertManyFast(ctx, group)
}
