package worker

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

const (
	// roundLasts is how long one round may take.
	roundLasts = time.Minute

	roundLease = "sweep"
)

// runRounds looks after the queue until ctx ends.
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

// round finds what ended, and tells people. Across all pools one round runs at a time. It never holds up the jobs.
func (p *Pool) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundLasts)
	defer cancel()
	holder := uuid.New()
	got, err := p.store.Lease(ctx, holder, []string{roundLease}, roundLasts)
	if err != nil || len(got) == 0 {
		return err
	}
	for _, b := range p.breakers {
		err = errors.Join(err, b.settle(ctx))
	}
	_, sweeping := p.queue.SweepLetters(ctx)
	closed, closing := p.store.CloseLetters(ctx)
	if closed > 0 {
		p.config.Log.Info("dead letters closed: later events did what they could not", "letters", closed)
	}
	err = errors.Join(err, p.queue.WakeEnded(ctx), sweeping, closing, p.alerter.Round(ctx))
	return errors.Join(err, p.store.Free(context.WithoutCancel(ctx), holder, []string{roundLease}))
}
