package worker

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"crmsync/schema/store"
)

const (
	// roundLasts limits how long one round may take.
	roundLasts = time.Minute

	roundLease = "sweep"
)

// runRounds runs rounds until ctx ends.
func (p *Pool) runRounds(ctx context.Context) {
	ticker := time.NewTicker(p.config.AlertInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := p.round(ctx); err != nil && ctx.Err() == nil {
			p.config.Log.Error("round failed", "error", err)
		}
	}
}

// round settles dead letters and outages, and sends alerts. Across all pools one round runs at a time. It never delays
// the jobs.
func (p *Pool) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundLasts)
	defer cancel()
	free, ok, err := lease(ctx, p.store, roundLease, roundLasts)
	if err != nil || !ok {
		return err
	}
	for _, b := range p.breakers {
		err = errors.Join(err, b.settle(ctx))
	}
	settling := p.queue.SettleRetried(ctx)
	closed, closing := p.store.CloseDeadLetters(ctx)
	if closed > 0 {
		p.config.Log.Info("dead letters closed: later events have caught up", "letters", closed)
	}
	_, assigning := p.store.AssignCauses(ctx)
	over, closingCauses := p.store.CloseCauses(ctx)
	if over > 0 {
		p.config.Log.Info("causes closed: nothing fails or waits for them any more", "causes", over)
	}
	err = errors.Join(err, p.queue.WakeEnded(ctx), settling, closing, assigning, closingCauses, p.alerter.Round(ctx))
	return errors.Join(err, free())
}

// lease takes a lease on a key, unless another pool has it. After an interruption it frees the key, which would
// otherwise block all pools until the lease expires.
func lease(ctx context.Context, s *store.Store, key string,
	lasts time.Duration) (free func() error, ok bool, err error) {
	holder, keys := uuid.New(), []string{key}
	taking, cancel := lasting(ctx)
	defer cancel()
	held, err := s.Lease(taking, holder, keys, lasts)
	return func() error {
		freeing, cancel := lasting(ctx)
		defer cancel()
		return s.Free(freeing, holder, keys)
	}, len(held) > 0, err
}
