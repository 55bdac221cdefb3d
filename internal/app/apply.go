package app

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/store"
)

// Apply queues sweeps and works on their queue itself, beside workers or without any, until all are over or ctx ends. After each
// look it tells show how far they are.
func (s *Service) Apply(ctx context.Context, db *pgxpool.Pool, sweeps []store.Sweep, show func([]store.Sweep)) ([]store.Sweep, error) {
	pool, err := s.migrationsPool(db)
	if err != nil {
		return nil, err
	}
	kept := store.New(db)
	var ids []int64
	for _, w := range sweeps {
		id, err := kept.AddSweep(ctx, w, pool.QueueSweep)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if err := pool.Start(ctx); err != nil {
		return nil, err
	}
	found := watchSweeps(ctx, kept, ids, show)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Config.ShutdownGrace+10*time.Second)
	defer cancel()
	return found, pool.Stop(stopping)
}

// watchSweeps looks at the sweeps until all are over, or ctx ends.
func watchSweeps(ctx context.Context, s *store.Store, ids []int64, show func([]store.Sweep)) (sweeps []store.Sweep) {
	tick := time.NewTicker(LookEvery)
	defer tick.Stop()
	for {
		if found, err := s.Sweeps(context.WithoutCancel(ctx), ids); err == nil {
			sweeps = found
			show(sweeps)
		}
		over := 0
		for _, w := range sweeps {
			if w.State != "running" {
				over++
			}
		}
		if over == len(ids) {
			return sweeps
		}
		select {
		case <-ctx.Done():
			return sweeps
		case <-tick.C:
		}
	}
}
