package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"crmsync/schema/store"
)

const (
	forgetEvery = time.Hour
	forgetLease = "retention"
)

// janitor deletes logs that are older than they are kept for. One janitor at a time is at it, over all pools.
type janitor struct {
	store *store.Store
	keep  time.Duration
	log   *slog.Logger
}

// run cleans up now and then until ctx ends.
func (j *janitor) run(ctx context.Context) {
	ticker := time.NewTicker(forgetEvery)
	defer ticker.Stop()
	for {
		if err := j.round(ctx); err != nil && ctx.Err() == nil {
			j.log.Error("old logs not deleted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// round deletes what is too old, unless somebody else does.
func (j *janitor) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, forgetEvery/2)
	defer cancel()
	holder := uuid.New()
	got, err := j.store.Lease(ctx, holder, []string{forgetLease}, forgetEvery/2)
	if err != nil || len(got) == 0 {
		return err
	}
	deleted, err := j.store.Forget(ctx, time.Now().Add(-j.keep))
	if deleted > 0 {
		j.log.Info("old logs deleted", "rows", deleted)
	}
	if err != nil {
		return err
	}
	return j.store.Free(context.WithoutCancel(ctx), holder, []string{forgetLease})
}
