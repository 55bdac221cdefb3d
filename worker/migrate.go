package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"crmsync/internal/retry"
	"crmsync/jobs"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine"
	"crmsync/worker/migration"
)

const (
	// migrationsAtOnce is the most boards that one pool migrates at the same time.
	migrationsAtOnce = 2

	// tending is how often runs are looked for that were killed.
	tending = 2 * time.Second
)

// migrateWorker is the doorway to the migration.
type migrateWorker struct {
	river.WorkerDefaults[jobs.MigrateBoardArgs]
	pool *Pool
}

// Work goes on with a run. A run takes longer than a try may: each try is a slice of it, and is put back at no cost until the
// run is done.
func (w *migrateWorker) Work(ctx context.Context, job *river.Job[jobs.MigrateBoardArgs]) error {
	p, event := w.pool, engine.Event{JobID: job.ID, Attempt: job.Attempt, Type: job.Kind, BoardID: job.Args.BoardID, ReceivedAt: job.CreatedAt}
	done, err := p.migrator.Slice(ctx, migration.Job{ID: job.ID, Attempt: job.Attempt, Kind: job.Kind, BoardID: job.Args.BoardID})
	switch {
	case done:
		p.metric.jobs.WithLabelValues(job.Kind, string(engine.Success)).Inc()
		p.config.Log.LogAttrs(ctx, slog.LevelInfo, "migration done", attributes(job.JobRow, event)...)
		return nil
	case err == nil, errors.Is(ctx.Err(), context.Canceled):
		return river.JobSnooze(0)
	}
	failed := p.failed(ctx, job.JobRow, event, err)
	var snooze *river.JobSnoozeError
	if !errors.As(failed, &snooze) && (retry.Permanent(err) || job.Attempt >= job.MaxAttempts) {
		keeping, cancel := lasting(ctx)
		defer cancel()
		if err := p.store.FailRun(keeping, job.ID, err.Error()); err != nil {
			p.config.Log.Error("failed run not kept", "job", job.ID, "error", err)
		}
	}
	return failed
}

func (p *Pool) newMigrator(salesforce migration.Salesforce, monday migration.Monday) *migration.Migrator {
	c := p.config
	return migration.New(migration.Config{
		Mapping:    c.Mapping,
		Store:      p.store,
		Salesforce: salesforce,
		Monday:     monday,
		Slice:      c.JobTimeout / 2,
		Timeout:    c.JobTimeout * 9 / 10,
		Requeue: func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error {
			return p.requeue(ctx, tx, items, false)
		},
		Migrating: p.queue.Migrating,
		Complete:  p.queue.Complete,
		Log:       c.Log,
		Now:       time.Now,
	})
}

// queues are those that the pool works on.
func queues(c Config) map[string]river.QueueConfig {
	all := map[string]river.QueueConfig{jobs.QueueMigrations: {MaxWorkers: migrationsAtOnce}}
	if !c.MigrationsOnly {
		all[jobs.QueueEvents] = river.QueueConfig{MaxWorkers: c.MaxWorkers}
	}
	return all
}

// schedules are the periodic jobs of the mapping. The elected leader of all pools inserts them.
func schedules(m *mapping.Mapping) (periodic []*river.PeriodicJob) {
	for _, g := range m.Migrations() {
		if g.Schedule == "" {
			continue
		}
		args := jobs.MigrateBoardArgs{BoardID: g.Board.ID}
		periodic = append(periodic, river.NewPeriodicJob(g, func() (river.JobArgs, *river.InsertOpts) { return args, nil },
			&river.PeriodicJobOpts{ID: fmt.Sprintf("migrate_board_%d", g.Board.ID)}))
	}
	return periodic
}

// tendMigrations starts the runs that fell due while no pool was up, and from then on takes up those that were killed.
func (p *Pool) tendMigrations(ctx context.Context) {
	ticker := time.NewTicker(tending)
	defer ticker.Stop()
	caughtUp := false
	for {
		if !caughtUp {
			err := p.catchUp(ctx)
			if caughtUp = err == nil; !caughtUp && ctx.Err() == nil {
				p.config.Log.Error("schedules not caught up with", "error", err)
			}
		}
		if revived, err := p.queue.TendMigrations(ctx); err != nil && ctx.Err() == nil {
			p.config.Log.Error("migrations not tended", "error", err)
		} else if revived > 0 {
			p.config.Log.Warn("killed migrations taken up", "jobs", revived)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// catchUp queues the runs that fell due since the last one.
func (p *Pool) catchUp(ctx context.Context) error {
	for _, g := range p.config.Mapping.Migrations() {
		if g.Schedule == "" {
			continue
		}
		since, err := p.store.ScheduledSince(ctx, g.Board.ID, g.Schedule)
		if err != nil {
			return err
		}
		if g.Next(since).After(time.Now()) {
			continue
		}
		if _, err := p.client.Insert(ctx, jobs.MigrateBoardArgs{BoardID: g.Board.ID}, nil); err != nil {
			return fmt.Errorf("queueing the migration of board %d: %w", g.Board.ID, err)
		}
	}
	return nil
}
