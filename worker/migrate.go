package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"crmsync/internal/retry"
	"crmsync/jobs"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine"
	"crmsync/worker/migration"
	"crmsync/worker/reserve"
)

const (
	// migrationsAtOnce is the maximum number of boards that one pool migrates at the same time.
	migrationsAtOnce = 2

	// tending is the interval for finding killed runs.
	tending = 2 * time.Second

	// noticeEvery is the interval for logging that a job waits for this reason.
	noticeEvery = time.Minute
)

// migrateWorker runs migrations.
type migrateWorker struct {
	river.WorkerDefaults[jobs.MigrateBoardArgs]
	pool *Pool

	mu      sync.Mutex
	waiting map[int64]wait // by job id
}

// wait describes a waiting job.
type wait struct {
	since, noticed time.Time
	reason         string
}

// Work continues a run.
func (w *migrateWorker) Work(ctx context.Context, job *river.Job[jobs.MigrateBoardArgs]) error {
	p, board := w.pool, job.Args.BoardID
	event := &engine.Event{
		JobID: job.ID, Attempt: job.Attempt, Type: job.Kind, BoardID: board, ReceivedAt: job.CreatedAt,
	}
	done, err := p.migrator.Work(ctx, migration.Job{ID: job.ID, Attempt: job.Attempt, Kind: job.Kind, BoardID: board})
	switch {
	case done:
		w.forget(job.ID)
		p.metric.countEnd(job.Kind, string(engine.Success), event.BoardID)
		p.config.Log.LogAttrs(ctx, slog.LevelInfo, "migration done", attributes(job.JobRow, event)...)
		return nil
	case err == nil, errors.Is(ctx.Err(), context.Canceled):
		w.forget(job.ID)
		return river.JobSnooze(0)
	}
	w.judge(job.ID, board, err, time.Now())
	failed := p.failSession(ctx, job.JobRow, event, longRun{
		storeWait: func(ctx context.Context, reason string, wait time.Duration) error {
			return p.store.ImportWaits(ctx, job.ID, reason, wait)
		},
		storeFailure: func(ctx context.Context, reason string) error { return p.store.FailRun(ctx, job.ID, reason) },
	}, err)
	if !isSnoozed(failed) {
		w.forget(job.ID)
	}
	return failed
}

// judge logs why a job waits, the first time and then at intervals. A job whose board has been unknown for too long,
// and that no other worker has taken, fails.
func (w *migrateWorker) judge(job, board int64, err error, now time.Time) {
	if retry.After(err) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	known, waits := w.waiting[job]
	if reason := err.Error(); !waits || known.reason != reason {
		known = wait{since: now, reason: reason}
	}
	if unmapped, ok := errors.AsType[*migration.UnmappedError](err); ok && now.Sub(known.since) >= handBackFor {
		unmapped.Final = true
		return
	}
	if now.Sub(known.noticed) >= noticeEvery {
		known.noticed = now
		w.pool.config.Log.Info("migration waiting", "job", job, "board", board, "reason", known.reason)
	}
	if w.waiting == nil {
		w.waiting = map[int64]wait{}
	}
	w.waiting[job] = known
}

func (w *migrateWorker) forget(job int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiting, job)
}

func (p *Pool) newMigrator(salesforce migration.Salesforce, monday migration.Monday,
	r *reserve.Reserve) *migration.Migrator {
	c := p.config
	return migration.New(migration.Config{
		Mapping:    c.Mapping,
		Store:      p.store,
		Salesforce: salesforce,
		Monday:     monday,
		Engine:     p.engine,
		Reserve:    r,
		Session:    c.JobTimeout / 2,
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

// queues returns the queues that the pool works on.
func queues(c Config) map[string]river.QueueConfig {
	all := map[string]river.QueueConfig{jobs.QueueMigrations: {MaxWorkers: migrationsAtOnce}}
	if !c.MigrationsOnly {
		all[jobs.QueueEvents] = river.QueueConfig{MaxWorkers: c.MaxWorkers}
	}
	return all
}

// schedules returns the periodic jobs of the mapping. The elected leader of all pools inserts them.
func schedules(m *mapping.Mapping) (periodic []*river.PeriodicJob) {
	for _, g := range m.Migrations() {
		if g.Schedule == "" {
			continue
		}
		args := jobs.MigrateBoardArgs{BoardID: g.Board.ID}
		periodic = append(periodic, river.NewPeriodicJob(g, func() (river.JobArgs, *river.InsertOpts) { return args, nil },
			&river.PeriodicJobOpts{ID: fmt.Sprintf("migrate_board_%d", g.Board.ID)}))
	}
	if m.Reconcile != "" {
		periodic = append(periodic, river.NewPeriodicJob(reconciliation{m},
			func() (river.JobArgs, *river.InsertOpts) { return jobs.ReconcileArgs{}, nil },
			&river.PeriodicJobOpts{ID: "reconcile"}))
		periodic = append(periodic, river.NewPeriodicJob(hourly{},
			func() (river.JobArgs, *river.InsertOpts) { return jobs.ReconcileArgs{Recent: true}, nil },
			&river.PeriodicJobOpts{ID: "reconcile_recent"}))
	}
	return periodic
}

// reconciliation is the schedule for comparing all boards.
type reconciliation struct{ mapping *mapping.Mapping }

// Next returns when the next comparison is due.
func (r reconciliation) Next(after time.Time) time.Time { return r.mapping.NextReconcile(after) }

// hourly is the schedule for comparing recent changes: at half past, when most mappings start no full comparison.
type hourly struct{}

// Next returns when the next comparison is due.
func (hourly) Next(after time.Time) time.Time {
	next := after.Truncate(time.Hour).Add(time.Hour / 2)
	if !next.After(after) {
		next = next.Add(time.Hour)
	}
	return next
}

// tendMigrations queues the runs that became due while no pool was running, and then resumes killed runs.
func (p *Pool) tendMigrations(ctx context.Context) {
	ticker := time.NewTicker(tending)
	defer ticker.Stop()
	caughtUp := false
	for {
		if !caughtUp {
			err := p.catchUp(ctx)
			if caughtUp = err == nil; !caughtUp && ctx.Err() == nil {
				p.config.Log.Error("could not queue overdue migrations", "error", err)
			}
		}
		if revived, err := p.queue.TendMigrations(ctx); err != nil && ctx.Err() == nil {
			p.config.Log.Error("could not check for killed migrations", "error", err)
		} else if revived > 0 {
			p.config.Log.Warn("killed migrations resumed", "jobs", revived)
		}
		if revived, err := p.queue.TendSweeps(ctx); err != nil && ctx.Err() == nil {
			p.config.Log.Error("could not check for killed comparisons", "error", err)
		} else if revived > 0 {
			p.config.Log.Warn("killed comparisons resumed", "jobs", revived)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// catchUp queues the runs that have become due since the last one.
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
