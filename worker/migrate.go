package worker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"crmsync/jobs"
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
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
	if !errors.As(failed, &snooze) && (permanent(err) || job.Attempt >= job.MaxAttempts) {
		keeping, cancel := lasting(ctx)
		defer cancel()
		if err := p.store.FailRun(keeping, job.ID, err.Error()); err != nil {
			p.config.Log.Error("failed run not kept", "job", job.ID, "error", err)
		}
	}
	return failed
}

func (p *Pool) newMigrator(salesforce, monday *breaker) *migration.Migrator {
	c := p.config
	return migration.New(migration.Config{
		Mapping:    c.Mapping,
		Store:      p.store,
		Salesforce: guardedRecords{c.Salesforce, salesforce},
		Monday:     guardedBoards{c.Monday, monday},
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

// guardedRecords is Salesforce behind its breaker.
type guardedRecords struct {
	migration.Salesforce
	b *breaker
}

func (g guardedRecords) Query(ctx context.Context, soql string) iter.Seq2[sfclient.Record, error] {
	return func(yield func(sfclient.Record, error) bool) {
		for record, err := range g.Salesforce.Query(ctx, soql) {
			if err != nil {
				_, err = through(g.b, func() (any, error) { return nil, err })
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

func (g guardedRecords) Select(ctx context.Context, soql string) ([]sfclient.Record, error) {
	return through(g.b, func() ([]sfclient.Record, error) { return g.Salesforce.Select(ctx, soql) })
}

func (g guardedRecords) Count(ctx context.Context, soql string) (int, error) {
	return through(g.b, func() (int, error) { return g.Salesforce.Count(ctx, soql) })
}

func (g guardedRecords) Update(ctx context.Context, object string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	return through(g.b, func() ([]sfclient.Result, error) { return g.Salesforce.Update(ctx, object, records, options) })
}

// guardedBoards is Monday behind its breaker.
type guardedBoards struct {
	migration.Monday
	b *breaker
}

func (g guardedBoards) Board(ctx context.Context, id int64) (mondayclient.Board, error) {
	return through(g.b, func() (mondayclient.Board, error) { return g.Monday.Board(ctx, id) })
}

func (g guardedBoards) ItemsBy(ctx context.Context, board int64, columnID string, texts []string) ([]mondayclient.Item, error) {
	return through(g.b, func() ([]mondayclient.Item, error) { return g.Monday.ItemsBy(ctx, board, columnID, texts) })
}

func (g guardedBoards) Items(ctx context.Context, ids []int64, columns []string) ([]mondayclient.Item, error) {
	return through(g.b, func() ([]mondayclient.Item, error) { return g.Monday.Items(ctx, ids, columns) })
}

func (g guardedBoards) Create(ctx context.Context, creates []mondayclient.Create, key string) ([]mondayclient.Created, error) {
	return through(g.b, func() ([]mondayclient.Created, error) { return g.Monday.Create(ctx, creates, key) })
}

func (g guardedBoards) Write(ctx context.Context, writes []mondayclient.Write) ([]error, error) {
	return through(g.b, func() ([]error, error) { return g.Monday.Write(ctx, writes) })
}
