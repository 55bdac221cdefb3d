package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/jobs"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker"
)

// LookEvery is how often the state of runs is checked.
const LookEvery = 200 * time.Millisecond

// Display shows the progress of runs, which are identified by their jobs.
type Display interface {
	Add(job int64, board string)
	Update(runs map[int64]store.Run)
}

// Migrate queues runs and works on their queue itself, with or without other workers, until all are over or ctx ends.
// It returns the runs.
func (s *Service) Migrate(ctx context.Context, db *pgxpool.Pool, migrations []*mapping.Migration, by store.By,
	show Display) ([]store.Run, error) {
	pool, err := s.migrationsPool(db)
	if err != nil {
		return nil, err
	}
	var ids []int64
	names := map[int64]string{} // of the boards, by job
	for _, g := range migrations {
		job, err := queueMigration(ctx, db, pool, g.Board, by)
		if err != nil {
			return nil, fmt.Errorf("queueing the migration of %s: %w", g.Board.Name, err)
		}
		ids, names[job] = append(ids, job), g.Board.Name
		show.Add(job, g.Board.Name)
	}
	if err := pool.Start(ctx); err != nil {
		return nil, err
	}
	found := watch(ctx, db, names, show)
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

// queueMigration queues the migration of a board, unless one is queued or running, and records who did it. It returns
// the migration's job.
func queueMigration(ctx context.Context, db *pgxpool.Pool, pool *worker.Pool, b *mapping.Board,
	by store.By) (job int64, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		queued, err := pool.Client().InsertTx(ctx, tx, jobs.MigrateBoardArgs{BoardID: b.ID}, nil)
		if err != nil {
			return err
		}
		job = queued.Job.ID
		if queued.UniqueSkippedAsDuplicate {
			return nil
		}
		return store.RecordOperation(ctx, tx, store.Operation{By: by, Act: store.ActMigrate, Subject: "board " + b.Name})
	})
	return job, err
}

// migrationsPool returns a pool that only works on the queue of the migrations.
func (s *Service) migrationsPool(db *pgxpool.Pool) (*worker.Pool, error) {
	c, err := s.PoolConfig(db, prometheus.NewRegistry()) // its metrics are not exported
	if err != nil {
		return nil, err
	}
	c.MigrationsOnly, c.Waiting = true, s.Waiting
	return worker.New(c)
}

// watch watches the runs of jobs, given with the names of their boards, until all are over or ctx ends. A job that ends
// before its run starts counts as a failed run.
func watch(ctx context.Context, db *pgxpool.Pool, names map[int64]string, show Display) (runs map[int64]store.Run) {
	ids := slices.Collect(maps.Keys(names))
	tick := time.NewTicker(LookEvery)
	defer tick.Stop()
	for {
		if found, err := look(context.WithoutCancel(ctx), db, ids); err == nil {
			for id, run := range found {
				run.Board = names[id]
				found[id] = run
			}
			runs = found
			show.Update(runs)
		}
		if len(runs) == len(ids) && !slices.ContainsFunc(slices.Collect(maps.Values(runs)), isRunning) {
			return runs
		}
		select {
		case <-ctx.Done():
			return runs
		case <-tick.C:
		}
	}
}

func isRunning(r store.Run) bool { return r.State == "running" }

// look reads the runs of jobs. It reads first which jobs have ended, because a run may start meanwhile.
func look(ctx context.Context, db *pgxpool.Pool, ids []int64) (map[int64]store.Run, error) {
	ended, err := worker.Queue(db).Ended(ctx, ids)
	if err != nil {
		return nil, err
	}
	runs, err := store.New(db).RunsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	for id, reason := range ended {
		if _, begun := runs[id]; !begun {
			runs[id] = store.Run{JobID: id, State: "failed", Error: reason}
		}
	}
	return runs, nil
}
