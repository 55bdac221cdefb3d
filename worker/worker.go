// Package worker runs the jobs: River decides when, the engine does the work, and the worker translates the engine's
// results for River. It also alerts people to dead letters and outages.
package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"crmsync/jobs"
	"crmsync/mondayclient"
	"crmsync/schema/postgres"
	"crmsync/schema/queue"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/alert"
	"crmsync/worker/engine"
)

// keepEnded is how long discarded jobs stay in the queue's table, for the dashboard to show. keepDone is the same for
// completed ones: repeated deliveries are recognized for that long.
const (
	keepEnded = 14 * 24 * time.Hour
	keepDone  = 25 * time.Hour
)

// interruptAfter is how long batches may still run once all jobs have ended.
const interruptAfter = 100 * time.Millisecond

// New returns a pool that does nothing until it is started.
func New(c Config) (*Pool, error) {
	p := &Pool{config: c, store: store.New(c.DB), queue: Queue(c.DB), metric: newMetrics(c.Registerer, c.Mapping)}
	salesforce, monday := p.guardedSalesforce(), p.guardedMonday()
	p.alerter = alert.New(alert.Config{
		Store: p.store, Queue: p.queue, Channels: c.Channels, Pauses: c.AlertPauses, PublicURL: c.PublicURL,
		Registerer: c.Registerer, Log: c.Log, Now: time.Now,
	})
	p.engine = engine.New(engine.Config{
		Mapping:     c.Mapping,
		Store:       p.store,
		Salesforce:  salesforce,
		Monday:      monday,
		BatchSize:   c.BatchSize,
		Concurrency: c.BatchConcurrency,
		Places:      c.MaxWorkers,
		Timeout:     c.JobTimeout,
		Requeue:     p.requeue,
		Registerer:  c.Registerer,
		Log:         c.Log,
		Now:         time.Now,
	})
	left := p.newReserve(salesforce, monday)
	p.migrator = p.newMigrator(salesforce, monday, left)
	p.sweeper = p.newSweeper(monday, left)
	p.feed = p.newFeed(salesforce, left)
	client, err := p.newClient()
	if err != nil {
		return nil, err
	}
	p.client = client
	c.Registerer.MustRegister(queueCollector{store: p.store, queue: p.queue, log: c.Log})
	return p, nil
}

// newClient returns the queue's client, with a worker for each kind of job.
func (p *Pool) newClient() (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	if err := p.register(workers); err != nil {
		return nil, fmt.Errorf("registering workers: %w", err)
	}
	c := p.config
	driver := queue.NewDriver(queue.DriverConfig{Pool: cmp.Or(c.QueueDB, c.DB), Alone: c.QueueDB != nil,
		Share: c.Share, Events: jobs.QueueEvents})
	client, err := river.NewClient(driver, &river.Config{
		Queues:                      queues(c),
		PeriodicJobs:                schedules(c.Mapping),
		Workers:                     workers,
		ErrorHandler:                errorHandler{p},
		FetchCooldown:               5 * time.Millisecond,
		FetchPollInterval:           100 * time.Millisecond,
		PollOnly:                    c.PollOnly,
		JobTimeout:                  c.JobTimeout,
		RescueStuckJobsAfter:        c.RescueAfter,
		RetryPolicy:                 backoff{base: c.RetryBase, max: c.RetryMax},
		MaxAttempts:                 c.MaxAttempts,
		SoftStopTimeout:             c.ShutdownGrace,
		CompletedJobRetentionPeriod: keepDone,
		CancelledJobRetentionPeriod: keepEnded,
		DiscardedJobRetentionPeriod: keepEnded,
		ReindexerIndexNames:         reindexed(),
		Logger:                      QueueLog(c.Log),
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the queue: %w", err)
	}
	return client, nil
}

// reindexed lists the indexes that River rebuilds each night: all except those that our schema drops.
func reindexed() []string {
	dropped := []string{"river_job_args_index", "river_job_metadata_index"}
	return slices.DeleteFunc(river.ReindexerIndexNamesDefault(),
		func(name string) bool { return slices.Contains(dropped, name) })
}

// Queue returns the statements on River's table, with package jobs' names for its contents.
func Queue(db *pgxpool.Pool) *queue.Queue {
	return queue.New(db, queue.Names{Events: jobs.QueueEvents, Migrations: jobs.QueueMigrations,
		MigrateBoard: jobs.KindMigrateBoard, SweepBoard: jobs.KindSweepBoard,
		ItemResync: jobs.KindItemResync, ItemDelete: jobs.KindItemDelete})
}

// guardedSalesforce returns the client whose calls pass through a breaker, unlike the breaker's own.
func (p *Pool) guardedSalesforce() *sfclient.Client {
	b := p.addBreaker("salesforce", func(ctx context.Context) error {
		_, err := p.config.Salesforce.WhoAmI(ctx)
		return err
	})
	return p.config.Salesforce.WithGuard(b.guard)
}

// guardedMonday returns the client whose calls pass through a breaker, unlike the breaker's own.
func (p *Pool) guardedMonday() *mondayclient.Client {
	b := p.addBreaker("monday", func(ctx context.Context) error {
		_, err := p.config.Monday.WhoAmI(ctx)
		return err
	})
	return p.config.Monday.WithGuard(b.guard)
}

func (p *Pool) addBreaker(system string, probe func(ctx context.Context) error) *breaker {
	b := newBreaker(system, probe, p.store, p.queue, p.config.Log)
	p.breakers = append(p.breakers, b)
	return b
}

// Start starts the pool. It returns when the queue is up.
func (p *Pool) Start(ctx context.Context) error {
	// Only Stop stops River: ctx only limits the start.
	if err := p.client.Start(context.WithoutCancel(ctx)); err != nil {
		return postgres.Wrap("starting the queue", err)
	}
	sweeps, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stop = stop
	old := pruner{store: p.store, queue: p.queue, keep: p.config.LogRetention, log: p.config.Log}
	p.background(sweeps, "rounds", p.runRounds)
	if !p.config.MigrationsOnly {
		p.background(sweeps, "measure", func(ctx context.Context) {
			p.logIn(ctx)
			p.measure(ctx)
		})
		p.background(sweeps, "backfill", p.noticeMapping)
	}
	if p.feed != nil {
		p.background(sweeps, "feed", p.feed.Run)
	}
	p.background(sweeps, "calls of the day", p.shareDay)
	p.background(sweeps, "migrations", p.tendMigrations)
	p.background(sweeps, "retention", old.run)
	return nil
}

// Stop takes no more jobs, lets the running ones end within the shutdown grace, and returns the others to the queue.
// Returning a job costs no attempt.
func (p *Pool) Stop(ctx context.Context) error {
	p.migrator.Stop()
	err := p.client.Stop(ctx)
	if closing := p.closeEngine(ctx); closing != nil {
		err = errors.Join(err, fmt.Errorf("closing the engine: %w", closing))
	}
	if p.stop != nil {
		p.stop()
	}
	p.done.Wait()
	for _, b := range p.breakers {
		b.close()
	}
	return err
}

// closeEngine interrupts the batches that are still running, since River has already given their jobs the grace
// period, and waits until they have stored their results and released their leases.
func (p *Pool) closeEngine(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, interruptAfter)
	defer cancel()
	if p.engine.Close(soon) == nil {
		return nil
	}
	return p.engine.Close(ctx)
}

// TakeEvents makes a started pool that has left the queue of the events to others work on it, too.
func (p *Pool) TakeEvents() error {
	err := p.client.Queues().Add(jobs.QueueEvents, river.QueueConfig{MaxWorkers: p.config.MaxWorkers})
	if err != nil {
		return fmt.Errorf("taking events: %w", err)
	}
	return nil
}

// Client returns the queue's client, for the dashboard.
func (p *Pool) Client() *river.Client[pgx.Tx] { return p.client }
