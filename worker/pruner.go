package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"crmsync/schema/queue"
	"crmsync/schema/store"
)

const (
	forgetEvery = time.Hour
	forgetLease = "retention"
)

// pruner deletes logs after the retention period. Across all pools one pruner runs at a time.
type pruner struct {
	store *store.Store
	queue *queue.Queue
	keep  time.Duration
	log   *slog.Logger
}

// run prunes periodically until ctx ends.
func (p *pruner) run(ctx context.Context) {
	ticker := time.NewTicker(forgetEvery)
	defer ticker.Stop()
	for {
		if err := p.round(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("could not delete old logs", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// round deletes old rows, unless another pool is doing so.
func (p *pruner) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, forgetEvery/2)
	defer cancel()
	free, ok, err := lease(ctx, p.store, forgetLease, forgetEvery/2)
	if err != nil || !ok {
		return err
	}
	deleted, err := p.store.Forget(ctx, time.Now().Add(-p.keep))
	err = errors.Join(err, p.queue.EraseSuppressed(ctx))
	if deleted > 0 {
		p.log.Info("old logs deleted", "rows", deleted)
	}
	return errors.Join(err, free()) // also after an interruption: the lease would keep others from pruning
}
