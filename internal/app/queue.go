package app

import (
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
