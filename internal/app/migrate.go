package app

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/jobs"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker"
)

// LookEvery is how often the state of runs is looked at.
const LookEvery = 200 * time.Millisecond

// Display shows how far runs are. Runs are known by their jobs.
type Display interface {
	Add(job int64, board string)
	Update(runs map[int64]store.Run)
}

// Migrate queues runs and works on their queue itself, beside workers or without any, until all are over or ctx ends. It
// returns the runs that began.
func (s *Service) Migrate(ctx context.Context, db *pgxpool.Pool, migrations []*mapping.Migration, show Display) ([]store.Run, error) {
	pool, err := s.migrationsPool(db)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, g := range migrations {
		queued, err := pool.Client().Insert(ctx, jobs.MigrateBoardArgs{BoardID: g.Board.ID}, nil)
		if err != nil {
			return nil, fmt.Errorf("queueing the migration of %s: %w", g.Board.Name, err)
		}
		ids = append(ids, queued.Job.ID)
		show.Add(queued.Job.ID, g.Board.Name)
	}
	if err := pool.Start(ctx); err != nil {
		return nil, err
	}
	found := watch(ctx, store.New(db), ids, show)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Config.ShutdownGrace+10*time.Second)
	defer cancel()
	var runs []store.Run
	for _, id := range ids {
		if run, ok := found[id]; ok {
			runs = append(runs, run)
		}
	}
	return runs, pool.Stop(stopping)
}

// migrationsPool is a pool for the queue of the migrations alone.
func (s *Service) migrationsPool(db *pgxpool.Pool) (*worker.Pool, error) {
	c, err := s.PoolConfig(db, prometheus.NewRegistry()) // nobody looks at it
	if err != nil {
		return nil, err
	}
	c.MigrationsOnly = true
	return worker.New(c)
}

// watch looks at the runs until all are over, or ctx ends.
func watch(ctx context.Context, s *store.Store, ids []int64, show Display) (runs map[int64]store.Run) {
	tick := time.NewTicker(LookEvery)
	defer tick.Stop()
	for {
		found, err := s.RunsOf(context.WithoutCancel(ctx), ids)
		if err == nil {
			runs = found
			show.Update(runs)
		}
		over := 0
		for _, run := range runs {
			if run.State != "running" {
				over++
			}
		}
		if over == len(ids) {
			return runs
		}
		select {
		case <-ctx.Done():
			return runs
		case <-tick.C:
		}
	}
}
